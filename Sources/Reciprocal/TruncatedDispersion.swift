// The Fourier transform of the kernel of dispersion that ends at a distance R along the open axes (Room.swift), k = (p, g_a): p of
// its components along periodic axes, g_a along open ones, perpendicular to them and to each other. The kernel is a sum of
// Gaussians (DispersionKernel.swift), each of which is a product of its factors along axes:
//
//   G(r) = 1/2 integral of t^3 exp(-t r^2) dv,  t = b^2 exp(-v)                       80 nodes of Gauss and Legendre in v
//   F(k) = 1/2 sum_q weight_q t_q^3 (pi/t_q)^(d/2) exp(-p^2 / 4 t_q) prod_a H_qa       d periodic axes
//   H_qa = integral of exp(-t_q z^2) W(z) cos(g_a z) dz,   W(z) = [erf((z+R)/(sqrt2 sigma)) - erf((z-R)/(sqrt2 sigma))] / 2
//
// W is as smooth as the kernel: no wavevector is needed that this is not. Exact up to distances of R less a few sigma along
// each axis, nothing from R and a few sigma on.

import Foundation
import Lattice

/// Weights of the wavevectors of a `TruncationBox`.
struct TruncatedDispersion {
  private let cell: Cell
  private let directions: Matrix3
  private let openAxes: [Int]
  /// 1/2 weight_q t_q^3 (pi/t_q)^(d/2), and t_q.
  private var terms: [(factor: Double, exponent: Double)] = []
  /// H of each open axis, [|n_a|][q].
  private var factors: [[Double]] = []

  /// - Parameters:
  ///   - smear: where the tail of a Gaussian of width sigma ends.
  ///   - extent: largest |n_a|.
  init(cell: Cell, radius: Double, sigma: Double, smear: Double, extent: SIMD3<Int>) {
    self.cell = cell
    directions = cell.directions
    openAxes = (0..<3).filter { !cell.isPeriodic[$0] }
    let periodic = Double(3 - openAxes.count)
    let widest = DispersionKernel(sigma: sigma).exponent
    // Gaussians that are wider still add exp(-28) at most.
    terms = gaussLegendre(80, over: 14).map { node, weight in
      let t = widest * exp(-node)
      return (weight / 2 * t * t * t * pow(.pi / t, periodic / 2), t)
    }
    // Nothing in the integrand varies faster than a Gaussian of width sigma: the sum over points converges exponentially.
    let spacing = sigma / 3
    let points = (0...Int(((radius + smear) / spacing).rounded(.up))).map { spacing * Double($0) }
    let scale = sigma * 2.0.squareRoot()
    let edge = points.map { (erf(($0 + radius) / scale) - erf(($0 - radius) / scale)) / 2 }
    let profiles = terms.map { term in
      zip(points, edge).enumerated().map { n, point in
        (n == 0 ? 1 : 2) * spacing * exp(-term.exponent * point.0 * point.0) * point.1
      }
    }
    for axis in openAxes {
      let vector = cell.vectors[axis]
      let unit = 2 * Double.pi / dot(vector, vector).squareRoot()
      factors.append(
        (0...extent[axis]).flatMap { n in
          let wave = points.map { cos(unit * Double(n) * $0) }
          return profiles.map { profile in zip(profile, wave).reduce(0) { $0 + $1.0 * $1.1 } }
        })
    }
  }

  /// w of one half-space wavevector n, or of n = 0: the factor 2 for -k is included.
  func pairWeight(_ n: SIMD3<Int>, k: Vector3) -> Double {
    var along = k
    for axis in openAxes { along -= directions[axis] * dot(k, directions[axis]) }
    let square = dot(along, along)
    var sum = 0.0
    for (q, term) in terms.enumerated() {
      var product = square > 0 ? term.factor * exp(-square / (4 * term.exponent)) : term.factor
      for (axis, factors) in zip(openAxes, factors) { product *= factors[abs(n[axis]) * terms.count + q] }
      sum += product
    }
    return (n == .zero ? 1 : 2) / cell.volume * sum
  }
}

/// Nodes and weights of so many points over 0 ... length: zeros of a Legendre polynomial, by Newton's method.
private func gaussLegendre(_ count: Int, over length: Double) -> [(node: Double, weight: Double)] {
  (0..<count).map { i in
    var x = cos(.pi * (Double(i) + 0.75) / (Double(count) + 0.5))
    var slope = 0.0
    for _ in 0..<100 {
      var (last, value) = (1.0, x)
      for n in 2...count {
        (last, value) = (value, (Double(2 * n - 1) * x * value - Double(n - 1) * last) / Double(n))
      }
      slope = Double(count) * (x * value - last) / (x * x - 1)
      let step = value / slope
      x -= step
      if abs(step) < 1e-15 { break }
    }
    return (length * (1 + x) / 2, length / ((1 - x * x) * slope * slope))
  }
}
