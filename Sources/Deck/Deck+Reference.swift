// The reference of all keys, made from their declarations.

import Foundation

extension DeckKind {
  /// Every key of a deck of this kind, in the order of its declaration.
  public var keys: [KeyDescription] {
    let nothing = SourceText(file: "deck.yaml", text: "")
    var reader = DeckReader(source: nothing, kind: self, folder: URL(fileURLWithPath: "/"), root: nil)
    if self == .training { _ = TrainingDeck(reading: &reader) } else { _ = Deck(reading: &reader) }
    return reader.declared.filter { $0.kinds.contains(self) }
  }

  /// The reference as text for a terminal.
  public var reference: String {
    keys.map { key in
      let fallback = (key.fallbackInWords ?? key.fallback).map { "default: \($0)" } ?? "required"
      let condition = key.condition.map { "\($0); " } ?? ""
      return "\(key.path)  (\(condition)\(fallback))\n    \(key.help)\n    Takes \(key.takes)."
    }.joined(separator: "\n")
  }
}
