import ArgumentParser
import Deck

struct DeckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "deck", abstract: "List the keys of a deck, with units and defaults.")

  func run() { print(Deck.reference) }
}
