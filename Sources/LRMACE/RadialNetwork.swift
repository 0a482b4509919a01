// The radial network in double precision with its first two derivatives in r, by forward differentiation:
//   b_n(r) = prefactor sin(w_n r)/r f(r/rc),   f(x) = 1 - (p+1)(p+2)/2 x^p + p(p+2) x^(p+1) - p(p+1)/2 x^(p+2),
//   x <- silu(x W) between the matrices, no activation after the last (MACE, arXiv 2206.07697, eq. 8).

import Foundation
import Kernels
import LRMACEModel

struct RadialNetwork {
  /// Values and derivatives of all functions at many distances: [distance][value, R', R''][function].
  struct Jets {
    let functions: Int
    var values: [Double]

    subscript(distance: Int, order: Int, f: Int) -> Double { values[(3 * distance + order) * functions + f] }
  }

  private let network: [Matrix]
  private let activatesLast: Bool
  private let basis: Model.BesselBasis
  let cutoff: Double

  /// The whole network: R_p,c(r).
  init(_ network: [Matrix], basis: Model.BesselBasis, cutoff: Double) {
    self.network = network
    activatesLast = false
    self.basis = basis
    self.cutoff = cutoff
  }

  /// All but the last matrix: the functions f_b(r) that it mixes.
  init(hiddenLayersOf network: [Matrix], basis: Model.BesselBasis, cutoff: Double) {
    self.network = network.dropLast()
    activatesLast = true
    self.basis = basis
    self.cutoff = cutoff
  }

  /// [distance][function].
  func values(at distances: [Double]) -> [Double] { stages(at: distances).result }

  /// What enters each matrix, slopes of the activations before it, and what leaves the last.
  private func stages(at distances: [Double]) -> (
    inputs: [[Double]], slopes: [[Double]], result: [Double]
  ) {
    var x = Array<Double>()
    x.reserveCapacity(distances.count * basis.frequencies.count)
    for r in distances { appendBessel(at: r, to: &x) }
    var (inputs, slopes): ([[Double]], [[Double]]) = ([], [])
    for (i, matrix) in network.enumerated() {
      inputs.append(x)
      x = (Matrix(rows: distances.count, columns: matrix.rows, values: x) * matrix).values
      guard activatesLast || i + 1 < network.count else { break }
      var slope = x
      x.withUnsafeMutableBufferPointer { x in
        slope.withUnsafeMutableBufferPointer { slope in
          guard let values = x.baseAddress, let slopes = slope.baseAddress else { return }
          values.applySilu(slope: slopes, count: x.count, scale: 1)
        }
      }
      slopes.append(slope)
    }
    return (inputs, slopes, x)
  }

  /// dE/d(matrices) from dE/dR at distances, [distance][function].
  func adjoint(at distances: [Double], gradient: [Double]) -> [Matrix] {
    let (inputs, slopes, _) = stages(at: distances)
    let rows = distances.count
    var matrices = network
    var g = gradient
    for (i, matrix) in network.enumerated().reversed() {
      if i < slopes.count {
        for n in g.indices { g[n] *= slopes[i][n] }
      }
      let (x, dy) = (inputs[i], g)
      Double.gemm(
        transposeA: true, transposeB: false, m: matrix.rows, n: matrix.columns, k: rows, alpha: 1, a: x,
        lda: matrix.rows, b: dy, ldb: matrix.columns, beta: 0, c: &matrices[i].values, ldc: matrix.columns)
      guard i > 0 else { break }
      g = Array(repeating: 0, count: rows * matrix.rows)
      Double.gemm(
        transposeA: false, transposeB: true, m: rows, n: matrix.rows, k: matrix.columns, alpha: 1, a: dy,
        lda: matrix.columns, b: matrix.values, ldb: matrix.columns, beta: 0, c: &g, ldc: matrix.rows)
    }
    return matrices
  }

  func jets(at distances: [Double]) -> Jets {
    var x = Jets(
      functions: basis.frequencies.count,
      values: distances.flatMap { r in
        let jet = bessel(at: r)
        return jet.value + jet.first + jet.second
      })
    for (i, matrix) in network.enumerated() {
      var y = Jets(
        functions: matrix.columns, values: Array(repeating: 0, count: 3 * distances.count * matrix.columns))
      Double.gemm(
        transposeA: false, transposeB: false, m: 3 * distances.count, n: matrix.columns, k: matrix.rows,
        alpha: 1,
        a: x.values, lda: matrix.rows, b: matrix.values, ldb: matrix.columns, beta: 0, c: &y.values,
        ldc: matrix.columns)
      x = y
      if activatesLast || i + 1 < network.count { activate(&x, count: distances.count) }
    }
    return x
  }

  /// silu with the chain rule: y' = s' x', y'' = s'' x'^2 + s' x''.
  private func activate(_ x: inout Jets, count: Int) {
    let n = x.functions
    for d in 0..<count {
      for f in 0..<n {
        let (value, first, second) = (3 * d * n + f, (3 * d + 1) * n + f, (3 * d + 2) * n + f)
        let s = silu(x.values[value])
        x.values[second] = s.second * x.values[first] * x.values[first] + s.first * x.values[second]
        x.values[first] *= s.first
        x.values[value] = s.value
      }
    }
  }

  /// The values alone.
  private func appendBessel(at r: Double, to values: inout [Double]) {
    let f = basis.prefactor * envelope(at: r).0
    for w in basis.frequencies {
      let x = w * r
      values.append(f * (x < 0.1 ? Self.seriesOfSinus(w, x) : sin(x) / r))
    }
  }

  /// sin(w r) / r, x = w r: the closed form loses digits as r -> 0.
  private static func seriesOfSinus(_ w: Double, _ x: Double) -> Double {
    let y = x * x
    return w * (1 - y / 6 * (1 - y / 20 * (1 - y / 42)))
  }

  private func bessel(at r: Double) -> (value: [Double], first: [Double], second: [Double]) {
    var jet = (value: [Double](), first: [Double](), second: [Double]())
    let (f, f1, f2) = envelope(at: r)
    for w in basis.frequencies {
      var (g, g1, g2): (Double, Double, Double)
      let x = w * r
      if x < 0.1 {
        let y = x * x
        g = Self.seriesOfSinus(w, x)
        g1 = -w * w * x / 3 * (1 - y / 10 * (1 - y / 28 * (1 - y / 54)))
        g2 = -w * w * w / 3 * (1 - 3 * y / 10 * (1 - 5 * y / 84 * (1 - 7 * y / 270)))
      } else {
        g = sin(x) / r
        g1 = (w * cos(x) - g) / r
        g2 = (-w * w * sin(x) - 2 * g1) / r
      }
      jet.value.append(basis.prefactor * g * f)
      jet.first.append(basis.prefactor * (g1 * f + g * f1))
      jet.second.append(basis.prefactor * (g2 * f + 2 * g1 * f1 + g * f2))
    }
    return jet
  }

  /// The polynomial cut-off with its derivatives in r.
  private func envelope(at r: Double) -> (Double, Double, Double) {
    let x = r / cutoff
    guard x < 1 else { return (0, 0, 0) }
    let p = Double(basis.cutoffExponent)
    let terms = [(-(p + 1) * (p + 2) / 2, p), (p * (p + 2), p + 1), (-p * (p + 1) / 2, p + 2)]
    var (f, f1, f2) = (1.0, 0.0, 0.0)
    for (a, n) in terms {
      f += a * pow(x, n)
      f1 += a * n * pow(x, n - 1) / cutoff
      f2 += a * n * (n - 1) * pow(x, n - 2) / (cutoff * cutoff)
    }
    return (f, f1, f2)
  }
}
