// A long message in pieces, because MPI counts in 32 bits.

/// The ranges of a message's bytes that are sent one after the other.
public struct MessagePieces: Sequence, IteratorProtocol {
  /// Well below what 32 bits count, and whole numbers of whatever is sent.
  public static let longest = 1 << 30
  private let bytes: Int
  private var done = 0

  public init(of bytes: Int) { self.bytes = bytes }

  public mutating func next() -> Range<Int>? {
    guard done < bytes else { return nil }
    let piece = done..<done + Swift.min(bytes - done, Self.longest)
    done = piece.upperBound
    return piece
  }
}
