// The B-spline coefficients of many functions, given at n + 1 uniform knots, with the complete spline's conditions:
//   values at the knots   (c_i + 26 c_i+1 + 66 c_i+2 + 26 c_i+3 + c_i+4) / 120           = f_i
//   slopes at the ends    (-c_i - 10 c_i+1 + 10 c_i+3 + c_i+4) / 24                      = h f_i'
//   curvatures there      (c_i + 2 c_i+1 - 6 c_i+2 + 2 c_i+3 + c_i+4) / 6                = h^2 f_i''
// (C. de Boor, A Practical Guide to Splines, chapter XIII, for degree five.)

struct QuinticSpline {
  /// [n + 5][function].
  let coefficients: [Double]
  private let functions: Int

  /// - Parameters:
  ///   - knots: [n + 1][function].
  ///   - ends: at the first knot and at the last.
  init(knots: [Double], ends: RadialNetwork.Jets, spacing h: Double) {
    let functions = ends.functions
    let intervals = knots.count / functions - 1
    let value = [1.0, 26, 66, 26, 1].map { $0 / 120 }
    let slope = [-1.0, -10, 0, 10, 1].map { $0 / 24 }
    let curvature = [1.0, 2, -6, 2, 1].map { $0 / 6 }
    func end(_ which: Int, _ order: Int, _ scale: Double) -> [Double] {
      (0..<functions).map { scale * ends[which, order, $0] }
    }

    // Rows from the first end to the last, each five wide from its first column.
    let first = [0, 0] + Array(0...intervals) + [intervals, intervals]
    var matrix = [slope, curvature] + Array(repeating: value, count: intervals + 1) + [curvature, slope]
    var right = end(0, 1, h) + end(0, 2, h * h) + knots + end(1, 2, h * h) + end(1, 1, h)

    right.withUnsafeMutableBufferPointer { right in
      /// Row i of the right-hand side less `factor` times row k.
      func subtract(_ factor: Double, _ k: Int, from i: Int) {
        for f in 0..<functions { right[i * functions + f] -= factor * right[k * functions + f] }
      }
      // Row k has nothing left of column k, and the rows below it that reach the column are four at most. No pivots
      // are sought: the conditions are banded and their diagonal is large once the ends are eliminated.
      for k in first.indices {
        for i in (k + 1)..<max(k + 1, min(k + 5, first.count)) where first[i] <= k {
          let factor = matrix[i][k - first[i]] / matrix[k][k - first[k]]
          guard factor != 0 else { continue }
          for column in k...(first[k] + 4) where column <= first[i] + 4 {
            matrix[i][column - first[i]] -= factor * matrix[k][column - first[k]]
          }
          subtract(factor, k, from: i)
        }
      }
      for k in first.indices.reversed() {
        for column in (k + 1)..<max(k + 1, first[k] + 5) {
          subtract(matrix[k][column - first[k]], column, from: k)
        }
        let pivot = matrix[k][k - first[k]]
        for f in 0..<functions { right[k * functions + f] /= pivot }
      }
    }
    coefficients = right
    self.functions = functions
  }

  /// Largest deviation from functions given at mid-interval, [interval][function], relative to the largest of them.
  func relativeError(middles: [Double]) -> Double {
    let weights = [1.0, 237, 1682, 1682, 237, 1].map { $0 / 3840 }
    var (worst, largest) = (0.0, Double.leastNormalMagnitude)
    coefficients.withUnsafeBufferPointer { c in
      for n in middles.indices {
        var sum = 0.0
        for k in 0..<6 { sum += weights[k] * c[n + k * functions] }
        worst = max(worst, abs(sum - middles[n]))
        largest = max(largest, abs(middles[n]))
      }
    }
    return worst / largest
  }
}
