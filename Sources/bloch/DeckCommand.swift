import ArgumentParser
import Deck
import Simulation

struct DeckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "deck", abstract: "List the keys of a deck, with units and defaults.")

  @Flag(help: "Those of the deck of a training.")
  var training = false

  func run() throws { try Console.print(training ? TrainingDeck.reference : Deck.reference) }
}
