// The simulation cell: rows of A are the lattice vectors, r = f A with f fractional.
// Any triclinic shape and handedness, any mix of periodic axes. Reciprocal vectors k(n) = 2 pi n A^-T.

/// A simulation cell.
public struct Cell: Sendable, Hashable {
  /// Lattice vectors as rows, Angstrom. Along a non-periodic axis the vector only fixes a direction.
  public let vectors: Matrix3
  public let isPeriodic: [Bool]
  /// A^-1: fractional coordinates are r A^-1.
  public let inverse: Matrix3

  /// - Precondition: `vectors` has a determinant other than zero and `isPeriodic` three entries.
  public init(vectors: Matrix3, isPeriodic: [Bool] = [true, true, true]) {
    precondition(isPeriodic.count == 3 && vectors.determinant != 0)
    self.vectors = vectors
    self.isPeriodic = isPeriodic
    self.inverse = vectors.inverse
  }

  /// No periodic axis.
  public static let free = Cell(vectors: .identity, isPeriodic: [false, false, false])

  /// |det A| in Angstrom^3.
  public var volume: Double { abs(vectors.determinant) }
  public var isFullyPeriodic: Bool { isPeriodic.allSatisfy { $0 } }
  public var hasPeriodicAxis: Bool { isPeriodic.contains(true) }
  /// Rows are 2 pi times the dual vectors: k(n) = n * reciprocal.
  public var reciprocal: Matrix3 { inverse.transposed * (2 * Double.pi) }
}
