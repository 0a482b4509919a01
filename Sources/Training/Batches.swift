// Batches of an epoch: the frames in an order that is a function of (seed, epoch), cut where the next one would make a batch
// too large. A step costs what its atoms cost, so by atoms is the fair measure where frames differ.

import Lattice

public struct BatchSize: Sendable, Hashable {
  public enum Unit: Sendable, Hashable { case atoms, frames }
  public var unit: Unit
  public var largest: Int

  public init(_ unit: Unit, _ largest: Int) {
    precondition(largest > 0)
    self.unit = unit
    self.largest = largest
  }

  /// The end of the batch that begins at `start` of `order`; a frame larger than a batch is one of its own.
  public func end(from start: Int, order: [Int], frames: [LabelledFrame]) -> Int {
    var (end, size) = (start, 0)
    while end < order.count {
      size += unit == .frames ? 1 : frames[order[end]].system.count
      guard size <= largest || end == start else { break }
      end += 1
    }
    return end
  }
}

/// The order of `count` frames in epoch `epoch`.
public func epochOrder(count: Int, epoch: Int, seed: UInt64) -> [Int] {
  shuffledIndices(count, seed: seed, round: Int64(epoch), stream: RandomStream.shuffle)
}
