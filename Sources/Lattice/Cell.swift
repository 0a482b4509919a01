// The simulation cell: rows of A are the lattice vectors, r = f A with f fractional.
// Any triclinic shape and handedness, any mix of periodic axes. Reciprocal vectors k(n) = 2 pi n A^-T.

/// A simulation cell.
public struct Cell: Sendable, Hashable {
  /// Lattice vectors as rows, Angstrom. Along an open axis the vector only fixes a direction; where the user gave none it
  /// is a unit vector perpendicular to the others.
  public let vectors: Matrix3
  /// As the user gave them: zero along open axes without a vector.
  public let given: Matrix3
  public let isPeriodic: [Bool]
  /// A^-1: fractional coordinates are r A^-1.
  public let inverse: Matrix3

  /// - Precondition: `isPeriodic` has three entries, and `vectors`, completed, a determinant other than zero.
  public init(vectors given: Matrix3, isPeriodic: [Bool] = [true, true, true]) {
    precondition(isPeriodic.count == 3)
    let vectors = Cell.completed(given, isPeriodic: isPeriodic)
    precondition(vectors.determinant != 0)
    self.given = given
    self.vectors = vectors
    self.isPeriodic = isPeriodic
    self.inverse = vectors.inverse
  }

  /// Lattice vectors with a unit vector for each zero one along an open axis, perpendicular to all others.
  public static func completed(_ given: Matrix3, isPeriodic: [Bool]) -> Matrix3 {
    var vectors = given
    for axis in 0..<3 where !isPeriodic[axis] && given[axis] == .zero {
      let (a, b) = (vectors[(axis + 1) % 3], vectors[(axis + 2) % 3])
      var normal = cross(a, b)
      if normal == .zero {
        // One other vector, or none: the Cartesian axis that is most nearly perpendicular to it comes first.
        let other = a == .zero ? b : a
        let (x, y, z) = (abs(other.x), abs(other.y), abs(other.z))
        let least = x <= y && x <= z ? 0 : y <= z ? 1 : 2
        normal = other == .zero ? Matrix3.identity[axis] : cross(other, Matrix3.identity[least])
      }
      vectors[axis] = normal / length(normal)
    }
    return vectors
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
