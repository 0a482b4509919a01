// Cardinal B-splines M_p on a periodic mesh axis (Essmann et al. 1995, doi:10.1063/1.470117, eqs. 4.1-4.2).
// A source at mesh coordinate u gives the point g the weight M_p(u - g); p points carry a weight.

import Foundation
import Kernels
import Lattice

enum BSpline {
  /// Weights along the three axes, then their derivatives d/du, at the points floor(u) - p + 1 ... floor(u),
  /// for `fraction` = u - floor(u); zeros behind the p of them, p <= 8.
  ///
  ///   M_2(u) = 1 - |u - 1|,  M_n(u) = (u M_{n-1}(u) + (n - u) M_{n-1}(u - 1)) / (n - 1),
  ///   M_n'(u) = M_{n-1}(u) - M_{n-1}(u - 1)
  @inline(__always)
  static func fill<T: KernelScalar>(
    order: Int, fraction: Vector3, into splines: UnsafeMutablePointer<SIMD8<T>>
  ) {
    // weights[p - 1 - i] holds M_n(fraction + i), axis by axis.
    var weights = InlineArray<8, Vector3>(repeating: .zero)
    let last = order - 1
    weights[last] = fraction
    weights[last - 1] = 1 - fraction
    for axis in 0..<6 { splines[axis] = .zero }
    for n in 3...order {
      if n == order {
        for i in 0..<order {
          let slope = i == 0 ? weights[last] : weights[last - i] - weights[last - i + 1]
          for axis in 0..<3 { splines[3 + axis][last - i] = T(slope[axis]) }
        }
      }
      let scale = 1 / Double(n - 1)
      for i in stride(from: n - 1, to: 0, by: -1) {
        let u = fraction + Double(i)
        weights[last - i] = scale * (u * weights[last - i] + (Double(n) - u) * weights[last - i + 1])
      }
      weights[last] *= scale * fraction
    }
    for i in 0..<order {
      for axis in 0..<3 { splines[axis][i] = T(weights[i][axis]) }
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
