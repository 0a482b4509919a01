// The kernel of London's dispersion, 1/r^6 damped where electrons overlap, as Ewald sums split it (doi:10.1063/1.470117). With
// b = 1 / (sqrt2 sigma), y = b^2 r^2 and x = k / 2b,
//
//   G(r)  = [1 - exp(-y) (1 + y + y^2/2)] / r^6  =  1/2 integral of t^2 exp(-t r^2) over 0 < t < b^2         b^6/6 at r = 0
//   F(k)  = pi^(3/2) b^3/3 [(1 - 2 x^2) exp(-x^2) + 2 sqrt(pi) x^3 erfc(x)]                        pi^(3/2) b^3/3 at k = 0
//
// which is 1/r^6 to 1 % from r = 4.1 sigma on, and falls off in k as the kernel of a Gaussian of the same sigma does. The sum over
// all images converges whatever the sources add up to; its mean, F(0)/V, counts. Angstrom; G in 1/Angstrom^6.

import Foundation

struct DispersionKernel {
  /// b^2, 1/Angstrom^2.
  let exponent: Double

  init(sigma: Double) { exponent = 1 / (2 * sigma * sigma) }

  /// G(r) and G'(r)/r.
  ///
  /// Both from 1 - exp(-y) (1 + y + y^2/2) = exp(-y) sum over n > 2 of y^n / n! where that would cancel.
  func value(distanceSquared: Double) -> (value: Double, slopeOverDistance: Double) {
    let (b2, y) = (exponent, exponent * distanceSquared)
    let damping = exp(-y)
    guard y < 1 else {
      let value = (1 - damping * (1 + y + y * y / 2)) / (distanceSquared * distanceSquared * distanceSquared)
      return (value, (b2 * b2 * b2 * damping - 6 * value) / distanceSquared)
    }
    // sum of y^m / (m + 3)! and of y^m / (m + 4)!.
    var (term, value, slope) = (1.0 / 6, 0.0, 0.0)
    for m in 0..<18 {
      value += term
      slope += term / Double(m + 4)
      term *= y / Double(m + 4)
    }
    let scale = b2 * b2 * b2 * damping
    return (scale * value, -6 * b2 * scale * slope)
  }

  /// F(k), Angstrom^-3.
  func transform(kSquared: Double) -> Double {
    let square = kSquared / (4 * exponent)
    let x = square.squareRoot()
    let shape = (1 - 2 * square) * exp(-square) + 2 * Double.pi.squareRoot() * square * x * erfc(x)
    return mean * shape
  }

  /// d(ln F)/d(k^2), Angstrom^2.
  func logTransformSlope(kSquared: Double) -> Double {
    let square = kSquared / (4 * exponent)
    let x = square.squareRoot()
    let slope = -3 * (exp(-square) - Double.pi.squareRoot() * x * erfc(x))
    return mean * slope / (4 * exponent) / transform(kSquared: kSquared)
  }

  /// F(0).
  private var mean: Double { pow(.pi, 1.5) * exponent * exponent.squareRoot() / 3 }
}
