// Real spherical harmonics Y_lm(u) of a unit vector u and their adjoint, many vectors at once in SIMD lanes.
//
// Component normalisation, sum_m Y_lm^2 = 2l + 1, and e3nn's order: m = -l ... l about the y axis, so that
// Y_1 = sqrt(3) (x, y, z). With (X, Y, Z) = (z, x, y) these are the textbook harmonics without Condon-Shortley phase,
//   Y_lm = N_lm Q_l|m|(Z) { cos-like c_m (m >= 0) or sin-like s_|m| (m < 0) },   c_m + i s_m = (X + iY)^m,
//   Q_mm = (2m - 1)!!,  Q_lm = [(2l - 1) Z Q_(l-1)m - (l + m - 1) Q_(l-2)m] / (l - m),
//   N_lm = sqrt((2 - delta_m0) (2l + 1) (l - m)! / (l + m)!).
// Recurrences and derivatives as in sphericart (Bigi et al., doi 10.1063/5.0156307).

import Foundation

/// Harmonics up to `lmax`; component (l, m) sits at l^2 + l + m.
public struct SphericalHarmonics: Sendable {
  public let lmax: Int
  public var count: Int { (lmax + 1) * (lmax + 1) }

  /// N_lm for m = 0 ... l at l (l + 1) / 2 + m.
  @usableFromInline let norms: [Double]

  public static let highestSupported = 4

  /// - Precondition: 0 <= lmax <= `highestSupported`.
  public init(lmax: Int) {
    precondition((0...Self.highestSupported).contains(lmax))
    self.lmax = lmax
    var norms: [Double] = []
    for l in 0...lmax {
      for m in 0...l {
        var ratio = 1.0
        for k in (l - m + 1)..<(l + m + 1) { ratio /= Double(k) }
        norms.append((Double((m == 0 ? 1 : 2) * (2 * l + 1)) * ratio).squareRoot())
      }
    }
    self.norms = norms
  }

  /// Room on the stack for as many components as there can be, and for zeros up to whole vectors of 16 of them;
  /// `withUnsafeTemporaryAllocation` takes the heap above 1 KB.
  @inlinable @inline(__always)
  public static func withComponents<V: SIMD, R>(of _: V.Type, _ body: (UnsafeMutablePointer<V>) -> R) -> R {
    var components = InlineArray<32, V>(repeating: V())
    return withUnsafeMutablePointer(to: &components) {
      body(UnsafeMutableRawPointer($0).assumingMemoryBound(to: V.self))
    }
  }

  /// Q_lm(Z) for 0 <= m <= l <= lmax at l (l + 1) / 2 + m, and c_m, s_m.
  @inlinable @inline(__always)
  func factors<V: SIMD>(
    _ u: (x: V, y: V, z: V), q: UnsafeMutablePointer<V>, c: UnsafeMutablePointer<V>,
    s: UnsafeMutablePointer<V>
  ) where V.Scalar: BinaryFloatingPoint {
    typealias T = V.Scalar
    let (x, y, z) = (u.z, u.x, u.y)
    c[0] = V(repeating: 1)
    s[0] = V(repeating: 0)
    q[0] = V(repeating: 1)
    for m in 1..<(lmax &+ 1) {
      c[m] = c[m &- 1] * x - s[m &- 1] * y
      s[m] = s[m &- 1] * x + c[m &- 1] * y
    }
    for l in 1..<(lmax &+ 1) {
      let row = l &* (l &+ 1) / 2
      let above = row &- l
      let above2 = above &- l &+ 1
      q[row &+ l] = q[above &+ l &- 1] * V(repeating: T(2 &* l &- 1))
      q[row &+ l &- 1] = z * q[above &+ l &- 1] * V(repeating: T(2 &* l &- 1))
      for m in 0..<max(0, l &- 1) {
        let a = V(repeating: T(2 &* l &- 1) / T(l &- m))
        let b = V(repeating: T(l &+ m &- 1) / T(l &- m))
        q[row &+ m] = a * z * q[above &+ m] - b * q[above2 &+ m]
      }
    }
  }

  /// Writes Y_lm(u) to `y[l^2 + l + m]`.
  @inlinable @inline(__always)
  public func evaluate<V: SIMD>(_ u: (x: V, y: V, z: V), into y: UnsafeMutablePointer<V>)
  where V.Scalar: BinaryFloatingPoint {
    Self.withComponents(of: V.self) { q in
      let (c, s) = (q + 15, q + 20)
      factors(u, q: q, c: c, s: s)
      for l in 0..<(lmax &+ 1) {
        let row = l &* (l &+ 1) / 2
        let centre = l &* l &+ l
        y[centre] = q[row] * V(repeating: V.Scalar(norms[row]))
        for m in 1..<(l &+ 1) {
          let f = q[row &+ m] * V(repeating: V.Scalar(norms[row &+ m]))
          y[centre &+ m] = f * c[m]
          y[centre &- m] = f * s[m]
        }
      }
    }
  }

  /// Adjoint of `evaluate` for Y_lm(r / |r|): returns sum_lm g_lm dY_lm/dr, given u = r / |r| and 1 / |r|.
  @inlinable @inline(__always)
  public func adjoint<V: SIMD>(_ u: (x: V, y: V, z: V), inverseLength: V, gradient g: UnsafePointer<V>) -> (
    x: V, y: V, z: V
  ) where V.Scalar: BinaryFloatingPoint {
    typealias T = V.Scalar
    return Self.withComponents(of: V.self) { q in
      let (c, s) = (q + 15, q + 20)
      factors(u, q: q, c: c, s: s)
      let (x, y) = (u.z, u.x)
      // Gradient of the homogeneous polynomials r^l Y_lm at |r| = 1, in (X, Y, Z):
      // dQ_lm/dX = -X Q_(l-1)(m+1), dQ_lm/dZ = (l + m) Q_(l-1)m, with r^2 restored in the recurrence.
      var (gx, gy, gz) = (V(repeating: 0), V(repeating: 0), V(repeating: 0))
      for l in 1..<(lmax &+ 1) {
        let row = l &* (l &+ 1) / 2
        let above = row &- l
        let centre = l &* l &+ l
        for m in 0..<(l &+ 1) {
          let norm = V(repeating: T(norms[row &+ m]))
          let (gc, gs) = (g[centre &+ m] * norm, m == 0 ? V(repeating: 0) : g[centre &- m] * norm)
          let angular = gc * c[m] + gs * s[m]
          if m &+ 1 <= l &- 1 {
            let d = angular * q[above &+ m &+ 1]
            gx -= x * d
            gy -= y * d
          }
          if m <= l &- 1 { gz += angular * V(repeating: T(l &+ m)) * q[above &+ m] }
          if m > 0 {
            let f = V(repeating: T(m)) * q[row &+ m]
            gx += f * (gc * c[m &- 1] + gs * s[m &- 1])
            gy += f * (gs * c[m &- 1] - gc * s[m &- 1])
          }
        }
      }
      // Y(r/|r|) is constant along r: keep the part of the gradient normal to u.
      let (ex, ey, ez) = (gy, gz, gx)
      let radial = ex * u.x + ey * u.y + ez * u.z
      return (
        (ex - radial * u.x) * inverseLength, (ey - radial * u.y) * inverseLength,
        (ez - radial * u.z) * inverseLength
      )
    }
  }
}
