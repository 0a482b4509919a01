// Hidden functions of a radial network that others span: smooth functions of one distance, and of few lengths of a transform,
// fill few dimensions.
//
// Gram-Schmidt with column pivoting (Golub and Van Loan, Matrix Computations, 5.4.2) on the columns (f_b, f_b') at many
// distances keeps functions k until the rest is small, and expands all in them: f_b(r) = sum_k f_k(r) expansion[k, b].
// The next matrix takes the expansion in, so what is left is a radial network again.

import Kernels
import LRMACEModel

extension RadialNetwork {
  /// Distances at which functions are compared, of each basis.
  private static let samples = 256
  /// Bases that stand for those of all pairs of elements.
  static let prunedBases = 8

  /// What is left out stays below the rounding of messages in this precision.
  static func pruningTolerance<T: KernelScalar>(_: T.Type) -> Double { T.self == Float.self ? 1e-5 : 1e-13 }

  /// `network` with fewer functions in its last hidden layer.
  ///
  /// - Parameters:
  ///   - bases: on all of which the functions are to agree.
  ///   - tolerance: norm of what is left of a function over that of the largest.
  ///   - multiple: as many functions are kept as fill whole groups of so many.
  static func pruned(
    _ network: [Matrix], bases: [RadialBasis], tolerance: Double, multiple: Int
  ) -> [Matrix] {
    guard network.count > 1 else { return network }
    let hidden = network[network.count - 2]
    let jets = bases.map { basis in
      RadialNetwork(network.dropLast(), basis: basis, output: .silu)
        .jets(at: (0..<samples).map { basis.cutoff * (Double($0) + 0.5) / Double(samples) })
    }
    var functions = (0..<hidden.columns).map { b in
      jets.flatMap { jets in (0..<samples).flatMap { [jets[$0, 0, b], jets[$0, 1, b]] } }
    }

    var kept: [Int] = []
    var projections: [[Double]] = []  // [kept][function]
    var largest = 0.0
    while kept.count < functions.count {
      let squares = functions.map { f in f.reduce(0) { $0 + $1 * $1 } }
      guard
        let pivot = functions.indices.filter({ !kept.contains($0) }).max(by: { squares[$0] < squares[$1] })
      else { break }
      let norm = squares[pivot].squareRoot()
      largest = max(largest, norm)
      // Functions that vanish, such as hidden units without weights, fill no group.
      if norm <= Double.leastNormalMagnitude { break }
      if norm <= tolerance * largest, kept.count % multiple == 0 { break }
      let unit = functions[pivot].map { $0 / norm }
      var row = [Double](repeating: 0, count: functions.count)
      for b in functions.indices where !kept.contains(b) {
        row[b] = Double.dot(unit, functions[b], count: unit.count)
        for n in unit.indices { functions[b][n] -= row[b] * unit[n] }
      }
      kept.append(pivot)
      projections.append(row)
    }
    guard !kept.isEmpty else { return network }

    var columns = Matrix(rows: hidden.rows, columns: kept.count)
    var expansion = Matrix(rows: kept.count, columns: functions.count)
    for (k, pivot) in kept.enumerated().reversed() {
      for row in 0..<hidden.rows { columns[row, k] = hidden[row, pivot] }
      for b in functions.indices {
        var rest = projections[k][b]
        for later in (k + 1)..<max(k + 1, kept.count) {
          rest -= projections[k][kept[later]] * expansion[later, b]
        }
        expansion[k, b] = rest / projections[k][pivot]
      }
    }
    return network.dropLast(2) + [columns, expansion * network[network.count - 1]]
  }
}
