// The keys of normal modes: the group `modes`.

extension Deck {
  public struct Modes: Sendable, Hashable {
    /// Of each coordinate to both sides, in Angstrom.
    public let displacement: Double
    /// So many of the lowest are written as moving pictures.
    public let animated: Int
  }
}

extension DeckReader {
  /// Nil in a deck of another kind.
  mutating func modes() -> Deck.Modes? {
    section = [.modes]
    let displacement = quantity(
      "modes.displacement", .length, 1e-4...0.1, default: "0.01 A",
      help: "Displacement of each coordinate, to both sides, for the finite differences.")
    let animated = count(
      "modes.animated", 0...100_000, default: "20",
      help: "Number of modes, lowest first, written as moving pictures.")
    guard kind == .modes else { return nil }
    return Deck.Modes(displacement: displacement, animated: animated)
  }
}
