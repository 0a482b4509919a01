// What a checkpoint counts on in an output file.

import Lattice

/// So many frames or bytes, and the digest of what they hold.
public struct OutputMark: Hashable, Sendable {
  public var count: Int
  public var digest: String

  public init(count: Int, digest: String) {
    self.count = count
    self.digest = digest
  }

  /// Larger numbers of frames and bytes could overflow in sums.
  private static let largest: Int64 = 1 << 53

  public var state: StateTree { ["count": .integers([Int64(count)]), "digest": .text(digest)] }

  /// - Throws: `StateError`.
  public init(_ state: StateTree) throws {
    self = try state.read { state in
      let count = try state.integer("count")
      guard (0...Self.largest).contains(count) else { throw StateError("count", "holds \(count)") }
      return try OutputMark(count: Int(count), digest: state.text("digest"))
    }
  }
}
