// Functions of a strain X = w t within one step, by their series. With |X| <= 0.1, twice the limit of a step
// (`StabilityLimits.strain`), the first term left out is below 1e-22.

import Lattice

extension Matrix3 {
  private static let terms = 14

  /// phi_1(X) = (e^X - 1) / X = sum_n X^n / (n + 1)!, which in one dimension is e^(x/2) sinh(x/2) / (x/2).
  var phi1: Matrix3 {
    var sum = Matrix3.identity
    for n in stride(from: Self.terms, through: 2, by: -1) {
      sum = Matrix3.identity + self * sum * (1 / Double(n))
    }
    return sum
  }

  /// e^X = 1 + X phi_1(X).
  var exponential: Matrix3 { Matrix3.identity + self * phi1 }
}
