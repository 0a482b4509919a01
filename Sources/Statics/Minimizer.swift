// How far to go, from forces alone: energies, whose rounding would hide the last steps, are never compared. That suits
// bands of images as well, whose forces are the gradient of nothing.

import Lattice

/// Chooses the displacements of a search for zero forces.
///
/// Coordinates are a list of vectors in Angstrom: those of atoms, of the atoms of many images, or of a cell as well
/// (`CellRelaxation`); forces belong to them one by one. What must not move has no force.
public protocol Minimizer: Sendable {
  /// What to add to the coordinates at which `forces` (eV/Angstrom) act. No vector is longer than the limit.
  mutating func displacement(for forces: [Vector3]) -> [Vector3]

  /// All that the next displacement depends on beside the forces.
  var state: StateTree { get }

  /// - Parameter count: number of vectors.
  /// - Throws: `StateError` when `state` was saved by another kind of minimizer, or one of other coordinates.
  mutating func restore(_ state: StateTree, count: Int) throws
}

/// The minimizers by name.
public enum MinimizerMethod: Sendable { case fire, lbfgs }

extension MinimizerMethod {
  /// - Parameter largestStep: limit of a displacement in Angstrom.
  public func minimizer(largestStep: Double) -> any Minimizer {
    switch self {
    case .fire: FIRE(largestStep: largestStep)
    case .lbfgs: LBFGS(largestStep: largestStep)
    }
  }
}

// MARK: - Lists of vectors

func dot(_ a: [Vector3], _ b: [Vector3]) -> Double { zip(a, b).reduce(0) { $0 + Lattice.dot($1.0, $1.1) } }

extension [Vector3] {
  var norm: Double { dot(self, self).squareRoot() }
  /// The longest of the vectors.
  var largest: Double { lazy.map(length).max() ?? 0 }

  func scaled(by factor: Double) -> [Vector3] { map { $0 * factor } }

  /// self + factor * other.
  func adding(_ other: [Vector3], times factor: Double) -> [Vector3] {
    zip(self, other).map { $0 + $1 * factor }
  }

  /// The same direction, with no vector longer than `limit`.
  func limited(to limit: Double) -> [Vector3] {
    let longest = largest
    return longest > limit ? scaled(by: limit / longest) : self
  }
}
