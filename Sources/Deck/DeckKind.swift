// What a deck is for, told by the one key that every deck of its kind has and no other.

import Yams

public enum DeckKind: String, Sendable {
  case run, training

  /// The kind of the deck at `path`.
  /// - Throws: `FileError`, `DeckError` where it is no YAML.
  public init(ofDeckAt path: String) throws {
    self.init(of: try DeckText.compose(DeckText.contents(of: path), file: path).1)
  }

  init(of root: Node.Mapping) {
    self = root.keys.contains { $0.string == DeckKind.training.mark } ? .training : .run
  }

  /// The key.
  var mark: String { self == .run ? "structure" : "train" }
  /// What `bloch` does with it.
  var command: String { self == .run ? "run" : "train" }
}
