import ArgumentParser
import Simulation

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Do all that a run does except to integrate.",
    discussion: """
      Reads deck, structure and model, evaluates the forces once, and prints what the run would be: atoms, \
      density, memory, and the size of its files against the free disk.
      """)

  @OptionGroup var deck: DeckArguments

  func run() throws {
    var simulation = try Simulation(deck: deck.read())
    try Console.print(simulation.check())
  }
}
