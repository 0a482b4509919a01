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
  /// 1 along each of x, y and z where the atom may move, 0 where it is fixed; forces are computed all the same.
  public var moveMask: [Vector3]

  public init(
    cell: Cell, atomicNumbers: [Int], masses: [Double], positions: [Vector3], velocities: [Vector3]? = nil,
    moveMask: [Vector3]? = nil
  ) {
    precondition(masses.count == atomicNumbers.count && positions.count == atomicNumbers.count)
    self.cell = cell
    self.atomicNumbers = atomicNumbers
    self.masses = masses
    self.positions = positions
    self.velocities = velocities ?? Array(repeating: .zero, count: positions.count)
    self.moveMask = moveMask ?? Array(repeating: .one, count: positions.count)
  }

  public var count: Int { positions.count }

  /// Atoms that move along no axis, and those that do along some.
  public var fixedAtoms: [Int] { moveMask.indices.filter { moveMask[$0] == .zero } }
  public var partlyFixedAtoms: [Int] { moveMask.indices.filter { ![.zero, .one].contains(moveMask[$0]) } }

  /// 1 along each of x, y and z along which no atom is fixed: the whole may be shifted there.
  public var freeAxes: Vector3 { moveMask.reduce(.one) { $0 * $1 } }
  public var hasFixedAtoms: Bool { freeAxes != .one }
}
