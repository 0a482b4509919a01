// How far atoms are from what a model has learned: the distance of their last scalar features h from those of the training
// data, for each element by its own mean and covariance (one Gaussian of A. Zhu et al., J. Chem. Phys. 158, 164111 (2023),
// doi 10.1063/5.0136574),
//   d^2 = (h - mean) C^-1 (h - mean)^T,   C = covariance + ridge,   grade = d / max of the training data,
// so that grade 1 is the farthest atom that was learned. With C = A A^T, whitening = A^-T / max, grade = |(h - mean) whitening|.
// An element that the data do not have is infinitely far.

import Foundation
import Kernels

extension Model {
  /// Where the training data lie among the last layer's scalar features.
  public struct TrainingDomain: Sendable {
    /// Atoms of each element that were learned.
    public var atoms: [Int]
    /// [species, channels].
    public var mean: Matrix
    /// [species]: [channels, channels].
    public var whitening: [Matrix]

    /// The grade of an atom with features `h`, [channels], of element `species`.
    public func grade(_ h: UnsafePointer<Double>, species: Int) -> Double {
      guard atoms[species] > 0 else { return .infinity }
      let channels = mean.columns
      return withUnsafeTemporaryAllocation(of: Double.self, capacity: channels) { z in
        z.initialize(repeating: 0)
        whitening[species].values.withUnsafeBufferPointer { w in
          for row in 0..<channels {
            let difference = h[row] - mean[species, row]
            for c in 0..<channels { z[c] += difference * w[row * channels + c] }
          }
        }
        return z.reduce(0) { $0 + $1 * $1 }.squareRoot()
      }
    }
  }
}

extension Model.TrainingDomain {
  /// The domain of the atoms that `forEachAtom` hands to its body with their features, [channels], and their element: once for
  /// mean and covariance, once more for the farthest of each element, which gives the unit.
  ///
  /// - Returns: nil where `forEachAtom` returns false, because it was interrupted.
  public init?(
    species: Int, channels: Int,
    forEachAtom: ((UnsafePointer<Double>, _ species: Int) -> Void) throws -> Bool
  ) rethrows {
    atoms = Array(repeating: 0, count: species)
    mean = Matrix(rows: species, columns: channels)
    // Sums of h^T h.
    var products = Array(repeating: Matrix(rows: channels, columns: channels), count: species)
    whitening = products
    var (counts, sums) = (atoms, mean)
    guard
      try forEachAtom({ h, s in
        counts[s] += 1
        for c in 0..<channels { sums[s, c] += h[c] }
        products[s].values.withUnsafeMutableBufferPointer { p in
          for row in 0..<channels {
            for c in 0..<channels { p[row * channels + c] += h[row] * h[c] }
          }
        }
      })
    else { return nil }
    atoms = counts
    for s in 0..<species where counts[s] > 0 {
      let count = Double(counts[s])
      for c in 0..<channels { mean[s, c] = sums[s, c] / count }
      var covariance = products[s]
      for row in 0..<channels {
        for c in 0..<channels {
          covariance[row, c] = covariance[row, c] / count - mean[s, row] * mean[s, c]
        }
      }
      let variance = (0..<channels).reduce(0) { $0 + max(0, covariance[$1, $1]) } / Double(channels)
      for c in 0..<channels { covariance[c, c] += Self.relativeRidge * variance + Self.ridge }
      whitening[s] = covariance.whitening
    }
    let byCovariance = self
    var largest = Array(repeating: 0.0, count: species)
    guard try forEachAtom({ largest[$1] = max(largest[$1], byCovariance.grade($0, species: $1)) })
    else { return nil }
    for s in 0..<species where largest[s] > 0 {
      whitening[s].values = whitening[s].values.map { $0 / largest[s] }
    }
  }

  /// Features that hardly vary in the data may vary so much before they count as new: of the mean variance, and of features of
  /// order 1.
  private static let relativeRidge = 1e-3
  private static let ridge = 1e-8
}

extension Matrix {
  /// A^-T of a symmetric positive definite matrix A A^T, by Cholesky's factors.
  fileprivate var whitening: Matrix {
    var factor = Matrix(rows: rows, columns: rows)
    for i in 0..<rows {
      for j in 0...i {
        var sum = self[i, j]
        for k in 0..<j { sum -= factor[i, k] * factor[j, k] }
        factor[i, j] = i == j ? max(sum, .leastNormalMagnitude).squareRoot() : sum / factor[j, j]
      }
    }
    // Columns of A^-1 by forward substitution, which are rows of A^-T.
    var inverse = Matrix(rows: rows, columns: rows)
    for column in 0..<rows {
      for i in column..<rows {
        var sum = i == column ? 1.0 : 0
        for k in column..<i { sum -= factor[i, k] * inverse[column, k] }
        inverse[column, i] = sum / factor[i, i]
      }
    }
    return inverse
  }
}
