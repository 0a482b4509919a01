// What restraints keep for the next step: the points by which atoms are held, which no deck names.

import Lattice

extension [Restraint] {
  /// Points by the name of their restraint.
  public var state: StateTree {
    var tree = StateTree()
    for restraint in self {
      guard case .points(let set) = restraint.target else { continue }
      let rows = (0..<3).map { set.cell.given[$0] }
      tree.values[restraint.name] = .group(["points": .vectors(set.points), "cell": .vectors(rows)])
    }
    return tree
  }

  /// The same restraints with the points of `state`.
  /// - Throws: `StateError` when `state` was saved by other restraints.
  public func restored(from state: StateTree) throws -> [Restraint] {
    try state.read { state in
      try map { restraint in
        guard case .points(let set) = restraint.target else { return restraint }
        let (points, rows) = try state.readGroup(restraint.name) {
          try ($0.vectors("points", count: set.atoms.count), $0.vectors("cell", count: 3))
        }
        let vectors = Matrix3(rows[0], rows[1], rows[2])
        guard Cell.completed(vectors, isPeriodic: set.cell.isPeriodic).determinant != 0 else {
          throw StateError(restraint.name, "has a cell without a volume")
        }
        let cell = Cell(vectors: vectors, isPeriodic: set.cell.isPeriodic)
        return Restraint(
          name: restraint.name, target: .points(PointSet(atoms: set.atoms, points: points, cell: cell)),
          profile: restraint.profile, stiffness: restraint.stiffness)
      }
    }
  }
}
