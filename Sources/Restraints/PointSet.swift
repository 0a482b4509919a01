// Points by which atoms are held. They belong to the cell: where it changes they go with it, R = f A, so that a strain of
// the whole strains the distances from them, too.

import Lattice

public struct PointSet: Sendable, Hashable {
  /// From 0.
  public let atoms: [Int]
  /// R of each atom, in Angstrom, in `cell`.
  public let points: [Vector3]
  public let cell: Cell

  /// Where `atoms` are in `system`.
  public init(_ atoms: [Int], in system: AtomicSystem) {
    self.atoms = atoms
    points = atoms.map { system.positions[$0] }
    cell = system.cell
  }

  init(atoms: [Int], points: [Vector3], cell: Cell) {
    (self.atoms, self.points, self.cell) = (atoms, points, cell)
  }

  /// r - R of each atom. Positions are unwrapped: an atom that has crossed a face is not near its point's image.
  func displacements(in system: AtomicSystem) -> [Vector3] {
    let change = Deformation(from: cell, to: system.cell)
    return zip(atoms, points).map { system.positions[$0] - change.apply($1) }
  }
}
