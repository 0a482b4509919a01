// Atoms in a checkpoint. What is read is held against what atoms can be; vectors have been, with those of other parts.

import Lattice

extension AtomicSystem {
  public var state: StateTree {
    [
      "cell": cell.state, "is_periodic": .flags(cell.isPeriodic),
      "atomic_numbers": .integers(atomicNumbers.map(Int64.init)), "masses": .numbers(masses),
      "positions": .vectors(positions), "velocities": .vectors(velocities), "move_mask": .vectors(moveMask),
    ]
  }

  /// - Throws: `StateError`.
  public init(_ state: StateTree) throws {
    func require(_ flaw: String?, _ name: String) throws {
      if let flaw { throw StateError(name, flaw) }
    }
    self = try state.read { state in
      let positions = try state.vectors("positions")
      let count = positions.count
      let isPeriodic = try state.flags("is_periodic", count: 3)
      let cell = try state.cell("cell", isPeriodic: isPeriodic)
      // Beyond the range of Int32 there is no element either.
      let species = try state.integers("atomic_numbers", count: count).map { Int(clamping: $0) }
      let masses = try state.numbers("masses", count: count)
      let velocities = try state.vectors("velocities", count: count)
      try require(positions.isEmpty ? "holds no atoms" : nil, "positions")
      try require(Plausibility.flaw(ofSpecies: species), "atomic_numbers")
      try require(Plausibility.flaw(ofMasses: masses), "masses")
      let moveMask = try state.vectors("move_mask", count: count)
      let isMask = moveMask.allSatisfy { mask in (0..<3).allSatisfy { [0, 1].contains(mask[$0]) } }
      try require(isMask ? nil : "holds other numbers than 0 and 1", "move_mask")
      return AtomicSystem(
        cell: cell, atomicNumbers: species, masses: masses,
        positions: positions, velocities: velocities, moveMask: moveMask)
    }
  }
}

extension Cell {
  /// The lattice vectors as they were given.
  var state: StateTree.Value { .vectors((0..<3).map { given[$0] }) }
}

extension StateReader {
  /// Lattice vectors, held against what cells can be.
  mutating func cell(_ name: String, isPeriodic: [Bool]) throws -> Cell {
    let rows = try vectors(name, count: 3)
    let vectors = Matrix3(rows[0], rows[1], rows[2])
    if let flaw = Plausibility.flaw(ofCell: vectors, isPeriodic: isPeriodic) { throw StateError(name, flaw) }
    return Cell(vectors: vectors, isPeriodic: isPeriodic)
  }
}
