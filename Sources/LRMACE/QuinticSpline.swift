// The B-spline coefficients of many functions, given at n + 1 uniform knots, with the complete spline's conditions:
//   values at the knots   (c_i + 26 c_i+1 + 66 c_i+2 + 26 c_i+3 + c_i+4) / 120           = f_i
//   slopes at the ends    (-c_i - 10 c_i+1 + 10 c_i+3 + c_i+4) / 24                      = h f_i'
//   curvatures there      (c_i + 2 c_i+1 - 6 c_i+2 + 2 c_i+3 + c_i+4) / 6                = h^2 f_i''
// (C. de Boor, A Practical Guide to Splines, chapter XIII, for degree five.)

/// The conditions as a banded matrix, factorised: A = L U, rows of A from the first end to the last.
struct SplineConditions {
  let intervals: Int
  /// First column of each row, and its five numbers: those of U from the diagonal on.
  private let first: [Int]
  private var matrix: [[Double]]
  /// [row]: what was subtracted of the rows `row - 4 ..< row`, the numbers of L left of its diagonal.
  private var factors: [[Double]]

  init(intervals: Int) {
    let value = [1.0, 26, 66, 26, 1].map { $0 / 120 }
    let slope = [-1.0, -10, 0, 10, 1].map { $0 / 24 }
    let curvature = [1.0, 2, -6, 2, 1].map { $0 / 6 }
    self.intervals = intervals
    first = [0, 0] + Array(0...intervals) + [intervals, intervals]
    matrix = [slope, curvature] + Array(repeating: value, count: intervals + 1) + [curvature, slope]
    factors = Array(repeating: [0, 0, 0, 0], count: first.count)
    // Row k has nothing left of column k, and the rows below it that reach the column are four at most. No pivots
    // are sought: the conditions are banded and their diagonal is large once the ends are eliminated.
    for k in first.indices {
      for i in below(k) where first[i] <= k {
        let factor = matrix[i][k - first[i]] / matrix[k][k - first[k]]
        factors[i][i - k - 1] = factor
        guard factor != 0 else { continue }
        for column in k...(first[k] + 4) where column <= first[i] + 4 {
          matrix[i][column - first[i]] -= factor * matrix[k][column - first[k]]
        }
      }
    }
  }

  private func below(_ k: Int) -> Range<Int> { (k + 1)..<max(k + 1, min(k + 5, first.count)) }
  /// Columns right of the diagonal.
  private func right(_ k: Int) -> Range<Int> { (k + 1)..<max(k + 1, first[k] + 5) }

  /// Right-hand sides, [row][function], become A^-1 of them.
  func solve(_ values: inout [Double], functions: Int) {
    values.withUnsafeMutableBufferPointer { values in
      for k in first.indices {
        for i in below(k) { Self.subtract(factors[i][i - k - 1], k, from: i, values, functions) }
      }
      for k in first.indices.reversed() {
        for column in right(k) {
          Self.subtract(matrix[k][column - first[k]], column, from: k, values, functions)
        }
        Self.divide(k, by: matrix[k][k - first[k]], values, functions)
      }
    }
  }

  /// The adjoint of `solve`: A^-T of them, each step of `solve` transposed and in reverse.
  func solveAdjoint(_ values: inout [Double], functions: Int) {
    values.withUnsafeMutableBufferPointer { values in
      for k in first.indices {
        Self.divide(k, by: matrix[k][k - first[k]], values, functions)
        for column in right(k) {
          Self.subtract(matrix[k][column - first[k]], k, from: column, values, functions)
        }
      }
      for k in first.indices.reversed() {
        for i in below(k) { Self.subtract(factors[i][i - k - 1], i, from: k, values, functions) }
      }
    }
  }

  /// Row i less `factor` times row k.
  private static func subtract(
    _ factor: Double, _ k: Int, from i: Int, _ values: UnsafeMutableBufferPointer<Double>, _ functions: Int
  ) {
    guard factor != 0 else { return }
    for f in 0..<functions { values[i * functions + f] -= factor * values[k * functions + f] }
  }

  private static func divide(
    _ k: Int, by pivot: Double, _ values: UnsafeMutableBufferPointer<Double>, _ functions: Int
  ) {
    for f in 0..<functions { values[k * functions + f] /= pivot }
  }
}

struct QuinticSpline {
  /// [n + 5][function].
  let coefficients: [Double]
  private let functions: Int

  /// - Parameters:
  ///   - knots: [n + 1][function].
  ///   - ends: at the first knot and at the last, derivatives from knot to knot: h f', h^2 f''.
  init(knots: [Double], ends: RadialNetwork.Jets) {
    let functions = ends.functions
    func end(_ which: Int, _ order: Int) -> [Double] { (0..<functions).map { ends[which, order, $0] } }
    var values = end(0, 1) + end(0, 2) + knots + end(1, 2) + end(1, 1)
    SplineConditions(intervals: knots.count / functions - 1).solve(&values, functions: functions)
    coefficients = values
    self.functions = functions
  }

  /// dE/d(knots) from dE/d(coefficients). The conditions at the ends are taken as given: what they do to R fades by a factor
  /// of two with every knot, and no atoms are so close.
  static func adjoint(coefficients gradient: [Double], functions: Int) -> [Double] {
    var values = gradient
    SplineConditions(intervals: gradient.count / functions - 5).solveAdjoint(&values, functions: functions)
    return Array(values[2 * functions..<values.count - 2 * functions])
  }

  /// Largest deviation from functions given at mid-interval, [interval][function], relative to the largest of them, from an
  /// interval on.
  func relativeError(middles: [Double], from first: Int = 0) -> Double {
    let weights = [1.0, 237, 1682, 1682, 237, 1].map { $0 / 3840 }
    var (worst, largest) = (0.0, Double.leastNormalMagnitude)
    coefficients.withUnsafeBufferPointer { c in
      for n in min(first * functions, middles.count)..<middles.count {
        var sum = 0.0
        for k in 0..<6 { sum += weights[k] * c[n + k * functions] }
        worst = max(worst, abs(sum - middles[n]))
        largest = max(largest, abs(middles[n]))
      }
    }
    return worst / largest
  }
}
