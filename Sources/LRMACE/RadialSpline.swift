// Splines of a radial network, fine enough for kernel precision: four times continuously differentiable, error O(h^6).
// The number of intervals is the one that this order foretells from the error at the middles of a coarser spline, and more
// until the error is below the wanted one: the smaller the table, the more of it stays in the caches, and a training makes
// new ones at every step.

import Foundation
import Kernels
import LRMACEModel

struct RadialSpline {
  /// [intervals + 5][function].
  let coefficients: Matrix
  let intervals: Int
  /// End of the last interval, Angstrom.
  let cutoff: Double
  /// Largest error met at mid-interval, relative to the largest |R|.
  let relativeError: Double

  private static let mostIntervals = 4096

  /// Largest relative error wanted of a table in this precision; slopes, which err more, ask for no less in double precision.
  static func tolerance<T: KernelScalar>(_: T.Type) -> Double { T.self == Float.self ? 1e-7 : 3e-14 }

  init(of source: RadialNetwork, tolerance: Double) {
    let cutoff = source.cutoff
    let ends = source.jets(at: [0, cutoff])
    let functions = ends.functions
    /// [distance][function].
    func values(offset: Double, count: Int, of intervals: Int) -> [Double] {
      source.values(at: (0..<count).map { cutoff * (Double($0) + offset) / Double(intervals) })
    }
    var intervals = 48
    while true {
      let fit = QuinticSpline(
        knots: values(offset: 0, count: intervals + 1, of: intervals), ends: ends,
        spacing: cutoff / Double(intervals))
      let error = fit.relativeError(middles: values(offset: 0.5, count: intervals, of: intervals))
      if error <= tolerance || intervals >= Self.mostIntervals {
        coefficients = Matrix(rows: intervals + 5, columns: functions, values: fit.coefficients)
        relativeError = error
        break
      }
      let foretold = Double(intervals) * min(2, 1.02 * pow(error / tolerance, 1 / 6))
      intervals = min(Self.mostIntervals, max(intervals + 4, (Int(foretold) + 3) / 4 * 4))
    }
    self.intervals = intervals
    self.cutoff = cutoff
  }

  /// Distances of the knots, Angstrom.
  static func knots(intervals: Int, cutoff: Double) -> [Double] {
    (0...intervals).map { cutoff * Double($0) / Double(intervals) }
  }

  /// dE/d(matrices) of the network from dE/d(coefficients), [knot][function].
  static func adjoint(of source: RadialNetwork, coefficients gradient: [Double], functions: Int) -> [Matrix] {
    let knots = QuinticSpline.adjoint(coefficients: gradient, functions: functions)
    let intervals = knots.count / functions - 1
    return source.adjoint(at: Self.knots(intervals: intervals, cutoff: source.cutoff), gradient: knots)
  }

  /// `coefficients` on the knots of another spline: functions that it mixes.
  private init(_ coefficients: Matrix, like other: RadialSpline) {
    self.coefficients = coefficients
    (intervals, cutoff, relativeError) = (other.intervals, other.cutoff, other.relativeError)
  }

  /// The functions sum_b R_b(r) matrix[b, f].
  func mixed(by matrix: Matrix) -> RadialSpline { RadialSpline(coefficients * matrix, like: self) }
}
