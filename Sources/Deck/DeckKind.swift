// What a deck is for, told by the one key that every deck of its kind has and no other.

import Yams

public enum DeckKind: String, Sendable, CaseIterable {
  case training, minimization, band, modes, serve, run

  /// The kind of the deck at `path`.
  /// - Throws: `FileError`, `DeckError` where it is no YAML.
  public init(ofDeckAt path: String) throws {
    self.init(of: try DeckText.compose(DeckText.contents(of: path), file: path).1)
  }

  init(of root: Node.Mapping) {
    self = DeckKind.allCases.first { kind in root.keys.contains { $0.string == kind.mark } } ?? .run
  }

  /// The key. Those of all other kinds come before `structure`, which a run shares with some.
  var mark: String {
    switch self {
    case .training: "train"
    case .minimization: "minimize"
    case .band: "neb"
    case .modes: "modes"
    case .serve: "serve"
    case .run: "structure"
    }
  }
  /// What `bloch` does with it.
  public var command: String {
    self == .run ? "run" : mark
  }
  /// `the deck of ...`
  public var words: String {
    switch self {
    case .training: "a training"
    case .minimization: "a minimisation"
    case .band: "a band of images"
    case .modes: "normal modes"
    case .serve: "forces for another program"
    case .run: "a run"
    }
  }
}

extension Deck {
  /// The keys that a deck of this kind has.
  /// - Throws: `DeckError` where it is the deck of something else.
  public func require<Keys>(_ keys: Keys?, of kind: DeckKind) throws -> Keys {
    guard let keys else {
      throw error(
        at: "structure", "this is the deck of \(self.kind.words), not of \(kind.words)",
        help: "add the group `\(kind.mark)`")
    }
    return keys
  }
}
