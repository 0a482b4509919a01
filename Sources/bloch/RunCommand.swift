import ArgumentParser

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run the simulation that a deck describes.",
    discussion: """
      Ctrl-C ends the run after the present step with a checkpoint; `bloch resume` continues it, bit for bit. \
      So do SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 and SIGXCPU, with which queues say that the time is up.
      """)

  @OptionGroup var deck: DeckArguments

  @Flag(help: "Replace the files of an earlier run.")
  var overwrite = false

  func run() throws { try deck.simulate(as: .run, overwrite: overwrite) }
}
