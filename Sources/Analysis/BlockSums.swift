// Means of curves, such as a histogram of every frame, with the error of every point. Memory does not follow the number of
// frames: 32 to 64 sums of equally many consecutive frames are kept, and neighbours are added up when there are 64.

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
}
