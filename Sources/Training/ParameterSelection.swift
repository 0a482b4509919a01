// Which blocks learn, and how fast: patterns over the names of blocks, with * for any run of characters and ? for one.
//
//   layers/0/radial/*      every matrix of the first layer's radial network
//   layers/?/readout/*     the readouts of all layers

import Diagnostics

public struct ParameterSelection: Sendable, Hashable {
  public struct Block: Sendable, Hashable {
    public let name: String
    public let range: Range<Int>
    public let decays: Bool
    /// Of the rate; 0 for a frozen block.
    public let factor: Double
  }
  public let blocks: [Block]

  /// Every block at the full rate.
  public init(_ blocks: [ParameterBlock]) {
    self.blocks = blocks.map { Block(name: $0.name, range: $0.range, decays: $0.decays, factor: 1) }
  }

  /// - Parameters:
  ///   - frozen: patterns of blocks that keep their values.
  ///   - factors: patterns with factors of the rate; of several that match the last one counts.
  /// - Throws: `PatternError` for a pattern that no block matches, and where nothing is left to learn.
  public init(_ blocks: [ParameterBlock], frozen: [String], factors: [(pattern: String, factor: Double)])
    throws
  {
    for pattern in frozen + factors.map(\.pattern)
    where !blocks.contains(where: { matches($0.name, pattern) }) {
      throw PatternError(pattern: pattern, names: blocks.map(\.name))
    }
    self.blocks = blocks.map { block in
      let isFrozen = frozen.contains { matches(block.name, $0) }
      let factor = factors.last { matches(block.name, $0.pattern) }?.factor ?? 1
      return Block(
        name: block.name, range: block.range, decays: block.decays, factor: isFrozen ? 0 : factor)
    }
    guard self.blocks.contains(where: { $0.factor > 0 }) else {
      throw PatternError(pattern: nil, names: blocks.map(\.name))
    }
  }

  /// Parameters that learn.
  public var learningCount: Int { blocks.reduce(0) { $0 + ($1.factor > 0 ? $1.range.count : 0) } }
}

/// A pattern without a block.
public struct PatternError: Error, Sendable {
  /// Nil where every block is frozen.
  public let pattern: String?
  /// Of all blocks.
  public let names: [String]
}

/// Whether `name` is one of those that `pattern` stands for.
func matches(_ name: String, _ pattern: String) -> Bool {
  // star: where the last * stood, and how much of the name it has taken.
  let (name, pattern) = (Array(name), Array(pattern))
  var (n, p) = (0, 0)
  var star: (p: Int, n: Int)?
  while n < name.count {
    if p < pattern.count, pattern[p] == "*" {
      star = (p, n)
      p += 1
    } else if p < pattern.count, pattern[p] == "?" || pattern[p] == name[n] {
      n += 1
      p += 1
    } else if let last = star {
      star = (last.p, last.n + 1)
      (n, p) = (last.n + 1, last.p + 1)
    } else {
      return false
    }
  }
  return pattern[p...].allSatisfy { $0 == "*" }
}
