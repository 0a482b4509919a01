import ArgumentParser

struct MinimizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "minimize", abstract: "Bring the forces, and if asked the stress, of a structure to zero.",
    discussion: """
      The deck has a group `minimize` in the place of an ensemble; `bloch deck --minimize` lists its keys. It ends like \
      a run: with a checkpoint after Ctrl-C or SIGTERM, from which `bloch resume` goes on bit for bit. The exit \
      code is 5 where the forces are not small enough after the last step.
      """)

  @OptionGroup var deck: DeckArguments

  @Flag(help: "Replace the files of an earlier run.")
  var overwrite = false

  func run() throws { try deck.simulate(as: .minimization, overwrite: overwrite) }
}
