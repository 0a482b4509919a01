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

/// Sums over the atoms of training data from which their domain follows.
public struct TrainingDomainSums: Sendable {
  private let channels: Int
  private var atoms: [Int]
  private var sums: [[Double]]
  private var products: [Matrix]

  public init(species: Int, channels: Int) {
    self.channels = channels
    atoms = Array(repeating: 0, count: species)
    sums = Array(repeating: Array(repeating: 0, count: channels), count: species)
    products = Array(repeating: Matrix(rows: channels, columns: channels), count: species)
  }

  /// Adds an atom with features `h`, [channels].
  public mutating func add(_ h: UnsafePointer<Double>, species: Int) {
    atoms[species] += 1
    for c in 0..<channels { sums[species][c] += h[c] }
    products[species].values.withUnsafeMutableBufferPointer { p in
      for row in 0..<channels {
        for c in 0..<channels { p[row * channels + c] += h[row] * h[c] }
      }
    }
  }

  /// The domain with distances by covariance alone; the same atoms give the unit, `TrainingDomain.scaled`.
  public var domain: Model.TrainingDomain {
    var domain = Model.TrainingDomain(
      atoms: atoms, mean: Matrix(rows: atoms.count, columns: channels),
      whitening: Array(repeating: Matrix(rows: channels, columns: channels), count: atoms.count))
    for s in atoms.indices where atoms[s] > 0 {
      let count = Double(atoms[s])
      for c in 0..<channels { domain.mean[s, c] = sums[s][c] / count }
      var covariance = products[s]
      for row in 0..<channels {
        for c in 0..<channels {
          covariance[row, c] = covariance[row, c] / count - domain.mean[s, row] * domain.mean[s, c]
        }
      }
      let variance = (0..<channels).reduce(0) { $0 + max(0, covariance[$1, $1]) } / Double(channels)
      for c in 0..<channels {
        covariance[c, c] += Self.relativeRidge * variance + Self.ridge
      }
      domain.whitening[s] = covariance.whitening
    }
    return domain
  }

  /// Features that hardly vary in the data may vary so much before they count as new: of the mean variance, and of features of
  /// order 1.
  private static let relativeRidge = 1e-3
  private static let ridge = 1e-8
}

extension Model.TrainingDomain {
  /// With the largest grade of each element so far as the unit.
  public func scaled(by largest: [Double]) -> Model.TrainingDomain {
    var scaled = self
    for s in atoms.indices where largest[s] > 0 {
      scaled.whitening[s].values = whitening[s].values.map { $0 / largest[s] }
    }
    return scaled
  }
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
