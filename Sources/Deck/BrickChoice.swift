// How a system is divided among ranks (Documentation/mpi.md), in decks `[2, 2, 1]` and on command lines `2x2x1`.

/// Bricks along the three lattice vectors.
public enum BrickChoice: Sendable, Hashable, CustomStringConvertible {
  /// Those with the least that each needs of others.
  case auto
  case counts(SIMD3<Int>)

  /// Products of three stay far from overflow.
  static let range = 1...100_000

  init(_ counts: [Int]?) { self = counts.map { .counts(SIMD3($0[0], $0[1], $0[2])) } ?? .auto }

  /// `auto`, or `2x2x1`; nil for anything else.
  public init?(_ text: String) {
    if text == "auto" {
      self = .auto
      return
    }
    let numbers = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard numbers.count == 3, numbers.allSatisfy({ $0.map(Self.range.contains) ?? false }) else { return nil }
    self.init(numbers.compactMap { $0 })
  }

  /// Nil for those that are found.
  public var counts: SIMD3<Int>? {
    switch self {
    case .auto: nil
    case .counts(let counts): counts
    }
  }

  public var description: String { counts.map { "\($0.x)x\($0.y)x\($0.z)" } ?? "auto" }

  public var deckValue: DeckValue {
    counts.map { .list(["\($0.x)", "\($0.y)", "\($0.z)"]) } ?? .text("auto")
  }
}
