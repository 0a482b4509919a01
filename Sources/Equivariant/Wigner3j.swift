// Real Wigner 3j tensors w[m1, m2, m3]: the one SO(3)-invariant coupling of l1, l2, l3 (up to a factor).
//
// Complex Clebsch-Gordan coefficients (Racah's formula, Edmonds "Angular Momentum in Quantum Mechanics" eq. 3.6.10)
// are turned to the real basis of SphericalHarmonics.swift by
//   Y_real = Q Y_complex,  Q rows m = -l ... l, with the phase (-i)^l that makes every tensor real,
// and normalised to sum w^2 = 1. Basis, phase and norm are those of e3nn's `wigner_3j`.

import Foundation

/// A real Wigner 3j tensor as the list of its non-zero entries.
public struct Wigner3j: Sendable {
  public struct Entry: Sendable {
    /// Components, each from 0 to 2l.
    public let m1: Int
    public let m2: Int
    public let m3: Int
    public let value: Double
  }

  public let entries: [Entry]

  /// - Precondition: l1, l2, l3 obey the triangle inequality.
  public init(_ l1: Int, _ l2: Int, _ l3: Int) {
    precondition(abs(l1 - l2) <= l3 && l3 <= l1 + l2, "no coupling of \(l1), \(l2), \(l3)")
    let q1 = Self.realBasis(l1)
    let q2 = Self.realBasis(l2)
    let q3 = Self.realBasis(l3)
    var tensor: [(Int, Int, Int, Double)] = []
    for a in 0...(2 * l1) {
      for b in 0...(2 * l2) {
        for c in 0...(2 * l3) {
          // A real component mixes only +m and -m: at most two terms per index.
          var sum = Complex.zero
          for i in Set([a, 2 * l1 - a]) {
            for k in Set([b, 2 * l2 - b]) {
              for n in Set([c, 2 * l3 - c]) {
                let g = clebschGordan(l1, i - l1, l2, k - l2, l3, n - l3)
                if g != 0 { sum += q1[i][a] * q2[k][b] * q3[n][c].conjugate * g }
              }
            }
          }
          if abs(sum.real) > 1e-12 { tensor.append((a, b, c, sum.real)) }
        }
      }
    }
    let norm = tensor.reduce(0) { $0 + $1.3 * $1.3 }.squareRoot()
    entries = tensor.map { Entry(m1: $0.0, m2: $0.1, m3: $0.2, value: $0.3 / norm) }
  }

  /// Columns are real components, rows complex ones: q[mu][m].
  private static func realBasis(_ l: Int) -> [[Complex]] {
    var q = Array(repeating: Array(repeating: Complex.zero, count: 2 * l + 1), count: 2 * l + 1)
    let s = 0.5.squareRoot()
    q[l][l] = Complex(1, 0)
    for m in 1..<(l + 1) {
      let sign = m % 2 == 0 ? 1.0 : -1.0
      q[l - m][l + m] = Complex(s, 0)
      q[l - m][l - m] = Complex(0, -s)
      q[l + m][l + m] = Complex(sign * s, 0)
      q[l + m][l - m] = Complex(0, sign * s)
    }
    let phase = [Complex(1, 0), Complex(0, -1), Complex(-1, 0), Complex(0, 1)][l % 4]
    return q.map { row in row.map { $0 * phase } }
  }
}

/// Complex Clebsch-Gordan coefficient <j1 m1 j2 m2 | j3 m3> by Racah's formula.
func clebschGordan(_ j1: Int, _ m1: Int, _ j2: Int, _ m2: Int, _ j3: Int, _ m3: Int) -> Double {
  guard m1 + m2 == m3 else { return 0 }
  func factorial(_ n: Int) -> Double { n < 2 ? 1 : (2...n).reduce(1.0) { $0 * Double($1) } }
  let delta =
    factorial(j1 + j2 - j3) * factorial(j1 - j2 + j3) * factorial(-j1 + j2 + j3) / factorial(j1 + j2 + j3 + 1)
  let m =
    factorial(j1 + m1) * factorial(j1 - m1) * factorial(j2 + m2) * factorial(j2 - m2) * factorial(j3 + m3)
    * factorial(j3 - m3)
  var sum = 0.0
  for k in max(0, j2 - j3 - m1, j1 - j3 + m2)..<(min(j1 + j2 - j3, j1 - m1, j2 + m2) + 1) {
    let term =
      factorial(k) * factorial(j1 + j2 - j3 - k) * factorial(j1 - m1 - k) * factorial(j2 + m2 - k)
      * factorial(j3 - j2 + m1 + k) * factorial(j3 - j1 - m2 + k)
    sum += (k % 2 == 0 ? 1 : -1) / term
  }
  return (Double(2 * j3 + 1) * delta * m).squareRoot() * sum
}

private struct Complex {
  var real: Double
  var imaginary: Double

  init(_ real: Double, _ imaginary: Double) {
    self.real = real
    self.imaginary = imaginary
  }

  static let zero = Complex(0, 0)
  var conjugate: Complex { Complex(real, -imaginary) }
  static func * (a: Complex, b: Complex) -> Complex {
    Complex(a.real * b.real - a.imaginary * b.imaginary, a.real * b.imaginary + a.imaginary * b.real)
  }
  static func * (a: Complex, s: Double) -> Complex { Complex(a.real * s, a.imaginary * s) }
  static func += (a: inout Complex, b: Complex) {
    a.real += b.real
    a.imaginary += b.imaginary
  }
}
