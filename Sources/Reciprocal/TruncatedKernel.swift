// The Fourier transform of 1/r that ends at a distance R along the open axes (doi:10.1103/PhysRevB.73.205119), with k = (p, g):
// p of its components along periodic axes, g along open ones, both as lengths.
//
//   three open   r < R     4 pi / k^2 (1 - cos kR)                                             2 pi R^2 at k = 0
//   two          rho < R   4 pi / k^2 [1 + gR J1(gR) K0(pR) - pR J0(gR) K1(pR)]
//                          4 pi / g^2 [1 - J0(gR) - gR ln(R/a) J1(gR)] at p = 0                pi R^2 (1 - 2 ln(R/a))
//   one          |z| < R   4 pi / k^2 [1 + exp(-pR) (g/p sin gR - cos gR)]
//                          4 pi / g^2 [1 - cos gR - gR sin gR] at p = 0                        -2 pi R^2
//
// The mean over the periodic axes (p = 0) is the field of a charged line, -2 ln(rho/a), or plane, -2 pi |z|, which has no
// zero of its own: a is the kernel's sigma. Sources that add up to zero do not feel it.
//
// With exp(-sigma^2 k^2 / 2) it becomes the kernel of a Gaussian, exact up to distances of R less a few sigma.

import Foundation
import Lattice

extension ReciprocalKernel {
  /// For open axes, where every kernel is Coulomb's: with wavevectors enough for `tolerance`, as if there were no
  /// k_max.
  func truncated(tolerance: Double) -> ReciprocalKernel {
    var kernel = self
    kernel.weight = .coulomb
    kernel.tolerance = min(self.tolerance, tolerance)
    return kernel
  }
}

/// Weights of the wavevectors of a `TruncationBox`.
struct TruncatedKernel {
  private let cell: Cell
  private let directions: Matrix3
  private let radius: Double
  private let openAxes: Int
  /// K0 and K1 of pR for a wire, by |n| along its axis.
  private var bessel: [Int: (k0: Double, k1: Double)] = [:]

  init(cell: Cell, radius: Double) {
    (self.cell, self.radius) = (cell, radius)
    directions = cell.directions
    openAxes = cell.isPeriodic.count { !$0 }
  }

  /// w of one half-space wavevector n, or of n = 0: the factor 2 for -k is included.
  mutating func pairWeight(_ n: SIMD3<Int>, k: Vector3, sigma: Double) -> Double {
    let square = dot(k, k)
    let multiplicity = n == .zero ? 1.0 : 2
    return multiplicity / cell.volume * exp(-sigma * sigma * square / 2) * transform(n, k, origin: sigma)
  }

  private mutating func transform(_ n: SIMD3<Int>, _ k: Vector3, origin a: Double) -> Double {
    let r = radius
    var (open, along) = (Vector3.zero, k)
    for axis in 0..<3 where !cell.isPeriodic[axis] {
      open[axis] = dot(k, directions[axis])
      along -= directions[axis] * open[axis]
    }
    let isMean = (0..<3).allSatisfy { !cell.isPeriodic[$0] || n[$0] == 0 }
    let g = dot(open, open).squareRoot()
    let p = isMean ? 0 : dot(along, along).squareRoot()
    let factor = 4 * Double.pi / (p * p + g * g)
    switch openAxes {
    case 3:
      let half = sin(g * r / 2)
      return n == .zero ? 2 * .pi * r * r : factor * 2 * half * half
    case 2:
      if n == .zero { return .pi * r * r * (1 - 2 * log(r / a)) }
      if isMean { return factor * (1 - j0(g * r) - g * r * log(r / a) * j1(g * r)) }
      let (k0, k1) = besselK(n, p * r)
      return factor * (1 + g * r * j1(g * r) * k0 - p * r * j0(g * r) * k1)
    default:
      if n == .zero { return -2 * .pi * r * r }
      if isMean { return factor * (1 - cos(g * r) - g * r * sin(g * r)) }
      return factor * (1 + exp(-p * r) * (g / p * sin(g * r) - cos(g * r)))
    }
  }

  /// K_nu(x) = integral over t > 0 of exp(-x cosh t) cosh(nu t), by the trapezoidal rule: it converges exponentially.
  private mutating func besselK(_ n: SIMD3<Int>, _ x: Double) -> (k0: Double, k1: Double) {
    let index = (0..<3).reduce(0) { cell.isPeriodic[$1] ? abs(n[$1]) : $0 }
    if let known = bessel[index] { return known }
    let step = 1.0 / 32
    var (t, k0, k1) = (0.0, exp(-x) / 2, exp(-x) / 2)
    while true {
      t += step
      let value = exp(-x * cosh(t))
      guard value > 0 else { break }
      k0 += value
      k1 += value * cosh(t)
    }
    bessel[index] = (k0 * step, k1 * step)
    return (k0 * step, k1 * step)
  }
}
