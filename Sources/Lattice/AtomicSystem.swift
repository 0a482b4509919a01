// What a simulation moves: atoms with positions and velocities in a cell.

/// Atoms in a cell. Arrays run over atoms in the user's order.
public struct AtomicSystem: Sendable {
  public var cell: Cell
  public let atomicNumbers: [Int]
  /// Masses in u.
  public let masses: [Double]
  /// Positions in Angstrom, unwrapped: they never jump at a cell face.
  public var positions: [Vector3]
  /// Velocities in Angstrom/fs.
  public var velocities: [Vector3]
  /// Atoms that do not move; their forces are still computed.
  public var isFixed: [Bool]

  public init(
    cell: Cell, atomicNumbers: [Int], masses: [Double], positions: [Vector3], velocities: [Vector3]? = nil,
    isFixed: [Bool]? = nil
  ) {
    precondition(masses.count == atomicNumbers.count && positions.count == atomicNumbers.count)
    self.cell = cell
    self.atomicNumbers = atomicNumbers
    self.masses = masses
    self.positions = positions
    self.velocities = velocities ?? Array(repeating: .zero, count: positions.count)
    self.isFixed = isFixed ?? Array(repeating: false, count: positions.count)
  }

  public var count: Int { positions.count }
}
