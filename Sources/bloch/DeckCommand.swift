import ArgumentParser
import Deck
import Simulation

struct DeckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "deck", abstract: "List the keys of a deck, with units and defaults.")

  /// Decks of other kinds than a run.
  enum Kind: String, EnumerableFlag {
    case training, minimize, neb, modes, serve

    static func help(for kind: Kind) -> ArgumentHelp? {
      switch kind {
      case .training: "Those of the deck of a training."
      case .minimize: "Those of the deck of a minimisation."
      case .neb: "Those of the deck of a nudged elastic band."
      case .modes: "Those of the deck of normal modes."
      case .serve: "Those of the deck of forces for another program."
      }
    }

    var ofDeck: DeckKind {
      switch self {
      case .training: .training
      case .minimize: .minimization
      case .neb: .band
      case .modes: .modes
      case .serve: .serve
      }
    }
  }

  @Flag var kind: Kind?

  func run() throws { try Console.print((kind?.ofDeck ?? .run).reference) }
}
