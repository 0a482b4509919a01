// The mean of a correlated series and its error by blocking (Flyvbjerg and Petersen, doi:10.1063/1.457480):
//
//   e_B^2 = var(means of blocks of B values) / (n / B)         rises with B until blocks are independent
//   g = e_B^2 / e_1^2 = 2 tau / dt                             statistical inefficiency
//   n_eff = n / g,   tau = g dt / 2
//
// B is the smallest power of two with B^3 > 2 n g^2, where bias and noise of e_B balance (Lee, Conduit, Nemec, Lopez Rios and
// Drummond, doi:10.1103/PhysRevE.83.066706). Where no B with eight blocks satisfies it, the series is too short to say:
// the largest e_B is given, and `isResolved` is false.

/// Mean, error, autocorrelation time and effective number of samples of one series.
public struct BlockedMean: Sendable, Equatable {
  public let mean: Double
  /// Standard deviation of the values.
  public let deviation: Double
  /// Standard error of the mean; nil of fewer than `leastBlocks` values.
  public let error: Double?
  /// g, the number of values that are worth one; at least 1.
  public let inefficiency: Double
  /// Values.
  public let count: Int
  /// Whether the series is long enough for the error to be trusted; where it is not, the error is a lower bound.
  public let isResolved: Bool

  static let leastBlocks = 8

  /// n_eff.
  public var effectiveCount: Double { Double(count) / inefficiency }

  /// tau, in the unit of `interval`, the time between two values.
  public func correlationTime(interval: Double) -> Double { inefficiency * interval / 2 }

  /// The mean of no value is NaN.
  public init(_ series: [Double]) {
    count = series.count
    let mean = series.reduce(0, +) / Double(series.count)
    let variance = Self.variance(series, about: mean)
    self.mean = mean
    deviation = variance.squareRoot()
    let first = variance / Double(series.count)
    // Of a constant the differences from the mean are rounding.
    guard series.count >= Self.leastBlocks, deviation > 1e-12 * abs(mean) else {
      error = series.count >= Self.leastBlocks ? 0 : nil
      inefficiency = 1
      isResolved = series.count >= Self.leastBlocks
      return
    }
    var blocks = series
    var length = 1
    var largest = 1.0
    var isResolved = false
    while true {
      let square = Self.variance(blocks, about: mean) / Double(blocks.count)
      let ratio = square / first
      if Self.isLongEnough(length, ratio, of: series.count) {
        (largest, isResolved) = (max(1, ratio), true)
        break
      }
      largest = max(largest, ratio)
      guard blocks.count / 2 >= Self.leastBlocks else { break }
      length *= 2
      // A value that has no partner is the first: it is the farthest from equilibrium.
      let odd = blocks.count % 2
      blocks = (0..<blocks.count / 2).map { (blocks[odd + 2 * $0] + blocks[odd + 2 * $0 + 1]) / 2 }
    }
    error = (first * largest).squareRoot()
    inefficiency = largest
    self.isResolved = isResolved
  }

  /// B^3 > 2 n g^2
  private static func isLongEnough(_ length: Int, _ ratio: Double, of count: Int) -> Bool {
    let b = Double(length)
    return b * b * b > 2 * Double(count) * ratio * ratio
  }

  private static func variance(_ values: [Double], about mean: Double) -> Double {
    guard values.count > 1 else { return 0 }
    return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)
  }
}
