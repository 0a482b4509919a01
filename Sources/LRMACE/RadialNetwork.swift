// The radial network in double precision with its first two derivatives in r, by forward differentiation:
//   x <- silu(x W) from the Bessel functions b(r) on (RadialBasis.swift), after the last matrix what `output` says
// (MACE, arXiv 2206.07697, eq. 8).

import Foundation
import Kernels
import LRMACEModel

struct RadialNetwork {
  /// Values and derivatives of all functions at many distances: [distance][value, R', R''][function].
  struct Jets {
    let functions: Int
    var values: [Double]

    subscript(distance: Int, order: Int, f: Int) -> Double {
      get { values[(3 * distance + order) * functions + f] }
      set { values[(3 * distance + order) * functions + f] = newValue }
    }
  }

  /// What follows the last matrix.
  enum Output: Sendable {
    /// R_p,c(r), all of a network.
    case linear
    /// The functions that the next matrix mixes.
    case silu
    /// tanh(z^2), what an atom adds to the density around another.
    case density

    /// Its value and two derivatives; nil for the identity.
    fileprivate var activation: ((Double) -> (value: Double, first: Double, second: Double))? {
      switch self {
      case .linear: nil
      case .silu: Kernels.silu
      case .density: Self.tanhOfSquare
      }
    }

    private static func tanhOfSquare(_ z: Double) -> (value: Double, first: Double, second: Double) {
      let t = tanh(z * z)
      let s = 1 - t * t
      return (t, 2 * z * s, 2 * s - 8 * z * z * t * s)
    }
  }

  private let network: [Matrix]
  private let output: Output
  let basis: RadialBasis
  var cutoff: Double { basis.cutoff }

  init(_ network: [Matrix], basis: RadialBasis, output: Output = .linear) {
    (self.network, self.basis, self.output) = (network, basis, output)
  }

  /// What follows matrix i.
  private func output(_ i: Int) -> Output { i + 1 < network.count ? .silu : output }

  /// [distance][function].
  func values(at distances: [Double]) -> [Double] { stages(at: distances).result }

  /// What enters each matrix, slopes of the activations before it, and what leaves the last.
  private func stages(at distances: [Double]) -> (
    inputs: [[Double]], slopes: [[Double]], result: [Double]
  ) {
    var x = Array<Double>()
    x.reserveCapacity(distances.count * basis.count)
    for r in distances { basis.append(at: r, to: &x) }
    var (inputs, slopes): ([[Double]], [[Double]]) = ([], [])
    for (i, matrix) in network.enumerated() {
      inputs.append(x)
      x = (Matrix(rows: distances.count, columns: matrix.rows, values: x) * matrix).values
      guard let activation = output(i).activation else { break }
      var slope = x
      if case .silu = output(i) {
        x.withUnsafeMutableBufferPointer { x in
          slope.withUnsafeMutableBufferPointer { slope in
            guard let values = x.baseAddress, let slopes = slope.baseAddress else { return }
            values.applySilu(slope: slopes, count: x.count, scale: 1)
          }
        }
      } else {
        for n in x.indices { (x[n], slope[n], _) = activation(x[n]) }
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
      functions: basis.count,
      values: distances.flatMap { r in
        let jet = basis.jet(at: r)
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
      if let activation = output(i).activation { Self.activate(&x, count: distances.count, activation) }
    }
    return x
  }

  /// An activation s with the chain rule: y' = s' x', y'' = s'' x'^2 + s' x''.
  private static func activate(
    _ x: inout Jets, count: Int, _ activation: (Double) -> (value: Double, first: Double, second: Double)
  ) {
    let n = x.functions
    for d in 0..<count {
      for f in 0..<n {
        let (value, first, second) = (3 * d * n + f, (3 * d + 1) * n + f, (3 * d + 2) * n + f)
        let s = activation(x.values[value])
        x.values[second] = s.second * x.values[first] * x.values[first] + s.first * x.values[second]
        x.values[first] *= s.first
        x.values[value] = s.value
      }
    }
  }
}
