// The reference of all keys, made from their declarations.

import Foundation

extension Deck {
  /// Every key, in the order of its declaration.
  public static let keys = DeckReader.keys { _ = Deck(reading: &$0) }

  /// The reference as text for a terminal.
  public static var reference: String { DeckReader.reference(of: keys) }
}

extension TrainingDeck {
  /// Every key, in the order of its declaration.
  public static let keys = DeckReader.keys { _ = TrainingDeck(reading: &$0) }

  /// The reference as text for a terminal.
  public static var reference: String { DeckReader.reference(of: keys) }
}

extension DeckReader {
  /// The keys that `declare` asks for.
  fileprivate static func keys(_ declare: (inout DeckReader) -> Void) -> [KeyDescription] {
    let nothing = SourceText(file: "deck.yaml", text: "")
    var reader = DeckReader(source: nothing, folder: URL(fileURLWithPath: "/"), root: nil)
    declare(&reader)
    return reader.declared
  }

  fileprivate static func reference(of keys: [KeyDescription]) -> String {
    keys.map { key in
      let fallback = (key.fallbackInWords ?? key.fallback).map { "default: \($0)" } ?? "required"
      let condition = key.condition.map { "\($0); " } ?? ""
      return "\(key.path)  (\(condition)\(fallback))\n    \(key.help)\n    Takes \(key.takes)."
    }.joined(separator: "\n")
  }
}
