// The reference of all keys, made from their declarations.

import Foundation

extension Deck {
  /// Every key, in the order of its declaration.
  public static let keys: [KeyDescription] = {
    let nothing = SourceText(file: "deck.yaml", text: "")
    var reader = DeckReader(source: nothing, folder: URL(fileURLWithPath: "/"), root: nil)
    _ = Deck(reading: &reader)
    return reader.declared
  }()

  /// The reference as text for a terminal.
  public static var reference: String {
    keys.map { key in
      let fallback = (key.fallbackInWords ?? key.fallback).map { "default: \($0)" } ?? "required"
      let condition = key.condition.map { "\($0); " } ?? ""
      return "\(key.path)  (\(condition)\(fallback))\n    \(key.help)\n    Takes \(key.takes)."
    }.joined(separator: "\n")
  }
}
