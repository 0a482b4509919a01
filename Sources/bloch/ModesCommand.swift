import ArgumentParser
import Simulation

struct ModesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "modes", abstract: "Frequencies and shapes of the vibrations about a minimum.",
    discussion: """
      By finite differences of the forces, six evaluations for each atom that may move. The deck has a group \
      `modes`; `bloch deck --modes` lists its keys. Prints the frequencies, imaginary ones marked, and the \
      zero-point energy. It ends like a run: with a checkpoint after Ctrl-C or SIGTERM, from which `bloch resume` \
      goes on bit for bit.
      """)

  @OptionGroup var deck: DeckArguments

  @Flag(help: "Replace the files of an earlier run.")
  var overwrite = false

  func run() throws {
    Interruption.watch()
    var modes = try ModesRun(
      deck: deck.read(as: .modes), events: Console.listener(), forceField: Ranks.forceField)
    try modes.run(overwrite: overwrite, interruption: { Interruption.name })
  }
}
