// Cardinal B-splines M_p on a periodic mesh axis (Essmann et al. 1995, doi:10.1063/1.470117, eqs. 4.1-4.2).
// A source at mesh coordinate u gives the point g the weight M_p(u - g); p points carry a weight.

import Foundation

enum BSpline {
  /// Weights and their derivatives d/du at the points floor(u) - p + 1 ... floor(u), for
  /// `fraction` = u - floor(u).
  ///
  ///   M_2(u) = 1 - |u - 1|,  M_n(u) = (u M_{n-1}(u) + (n - u) M_{n-1}(u - 1)) / (n - 1),
  ///   M_n'(u) = M_{n-1}(u) - M_{n-1}(u - 1)
  @inline(__always)
  static func fill(
    order: Int, fraction: Double, weights: UnsafeMutablePointer<Double>,
    derivatives: UnsafeMutablePointer<Double>
  ) {
    // weights[p - 1 - i] holds M_n(fraction + i).
    let last = order - 1
    weights[last] = fraction
    weights[last - 1] = 1 - fraction
    for i in 2..<order { weights[last - i] = 0 }
    for n in 3...order {
      if n == order {
        derivatives[last] = weights[last]
        for i in 1..<order { derivatives[last - i] = weights[last - i] - weights[last - i + 1] }
      }
      let scale = 1 / Double(n - 1)
      for i in stride(from: n - 1, to: 0, by: -1) {
        let u = fraction + Double(i)
        weights[last - i] = scale * (u * weights[last - i] + (Double(n) - u) * weights[last - i + 1])
      }
      weights[last] *= scale * fraction
    }
  }

  /// The factor U^2 / (sum over aliases of U^2)^2 with U(n) = (sin(pi n/M) / (pi n/M))^p. It makes the mesh
  /// sum the best approximation of wavevector n in the mean over positions (Hockney and Eastwood 1988,
  /// eq. 8-22, for a kernel that ends before the first alias).
  static func influence(order: Int, wavenumber n: Int, size: Int) -> Double {
    func squared(_ n: Int) -> Double {
      let x = Double.pi * Double(n) / Double(size)
      return n == 0 ? 1 : pow(sin(x) / x, Double(2 * order))
    }
    // The alias l = 12 is smaller than 1e-10 of the first term for order 4 already.
    let aliases = (-12...12).reduce(0) { $0 + squared(n + $1 * size) }
    return squared(n) / (aliases * aliases)
  }
}
