// Splines of a radial network, fine enough for kernel precision: four times continuously differentiable, error O(h^6).
// The number of intervals is the one that this order foretells from the error at the middles of a coarser spline, and more
// until the error is below the wanted one: the smaller the table, the more of it stays in the caches, and a training makes
// new ones at every step. In double precision there are half as many again: slopes err more than values, which cannot be
// compared any closer.

import Foundation
import Kernels
import LRMACEModel

struct RadialSpline {
  /// [intervals + 5][function].
  let coefficients: Matrix
  let intervals: Int
  /// End of the last interval, Angstrom.
  let cutoff: Double
  /// Largest error met at mid-interval, where atoms may be, relative to the largest |R|.
  let relativeError: Double

  /// As many as tables of all pairs of elements can have rows that single precision counts exactly, and twice that.
  private static func mostIntervals(isDouble: Bool) -> Int { isDouble ? 4096 : 2048 }

  /// Largest relative error wanted of the values of a table in this precision.
  static func tolerance<T: KernelScalar>(_: T.Type) -> Double { T.self == Float.self ? 1e-7 : 3e-14 }

  /// As fine as the tolerance asks for.
  init(of source: RadialNetwork, tolerance: Double) {
    let isDouble = tolerance <= 1e-10
    let most = Self.mostIntervals(isDouble: isDouble)
    var spline = RadialSpline(of: source, intervals: 48)
    while spline.relativeError > tolerance, spline.intervals < most {
      let foretold = Double(spline.intervals) * min(2, 1.02 * pow(spline.relativeError / tolerance, 1 / 6))
      let intervals = min(most, max(spline.intervals + 4, (Int(foretold) + 3) / 4 * 4))
      spline = RadialSpline(of: source, intervals: intervals)
    }
    self = isDouble ? RadialSpline(of: source, intervals: min(most, spline.intervals * 3 / 2)) : spline
  }

  init(of source: RadialNetwork, intervals: Int) {
    let knots = RadialKnots(intervals: intervals, cutoff: source.cutoff)
    let ends = source.jets(at: [0, source.cutoff])
    let fit = QuinticSpline(
      knots: source.values(at: knots.distances), ends: knots.derivatives(ends))
    coefficients = Matrix(rows: intervals + 5, columns: ends.functions, values: fit.coefficients)
    relativeError = fit.relativeError(
      middles: source.values(at: knots.middles), from: knots.knot(below: source.basis.shortestDistance))
    self.intervals = intervals
    cutoff = source.cutoff
  }

  /// dE/d(matrices) of the network from dE/d(coefficients), [knot][function].
  static func adjoint(of source: RadialNetwork, coefficients gradient: [Double], functions: Int) -> [Matrix] {
    let values = QuinticSpline.adjoint(coefficients: gradient, functions: functions)
    let knots = RadialKnots(intervals: values.count / functions - 1, cutoff: source.cutoff)
    return source.adjoint(at: knots.distances, gradient: values)
  }

  /// `coefficients` on the knots of another spline: functions that it mixes.
  private init(_ coefficients: Matrix, like other: RadialSpline) {
    self.coefficients = coefficients
    (intervals, cutoff, relativeError) = (other.intervals, other.cutoff, other.relativeError)
  }

  /// The functions sum_b R_b(r) matrix[b, f].
  func mixed(by matrix: Matrix) -> RadialSpline { RadialSpline(coefficients * matrix, like: self) }
}
