// The Bessel functions as two atoms see them, with their first two derivatives in the distance r:
//   b_n(r) = prefactor sin(w_n x)/x f(r/rc),   f(y) = 1 - (p+1)(p+2)/2 y^p + p(p+2) y^(p+1) - p(p+1)/2 y^(p+2),
// x = r, or what a transform of distances makes of it for their elements (Model.DistanceTransform).

import Foundation
import LRMACEModel

/// Two elements, by their indices in `Model.species`, in either order.
struct ElementPair: Hashable, Comparable, Sendable {
  let low: Int
  let high: Int

  init(_ s: Int, _ z: Int) { (low, high) = (min(s, z), max(s, z)) }

  static func < (a: ElementPair, b: ElementPair) -> Bool { (a.low, a.high) < (b.low, b.high) }
}

extension Model {
  /// Which pair's basis atoms of elements s and z see; nil where all see the same.
  func pair(_ s: Int, _ z: Int) -> ElementPair? { transform == nil ? nil : ElementPair(s, z) }

  /// That of a pair.
  func radialBasis(of pair: ElementPair?) -> RadialBasis {
    var local: RadialBasis.Transform?
    if let pair, let transform {
      local = RadialBasis.Transform(form: transform.form, length: transform.length(pair.low, pair.high))
    }
    return RadialBasis(radialBasis, cutoff: cutoff, transform: local)
  }

  /// Bases that are to stand for those of all pairs: the one of all, or some from the shortest to the longest of a transform.
  func representativeBases(_ count: Int) -> [RadialBasis] {
    guard let transform else { return [radialBasis(of: nil)] }
    let lengths = species.indices.map { transform.length($0, $0) }
    guard let shortest = lengths.min(), let longest = lengths.max() else { return [] }
    return (0..<count).map { n in
      let length = shortest * pow(longest / shortest, Double(n) / Double(max(count - 1, 1)))
      return RadialBasis(
        radialBasis, cutoff: cutoff, transform: RadialBasis.Transform(form: transform.form, length: length))
    }
  }
}

struct RadialBasis: Sendable {
  struct Transform: Sendable {
    let form: Model.DistanceTransform.Form
    /// r0, Angstrom.
    let length: Double
  }

  private let bessel: Model.BesselBasis
  let cutoff: Double
  private let transform: Transform?

  init(_ bessel: Model.BesselBasis, cutoff: Double, transform: Transform?) {
    (self.bessel, self.cutoff, self.transform) = (bessel, cutoff, transform)
  }

  /// Number of functions.
  var count: Int { bessel.frequencies.count }

  /// Below this no atoms are, Angstrom: there a transform bends as sharply as it likes. Half of a bond between two atoms of
  /// the pair.
  var shortestDistance: Double {
    guard let transform else { return 0 }
    return transform.form.name == .agnesi ? transform.length : transform.length / 2
  }

  /// Appends b_n(r).
  func append(at r: Double, to values: inout [Double]) {
    let x = transform.map { $0.form.jet(at: r, length: $0.length).value } ?? r
    let f = bessel.prefactor * envelope(at: r).0
    for w in bessel.frequencies { values.append(f * Self.wave(w, x)) }
  }

  /// sin(w x) / x.
  private static func wave(_ w: Double, _ x: Double) -> Double {
    let z = w * x
    guard z < 0.1 else { return sin(z) / x }
    // The closed form ends at x = 0.
    let y = z * z
    return w * (1 - y / 6 * (1 - y / 20 * (1 - y / 42 * (1 - y / 72))))
  }

  func jet(at r: Double) -> (value: [Double], first: [Double], second: [Double]) {
    var jet = (value: [Double](), first: [Double](), second: [Double]())
    let (f, f1, f2) = envelope(at: r)
    let x: (value: Double, first: Double, second: Double) =
      transform.map { $0.form.jet(at: r, length: $0.length) } ?? (r, 1, 0)
    for w in bessel.frequencies {
      let g = Self.wave(w, x.value)
      var (gx, gxx): (Double, Double)
      let z = w * x.value
      if z < 0.1 {
        let y = z * z
        gx = -w * w * z / 3 * (1 - y / 10 * (1 - y / 28 * (1 - y / 54)))
        gxx = -w * w * w / 3 * (1 - 3 * y / 10 * (1 - 5 * y / 84 * (1 - 7 * y / 270)))
      } else {
        gx = (w * cos(z) - g) / x.value
        gxx = (-w * w * sin(z) - 2 * gx) / x.value
      }
      let (g1, g2) = (gx * x.first, gxx * x.first * x.first + gx * x.second)
      jet.value.append(bessel.prefactor * g * f)
      jet.first.append(bessel.prefactor * (g1 * f + g * f1))
      jet.second.append(bessel.prefactor * (g2 * f + 2 * g1 * f1 + g * f2))
    }
    return jet
  }

  /// The polynomial cut-off with its derivatives in r, with its zero at rc as a factor: f = (1 - y)^3 sum_k<p (k+1)(k+2)/2 y^k.
  /// Its three terms cancel there, and what rounding leaves of them would be the slope of a fine spline.
  private func envelope(at r: Double) -> (Double, Double, Double) {
    let y = r / cutoff
    guard y < 1 else { return (0, 0, 0) }
    let p = Double(bessel.cutoffExponent)
    let (rest, c) = (1 - y, p * (p + 1) * (p + 2) / 2)
    var sum = 0.0
    for k in stride(from: p - 1, through: 0, by: -1) { sum = sum * y + (k + 1) * (k + 2) / 2 }
    let power = pow(y, p - 2)
    return (
      rest * rest * rest * sum, -c * power * y * rest * rest / cutoff,
      -c * power * rest * ((p - 1) * rest - 2 * y) / (cutoff * cutoff)
    )
  }
}
