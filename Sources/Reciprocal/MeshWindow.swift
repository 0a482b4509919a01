// The window that carries a source to the points of a mesh axis, and its Fourier transform. A source at mesh
// coordinate u gives the point g = floor(u) - p + 1 + i, i < p, the weight phi(z), z = (2/p) (u - g - p/2):
//
//   phi(z) = (1 - z^2) I_2(beta sqrt(1 - z^2)) / I_2(beta)                                     for |z| < 1
//
// the Kaiser-Bessel window of order 2 (Lewitt 1990, doi:10.1364/JOSAA.7.001834), continuous with its slope. It
// is more concentrated in wavevectors than a B-spline of the same reach: at spacings of 0.6 to 0.7 sigma forces err
// 2 to 10 times less. On each of its p pieces it is a polynomial of f = u - floor(u), fitted at Chebyshev nodes; forces are the
// polynomials' exact derivatives.

import Foundation
import Kernels

struct MeshWindow<T: KernelScalar> {
  /// Of an axis at the points that an atom reaches, zeros behind them.
  typealias Values = T.Window

  /// Coefficients of t^n, t = 2 f - 1, of all pieces.
  private let coefficients: Workspace<Values>
  /// phi at the middles of equal intervals of its reach, for its transform.
  private let samples: [Double]
  private static var samplesPerPoint: Int { 32 }

  /// Fitted to 1e-8 of the maximum in Float, 1e-12 in Double.
  private static var degree: Int { T.self == Float.self ? 9 : 13 }

  /// - Parameters:
  ///   - order: p, 4 to the number of `Values`.
  ///   - shape: beta; see `shape(order:spacing:)`.
  init(order: Int, shape: Double) {
    let count = Self.degree + 1
    var coefficients = [Values](repeating: .zero, count: count)
    for i in 0..<order {
      let piece = Self.polynomial(degree: Self.degree) { t in
        Self.value(2 / Double(order) * ((t + 1) / 2 + Double(order - 1 - i)) - 1, shape: shape)
      }
      for n in 0..<count { coefficients[n][i] = T(piece[n]) }
    }
    self.coefficients = Workspace(coefficients)
    let samples = order * Self.samplesPerPoint
    self.samples = (0..<samples).map { Self.value((2 * Double($0) + 1) / Double(samples) - 1, shape: shape) }
  }

  /// beta = p (pi - k h / 2): the first alias 2 pi / h - k of wavevectors up to k leaves the window's main lobe.
  /// Longer ones than k = 3.5 / sigma matter too little to the kernel. (For sources at random places 3 would do; molecules, whose
  /// sources hardly show at small k, err by a third less with 3.5.)
  ///
  /// - Parameter spacing: h / sigma.
  static func shape(order: Int, spacing: Double) -> Double {
    Double(order) * max(.pi - 1.75 * spacing, 1)
  }

  /// The values at the points and their derivatives d/du.
  @inline(__always)
  func evaluate(_ fraction: T) -> (values: Values, slopes: Values) {
    let c = coefficients.pointer
    let t = Values(repeating: 2 * fraction - 1)
    var values = c[Self.degree]
    var slopes = Values.zero
    for n in stride(from: Self.degree - 1, through: 0, by: -1) {
      slopes = values.addingProduct(slopes, t)
      values = c[n].addingProduct(values, t)
    }
    return (values, slopes * 2)
  }

  /// The factor U^2 / (sum over aliases of U^2)^2 for wavenumber n of M points, U the transform of phi. It makes
  /// the mesh sum the best approximation of wavevector n in the mean over positions (Hockney and Eastwood 1988,
  /// eq. 8-22, for a kernel that ends before the first alias).
  func influence(wavenumber n: Int, size: Int) -> Double {
    func squared(_ n: Int) -> Double {
      let transform = transform(wavenumber: n, size: size)
      return transform * transform
    }
    // U falls with the third power of the wavenumber: what is left out is smaller than 1e-12.
    let aliases = (-4...4).reduce(0) { $0 + squared(n + $1 * size) }
    return squared(n) / (aliases * aliases)
  }

  /// U: the integral of phi cos(k u) over u by the midpoint rule, k = 2 pi n / M.
  func transform(wavenumber n: Int, size: Int) -> Double {
    let phase = 2 * .pi * Double(n) / Double(size) / Double(Self.samplesPerPoint)
    // phi is even: twice the sum over u > 0.
    let half = samples.count / 2
    var sum = 0.0
    for i in 0..<half { sum += samples[half + i] * cos(phase * (Double(i) + 0.5)) }
    return 2 * sum / Double(Self.samplesPerPoint)
  }

  private static func value(_ z: Double, shape: Double) -> Double {
    let rest = max(0, 1 - z * z)
    return rest * bessel(shape * rest.squareRoot()) / bessel(shape)
  }

  /// I_2(x) = sum over n of (x/2)^(2n + 2) / (n! (n + 2)!).
  private static func bessel(_ x: Double) -> Double {
    var term = x / 2 * x / 2 / 2
    var (sum, n) = (0.0, 0)
    while sum + term != sum {
      sum += term
      n += 1
      term *= x * x / 4 / Double(n * (n + 2))
    }
    return sum
  }

  /// Coefficients of t^n of the polynomial through a function's values at the Chebyshev nodes of -1 ... 1.
  private static func polynomial(degree: Int, of function: (Double) -> Double) -> [Double] {
    let count = degree + 1
    let angles = (0..<count).map { Double.pi * (Double($0) + 0.5) / Double(count) }
    let values = angles.map { function(cos($0)) }
    var sum = [Double](repeating: 0, count: count)
    // Chebyshev polynomials T_j by coefficients of t^n: T_j+1 = 2 t T_j - T_j-1.
    var (current, previous) = ([1.0], [0.0])
    for j in 0..<count {
      let overlap = zip(angles, values).reduce(0) { $0 + $1.1 * cos(Double(j) * $1.0) }
      let weight = (j == 0 ? 1 : 2) / Double(count) * overlap
      for (n, c) in current.enumerated() { sum[n] += weight * c }
      var next = [0.0] + current.map { j == 0 ? $0 : 2 * $0 }
      for (n, c) in previous.enumerated() where j > 0 { next[n] -= c }
      (previous, current) = (current, next)
    }
    return sum
  }
}
