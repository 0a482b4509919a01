import ArgumentParser

struct NEBCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "neb", abstract: "Find the path of least energy between two minima, and its barrier.",
    discussion: """
      A nudged elastic band with a climbing image. The deck names one end as its structure and has a group `neb` \
      with the other; `bloch deck --neb` lists its keys. Ends that are no minima are minimised first. Images are \
      evaluated side by side, a thread for each. It ends like a run: with a checkpoint after Ctrl-C or SIGTERM, \
      from which `bloch resume` goes on bit for bit. The exit code is 5 where the band has not converged after the \
      last step.
      """)

  @OptionGroup var deck: DeckArguments

  @Flag(help: "Replace the files of an earlier run.")
  var overwrite = false

  func run() throws { try deck.simulate(as: .band, overwrite: overwrite) }
}
