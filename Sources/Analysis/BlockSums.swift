// Means of curves, such as a histogram of every frame, with the error of every point. Memory does not follow the number of
// frames: 32 to 64 sums of equally many consecutive frames are kept, and neighbours are added up when there are 64.

import Lattice

struct BlockSums: Sendable {
  /// Sums over `framesPerBlock` frames each.
  private var blocks: [[Double]] = []
  private(set) var framesPerBlock = 1
  private var present: [Double] = []
  private var presentFrames = 0
  private(set) var total: [Double] = []
  private(set) var frames = 0

  private static let mostBlocks = 64

  mutating func add(_ values: [Double]) {
    if total.isEmpty {
      total = Array(repeating: 0, count: values.count)
      present = total
    }
    for n in values.indices {
      total[n] += values[n]
      present[n] += values[n]
    }
    frames += 1
    presentFrames += 1
    guard presentFrames == framesPerBlock else { return }
    blocks.append(present)
    present = Array(repeating: 0, count: present.count)
    presentFrames = 0
    if blocks.count == Self.mostBlocks {
      blocks = stride(from: 0, to: blocks.count, by: 2).map { b in
        zip(blocks[b], blocks[b + 1]).map { $0 + $1 }
      }
      framesPerBlock *= 2
    }
  }

  /// The mean over all frames of each point.
  var mean: [Double] { total.map { $0 / Double(frames) } }

  /// The errors of what `derive` makes of the mean of each block, point by point: of the means themselves by default.
  /// Nil of fewer frames than blocks are needed.
  func errors(_ derive: ([Double]) -> [Double] = { $0 }) -> [Double]? {
    guard blocks.count >= BlockedMean.leastBlocks else { return nil }
    let values = blocks.map { block in derive(block.map { $0 / Double(framesPerBlock) }) }
    return values[0].indices.map { n in BlockedMean(values.map { $0[n] }).error ?? .nan }
  }

  /// The means over so many stretches of consecutive frames, all of one length; those that are too few for a block, and a few
  /// blocks at the start, are left over. Nil of fewer blocks than stretches.
  func means(ofStretches count: Int) -> [[Double]]? {
    let length = blocks.count / count
    guard length > 0 else { return nil }
    let start = blocks.count - count * length
    return (0..<count).map { stretch in
      var sum = total.map { _ in 0.0 }
      for block in blocks[start + stretch * length..<start + (stretch + 1) * length] {
        for n in sum.indices { sum[n] += block[n] }
      }
      return sum.map { $0 / Double(length * framesPerBlock) }
    }
  }
}

// MARK: - In a checkpoint

extension BlockSums {
  var state: StateTree {
    [
      "frames": .integers([frames, presentFrames, framesPerBlock].map(Int64.init)), "total": .numbers(total),
      "present": .numbers(present), "blocks": .numbers(blocks.flatMap { $0 }),
    ]
  }

  /// - Parameters:
  ///   - width: values of each frame.
  ///   - frames: that were added.
  /// - Throws: `StateError`.
  init(_ state: StateTree, width: Int, frames expected: Int) throws {
    self = try state.read { state in
      let counts = try state.integers("frames", count: 3)
      let (count, present, length) = (counts[0], counts[1], counts[2])
      guard count == expected, length > 0, (0..<length).contains(present), (0...count).contains(present),
        (count - present).isMultiple(of: length), (count - present) / length < Self.mostBlocks
      else { throw StateError("frames", "holds \(counts) of \(expected) frames") }
      var sums = BlockSums()
      (sums.frames, sums.presentFrames, sums.framesPerBlock) = (expected, Int(present), Int(length))
      let width = expected == 0 ? 0 : width
      sums.total = try state.numbers("total", count: width)
      sums.present = try state.numbers("present", count: width)
      let blocks = Int((count - present) / length)
      let values = try state.numbers("blocks", count: blocks * width)
      sums.blocks = (0..<blocks).map { Array(values[$0 * width..<($0 + 1) * width]) }
      return sums
    }
  }
}
