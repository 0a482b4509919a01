import ArgumentParser
import Simulation

struct ModesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "modes", abstract: "Frequencies and shapes of the vibrations about a minimum.",
    discussion: """
      By finite differences of the forces, six evaluations for each atom that may move. The deck has a group \
      `modes`; `bloch deck --modes` lists its keys. Prints the frequencies, imaginary ones marked, and the \
      zero-point energy.
      """)

  @OptionGroup var deck: DeckArguments

  @Flag(help: "Replace the files of an earlier run.")
  var overwrite = false

  func run() throws {
    let modes = try ModesRun(
      deck: deck.read(as: .modes), events: Console.listener(), forceField: Ranks.forceField)
    try modes.run(overwrite: overwrite)
  }
}
