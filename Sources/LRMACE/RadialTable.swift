// Radial functions R_f(r), f = (path, channel), of one layer: a silu network of the Bessel basis depends on the
// distance alone, so it is tabulated once at load as quintic splines and never evaluated in a step:
//   R_f(r) = sum_k c_k,f B(r / h - k),
// B the uniform B-spline of degree five: four times continuously differentiable, error O(h^6), and one row of the table
// per knot, so that what a step reads of it stays in the cache. The number of intervals is doubled until the error
// at their middles is below the wanted one.
//
// Table: [knot][function], functions contiguous; interval i takes rows i to i + 5. Distances in Angstrom.

import Foundation
import Kernels

struct RadialTable<T: KernelScalar> {
  /// Functions, padded by the caller to whole lanes.
  let functions: Int
  let intervals: Int
  private let inverseSpacing: T
  private let rounding: T
  private let table: Workspace<T>
  /// Largest error met at mid-interval, relative to the largest |R|.
  let relativeError: Double

  /// Functions [path][channel] of the network are spread to [path][paddedChannels].
  init(network source: RadialNetwork, channels: Int, paddedChannels: Int) {
    let tolerance = T.self == Float.self ? 1e-7 : 1e-13
    let cutoff = source.cutoff
    let ends = source.jets(at: [0, cutoff])
    let all = ends.functions
    var intervals = 32
    /// [distance][function].
    func values(offset: Double, count: Int) -> [Double] {
      source.values(at: (0..<count).map { cutoff * (Double($0) + offset) / Double(intervals) })
    }
    func spline(_ knots: [Double]) -> QuinticSpline {
      QuinticSpline(knots: knots, ends: ends, spacing: cutoff / Double(intervals))
    }
    var knots = values(offset: 0, count: intervals + 1)
    var fit = spline(knots)
    while true {
      let middles = values(offset: 0.5, count: intervals)
      let error = fit.relativeError(middles: middles)
      if error <= tolerance || intervals >= 4096 {
        relativeError = error
        break
      }
      // The knots of the next finer table are this one's and its midpoints.
      knots = (0...2 * intervals).flatMap { i in
        (i % 2 == 0 ? knots : middles)[(i / 2 * all)..<((i / 2 + 1) * all)]
      }
      intervals *= 2
      fit = spline(knots)
    }
    functions = all / channels * paddedChannels
    self.intervals = intervals
    inverseSpacing = T(Double(intervals) / cutoff)
    rounding = T(3 << (T.significandBitCount - 1))
    table = Workspace<T>(repeating: 0, count: (intervals + 5) * functions)
    for n in fit.coefficients.indices {
      let (row, f) = (n / all, n % all)
      table.pointer[row * functions + f / channels * paddedChannels + f % channels] = T(fit.coefficients[n])
    }
  }

  // MARK: - Evaluation

  /// Where a vector of distances lies in the table: six weights of R, six of dR/dr, and the interval.
  private static var locationLength: Int { 13 }

  /// Vectors of lanes that `locate` writes for so many distances.
  static func locationCount(_ distances: Int) -> Int {
    (distances / T.Lanes.scalarCount + 1) * locationLength
  }

  /// Where distances lie in the table, one distance per lane. `distances` may be read up to whole lanes.
  @inline(__always)
  func locate(
    _ distances: UnsafePointer<T>, count: Int, into locations: UnsafeMutablePointer<T.Lanes>
  ) {
    let lanes = T.Lanes.scalarCount
    let last = T.Lanes(repeating: T(intervals &- 1))
    let h = inverseSpacing
    let scale = 1 / T(120)
    var target = locations
    for e in stride(from: 0, to: count, by: lanes) {
      let s = distances.lanes(e) * h
      // Adding 1.5 x 2^(mantissa bits) rounds to whole numbers.
      let interval = pointwiseMin((s - 0.5 + rounding) - rounding, last)
      let t = s - interval
      // B is even: pieces on its two sides are each other's mirror images.
      let (left, right) = (Self.pieces(1 - t), Self.pieces(t))
      (target[0], target[1], target[2]) = left.value
      (target[5], target[4], target[3]) = right.value
      (target[6], target[7], target[8]) = left.slope
      (target[11], target[10], target[9]) = right.slope
      for k in 0..<6 { target[k] *= scale }
      for k in 6..<9 { target[k] *= -scale * h }
      for k in 9..<12 { target[k] *= scale * h }
      target[12] = interval
      target += Self.locationLength
    }
  }

  /// 120 times the rising side of B, t behind the beginning of each of its three unit pieces.
  @inline(__always)
  private static func pieces(
    _ t: T.Lanes
  ) -> (value: (T.Lanes, T.Lanes, T.Lanes), slope: (T.Lanes, T.Lanes, T.Lanes)) {
    let t4 = (t * t) * (t * t)
    return (
      (t4 * t, T.polynomial([-5, 5, 10, 10, 5, 1], t), T.polynomial([10, -20, -20, 20, 50, 26], t)),
      (5 * t4, T.polynomial([-25, 20, 30, 20, 5], t), T.polynomial([50, -80, -60, 40, 50], t))
    )
  }

  /// The weights of distance `n`, a vector of lanes apart, and the table rows that they weigh.
  @inline(__always)
  private func location(
    _ n: Int, _ locations: UnsafePointer<T.Lanes>
  ) -> (weights: UnsafePointer<T>, rows: UnsafePointer<T>) {
    let lanes = T.Lanes.scalarCount
    let vector = UnsafeRawPointer(locations + n / lanes &* Self.locationLength)
    let weights = vector.assumingMemoryBound(to: T.self) + n % lanes
    return (weights, UnsafePointer(table.pointer + weights[12 &* lanes].wholePart &* functions))
  }

  /// Writes R_f of distance `n` to `value[f]`.
  @inline(__always)
  func evaluate(_ n: Int, of locations: UnsafePointer<T.Lanes>, into value: UnsafeMutablePointer<T>) {
    let lanes = T.Lanes.scalarCount
    let (weights, rows) = location(n, locations)
    let w = InlineArray<6, T.Lanes> { T.Lanes(repeating: weights[$0 &* lanes]) }
    for f in stride(from: 0, to: functions, by: lanes) {
      var sum = rows.lanes(f) * w[0]
      for k in 1..<6 { sum.addProduct(rows.lanes(k &* functions &+ f), w[k]) }
      value.setLanes(f, sum)
    }
  }

  /// Writes R_f of distance `n` to `value[f]` and dR_f/dr to `slope[f]`.
  @inline(__always)
  func evaluate(
    _ n: Int, of locations: UnsafePointer<T.Lanes>, into value: UnsafeMutablePointer<T>,
    slope: UnsafeMutablePointer<T>
  ) {
    let lanes = T.Lanes.scalarCount
    let (weights, rows) = location(n, locations)
    let w = InlineArray<12, T.Lanes> { T.Lanes(repeating: weights[$0 &* lanes]) }
    for f in stride(from: 0, to: functions, by: lanes) {
      let first = rows.lanes(f)
      var (sum, rise) = (first * w[0], first * w[6])
      for k in 1..<6 {
        let c = rows.lanes(k &* functions &+ f)
        sum.addProduct(c, w[k])
        rise.addProduct(c, w[6 &+ k])
      }
      value.setLanes(f, sum)
      slope.setLanes(f, rise)
    }
  }
}
