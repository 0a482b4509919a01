// Which changes of shape a barostat makes. All of them are symmetric strains, in which no cell turns: with rows as lattice
// vectors A becomes A e^E and r becomes r e^E, E = sum_m c_m B_m with modes B_m that are orthonormal, B_m : B_n = delta_mn.
//
//   isotropic        1 / sqrt(3)
//   semi-isotropic   (xx + yy) / sqrt(2), zz
//   orthorhombic     xx, yy, zz
//   triclinic        xx, yy, zz, (yz + zy) / sqrt(2), (xz + zx) / sqrt(2), (xy + yx) / sqrt(2)

import Lattice

/// The strains that a cell may follow, as an orthonormal basis of them.
public struct CellCoupling: Sendable, Hashable {
  let modes: [Matrix3]

  /// A component of a symmetric tensor; Voigt's order.
  public enum Component: Int, CaseIterable, Sendable {
    case xx, yy, zz, yz, xz, xy

    /// Row and column.
    var indices: (Int, Int) {
      switch self {
      case .xx: (0, 0)
      case .yy: (1, 1)
      case .zz: (2, 2)
      case .yz: (1, 2)
      case .xz: (0, 2)
      case .xy: (0, 1)
      }
    }
  }

  /// The shape stays, the volume changes.
  public static let isotropic = CellCoupling(modes: [mode([.xx, .yy, .zz])])
  /// The plane xy on one side, z on the other: membranes and interfaces that lie in the plane.
  public static let semiIsotropic = CellCoupling(modes: [mode([.xx, .yy]), mode([.zz])])
  /// Each component by itself: lengths along x, y and z, and angles where components off the diagonal are among them.
  public static func components(_ components: Set<Component>) -> CellCoupling {
    CellCoupling(modes: Component.allCases.filter(components.contains).map { mode([$0]) })
  }
  public static let orthorhombic = components([.xx, .yy, .zz])
  public static let triclinic = components(Set(Component.allCases))

  /// Number of independent strains.
  var count: Int { modes.count }

  /// What of `x` is a strain that the cell may follow: sum_m (x : B_m) B_m.
  public func project(_ x: Matrix3) -> Matrix3 {
    var sum = Matrix3.zero
    for mode in modes { sum += mode * doubleDot(x, mode) }
    return sum
  }

  /// The sum of components, of length one.
  private static func mode(_ components: [Component]) -> Matrix3 {
    var b = Matrix3.zero
    for component in components {
      let (i, j) = component.indices
      b[i][j] = 1
      b[j][i] = 1
    }
    return b * (1 / doubleDot(b, b).squareRoot())
  }

  /// What every barostat asks of its settings and of the system whose cell it moves.
  /// - Parameter relaxationTime: the barostat's tau in fs.
  /// - Throws: `DynamicsError.invalidSetting`.
  func validate(timestep: Double, relaxationTime: Double, system: AtomicSystem) throws {
    try DynamicsError.require(
      relaxationTime >= 10 * timestep && relaxationTime.isFinite, .barostatTime,
      "the barostat's tau must be at least ten time steps, \(10 * timestep) fs, not \(relaxationTime) fs")
    try DynamicsError.require(count > 0, .coupling, "a barostat needs a component of the cell to move")
    try DynamicsError.require(
      system.cell.isFullyPeriodic, .cell,
      "there is no pressure in a structure that is not periodic along all three lattice vectors")
    try DynamicsError.require(
      !system.hasFixedAtoms, .fixedAtoms,
      "atoms cannot be fixed in a cell that changes: all move with it")
  }
}
