// What the radial basis of a model takes in the place of distances. Angstrom.

import Foundation

extension Model {
  /// A map x(r) of the distance of two atoms that depends on their elements i and j by covalent radii. The Bessel functions
  /// see x, the polynomial cut-off the distance itself.
  public struct DistanceTransform: Sendable, Hashable {
    public enum Form: Sendable, Hashable {
      /// x = 1 / (1 + a y^q / (1 + y^(q - p))),   y = r / r0,   r0 = (radii_i + radii_j) / 2, from 1 at r = 0 down to 0
      /// (Witt et al., J. Chem. Phys. 159, 164101 (2023), doi 10.1063/5.0158783; MACE's AgnesiTransform).
      case agnesi(a: Double, p: Double, q: Double)
      /// x = x0 + (r - x0) (1 + tanh(alpha (r - (x0 + x1) / 2) / (x1 - x0))) / 2,   x0 = 3/4 r0,   x1 = 4/3 r0,
      /// r0 = radii_i + radii_j: r, but never much below x0 (MACE's SoftTransform).
      case soft(alpha: Double)

      public enum Name: String, Sendable, CaseIterable { case agnesi, soft }

      public var name: Name {
        switch self {
        case .agnesi: .agnesi
        case .soft: .soft
        }
      }
    }

    public var form: Form
    /// Of the elements, Angstrom.
    public var radii: [Double]

    public init(form: Form, radii: [Double]) {
      self.form = form
      self.radii = radii
    }

    /// r0 of a pair of elements, Angstrom.
    public func length(_ i: Int, _ j: Int) -> Double {
      let sum = radii[i] + radii[j]
      return form.name == .agnesi ? sum / 2 : sum
    }
  }
}

extension Model.DistanceTransform.Form {
  /// x, dx/dr and d^2x/dr^2 of a pair of length r0.
  public func jet(at r: Double, length r0: Double) -> (value: Double, first: Double, second: Double) {
    switch self {
    case .agnesi(let a, let p, let q):
      // u = a y^q / (1 + y^(q - p)) = a y^p / (y^(p - q) + 1), finite throughout.
      let y = r / r0
      guard y > 0 else { return (1, 0, 0) }
      let s = p - q
      let power = pow(y, s)
      let part = power / (power + 1)
      let u = a * pow(y, p) / (power + 1)
      // d ln u / d ln y and its derivative.
      let (slope, bend) = (p - s * part, -s * s * part * (1 - part))
      let (u1, u2) = (u * slope / y, u * (slope * slope - slope + bend) / (y * y))
      let x = 1 / (1 + u)
      return (x, -x * x * u1 / r0, (2 * x * x * x * u1 * u1 - x * x * u2) / (r0 * r0))
    case .soft(let alpha):
      let (x0, x1) = (0.75 * r0, 4 * r0 / 3)
      let k = alpha / (x1 - x0)
      let t = tanh(k * (r - (x0 + x1) / 2))
      let (s, s1, s2) = ((1 + t) / 2, k * (1 - t * t) / 2, -k * k * t * (1 - t * t))
      let d = r - x0
      return (x0 + d * s, s + d * s1, 2 * s1 + d * s2)
    }
  }
}
