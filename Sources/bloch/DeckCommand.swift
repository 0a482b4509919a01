import ArgumentParser
import Deck
import Simulation

struct DeckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "deck", abstract: "List the keys of a deck, with units and defaults.")

  func run() throws { try Console.print(Deck.reference) }
}
