// The error of what is no mean, such as a ratio or a fluctuation: the jackknife over blocks of time
// (Efron, doi:10.1137/1.9781611970319),
//
//   e^2 = (m - 1)/m sum_b (x_b - <x>)^2,       x_b from all frames but those of block b.

enum Jackknife {
  /// Blocks; each should be longer than the autocorrelation time.
  static let blocks = 10

  /// The error of `estimate`, which is called with the frames to use; nil of too few frames or where it is not finite.
  static func error(frames: Int, _ estimate: (_ used: [Int]) -> Double) -> Double? {
    guard frames >= 4 * blocks else { return nil }
    let values = (0..<blocks).map { block in
      let left = frames * block / blocks..<frames * (block + 1) / blocks
      return estimate((0..<frames).filter { !left.contains($0) })
    }
    let mean = values.reduce(0, +) / Double(blocks)
    let square = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } * Double(blocks - 1) / Double(blocks)
    return square.isFinite ? square.squareRoot() : nil
  }
}
