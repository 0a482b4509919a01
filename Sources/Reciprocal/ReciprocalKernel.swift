// The pair kernel of reciprocal-space attention, G_sigma(r) = sum_k w_k cos(k.r), and its limit without
// periodic images, erf(r / (sqrt2 sigma)) / r: the potential of a Gaussian charge of width sigma.
//
//   coulomb    w_k = (4 pi / V) exp(-sigma^2 k^2 / 2) / k^2      size-consistent
//   noVolume   w_k = exp(-sigma^2 k^2 / 2) / k^2                 arXiv:2510.13055, eq. 15
//   top6       w_k = 1 on the six shortest k                     the published code of that paper
//
// Beside Coulomb's kernels there may be one of dispersion, 1/r^6 damped over sigma (DispersionKernel.swift).
//
// Lengths in Angstrom; G in 1/Angstrom for `coulomb` and without periodic axes, in 1/Angstrom^6 of dispersion.

import Foundation
import Lattice

/// Which weight each wavevector carries.
public enum KernelWeight: String, Sendable, CaseIterable {
  case coulomb
  case noVolume = "no_volume"
  case top6
}

/// What a kernel falls off as.
public enum KernelTail: Sendable {
  /// 1/r.
  case coulomb
  /// 1/r^6.
  case dispersion
}

/// Parameters of the kernels G_j; a head mixes them by its row of the filter.
public struct ReciprocalKernel: Sendable, Hashable {
  /// Gaussian width of each kernel in Angstrom.
  public var sigmas: [Double]
  /// Of each kernel.
  public var tails: [KernelTail]
  /// exp(-sigma^2 k^2 / 2) at the longest wavevector kept.
  public var tolerance: Double
  public var weight: KernelWeight
  /// Takes G(0), sqrt(2/pi)/sigma of Coulomb's, off the n = m term.
  public var subtractsSelf: Bool

  /// - Parameter tails: all Coulomb's by default; dispersion is beside the weight `coulomb` alone.
  public init(
    sigmas: [Double], tails: [KernelTail]? = nil, tolerance: Double = 1e-6, weight: KernelWeight = .coulomb,
    subtractsSelf: Bool = true
  ) {
    precondition(!sigmas.isEmpty && sigmas.allSatisfy { $0 > 0 } && tolerance > 0 && tolerance < 1)
    self.sigmas = sigmas
    self.tails = tails ?? Array(repeating: .coulomb, count: sigmas.count)
    precondition(
      self.tails.count == sigmas.count && (weight == .coulomb || !self.tails.contains(.dispersion)))
    self.tolerance = tolerance
    self.weight = weight
    self.subtractsSelf = subtractsSelf
  }

  /// k_max = sqrt(2 ln(1/tolerance)) / sigma in 1/Angstrom.
  public func cutoff(sigma: Double) -> Double { (2 * log(1 / tolerance)).squareRoot() / sigma }

  /// Whether k = 0 has a weight: a sum of 1/r^6 has a mean.
  var weighsZero: Bool { tails.contains(.dispersion) }

  /// w_k of kernel j for one half-space wavevector, or k = 0: the factor 2 for -k is included.
  public func pairWeight(_ j: Int, kSquared: Double, volume: Double) -> Double {
    let sigma = sigmas[j]
    switch (tails[j], weight) {
    case (.dispersion, _):
      return (kSquared == 0 ? 1 : 2) / volume * DispersionKernel(sigma: sigma).transform(kSquared: kSquared)
    case (.coulomb, .coulomb):
      return kSquared == 0 ? 0 : 8 * .pi / volume * exp(-sigma * sigma * kSquared / 2) / kSquared
    case (.coulomb, .noVolume): return 2 * exp(-sigma * sigma * kSquared / 2) / kSquared
    case (.coulomb, .top6): return 2
    }
  }

  /// d(ln w_k)/d(strain) of kernel j, symmetric. Strain takes A to A (1 + e) and k to k (1 + e)^-T, so that
  /// d(k^2)/de = -2 k (x) k and dV/de = V 1.
  public func logWeightStrainGradient(_ j: Int, k: Vector3) -> Matrix3 {
    guard weight != .top6 else { return .zero }
    let (sigma, square) = (sigmas[j], dot(k, k))
    let slope =
      switch tails[j] {
      case .coulomb: square == 0 ? 0 : sigma * sigma + 2 / square
      case .dispersion: -2 * DispersionKernel(sigma: sigma).logTransformSlope(kSquared: square)
      }
    let scaled = k * slope
    let ofWavevector = Matrix3(scaled.x * k, scaled.y * k, scaled.z * k)
    return weight == .coulomb ? ofWavevector + Matrix3.identity * -1 : ofWavevector
  }

  /// G_j without periodic images, and G_j'(r)/r.
  func free(_ j: Int, distanceSquared: Double) -> (value: Double, slopeOverDistance: Double) {
    switch tails[j] {
    case .coulomb: freeKernel(distanceSquared: distanceSquared, sigma: sigmas[j])
    case .dispersion: DispersionKernel(sigma: sigmas[j]).value(distanceSquared: distanceSquared)
    }
  }

  /// G_j(0) without periodic images if the self-term is taken off, else 0.
  public func selfTerm(_ j: Int) -> Double { subtractsSelf ? free(j, distanceSquared: 0).value : 0 }
}

/// G(0) = sqrt(2/pi)/sigma without periodic images.
func freeKernelOrigin(sigma: Double) -> Double { (2 / Double.pi).squareRoot() / sigma }

/// G(r) = erf(x)/r and G'(r)/r = (sqrt(2/pi)/sigma exp(-x^2) - G)/r^2 with x = r/(sqrt2 sigma).
///
/// Below x = 0.3 both come from erf(x)/x = 2/sqrt(pi) sum_n (-x^2)^n / (n! (2n+1)), to Double's last digit.
func freeKernel(distanceSquared: Double, sigma: Double) -> (value: Double, slopeOverDistance: Double) {
  let origin = freeKernelOrigin(sigma: sigma)
  let x2 = distanceSquared / (2 * sigma * sigma)
  if x2 < 0.09 {
    var value = 0.0
    var slope = 0.0
    for n in stride(from: erfSeries.count - 1, through: 1, by: -1) {
      value = (value + erfSeries[n]) * x2
      slope = slope * x2 + 2 * Double(n) * erfSeries[n]
    }
    return (origin * (1 + value), origin * slope / (2 * sigma * sigma))
  }
  let r = distanceSquared.squareRoot()
  let value = erf(x2.squareRoot()) / r
  return (value, (origin * exp(-x2) - value) / distanceSquared)
}

/// (-1)^n / (n! (2n + 1)).
private let erfSeries: [Double] = [
  1, -1.0 / 3, 1.0 / 10, -1.0 / 42, 1.0 / 216, -1.0 / 1320, 1.0 / 9360, -1.0 / 75600, 1.0 / 685440,
  -1.0 / 6_894_720,
]
