// Which frames train and which are held back to see how the model does on what it has not seen.

import Lattice

/// Streams of random numbers, one for each use in training; far from those of dynamics.
enum RandomStream {
  static let split: UInt32 = 0x5452_0001
  static let shuffle: UInt32 = 0x5452_0002
}

/// 0 ..< count in an order that is a function of (seed, round, stream) alone (Fisher and Yates).
func shuffledIndices(_ count: Int, seed: UInt64, round: Int64, stream: UInt32) -> [Int] {
  let random = CounterRNG(seed: seed)
  var order = Array(0..<count)
  for i in stride(from: count - 1, to: 0, by: -1) {
    // u < 1, and i + 1 is far below 2^52: the product is below i + 1 after rounding, too.
    let j = Int(random.uniforms(step: round, atom: i, stream: stream).x * Double(i + 1))
    order.swapAt(i, j)
  }
  return order
}

extension LabelledData {
  /// Splits the frames: `fraction` of those of each file, at least one of two or more unless it is 0, are held back.
  /// - Returns: the same files with the frames that train, and with those held back, in their order in the files.
  public func split(fraction: Double, seed: UInt64) -> (train: LabelledData, valid: LabelledData) {
    var isHeldBack = [Bool](repeating: false, count: frames.count)
    for file in files.indices {
      let own = frames.indices.filter { frames[$0].file == file }
      let count =
        own.count < 2 || fraction == 0
        ? 0 : min(own.count - 1, max(1, Int((fraction * Double(own.count)).rounded())))
      let order = shuffledIndices(own.count, seed: seed, round: Int64(file), stream: RandomStream.split)
      for k in order.prefix(count) { isHeldBack[own[k]] = true }
    }
    var (train, valid) = (self, self)
    train.frames = frames.indices.filter { !isHeldBack[$0] }.map { frames[$0] }
    valid.frames = frames.indices.filter { isHeldBack[$0] }.map { frames[$0] }
    return (train, valid)
  }
}
