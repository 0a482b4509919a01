// What a change of the cell does to everything in it: A becomes A F, and r becomes r F + u, with u what the atoms moved
// by themselves.

/// The linear map between two shapes of a cell.
public struct Deformation: Sendable {
  /// F = A^-1 A'; nil where the cell is the same.
  private let map: Matrix3?

  public init(from old: Cell, to new: Cell) {
    map = old.vectors == new.vectors ? nil : old.inverse * new.vectors
  }

  /// r F.
  public func apply(_ r: Vector3) -> Vector3 { map.map { r * $0 } ?? r }

  /// No vector shrinks by more: a lower bound of the smallest singular value of F, 1 - |F - 1| in Frobenius' norm.
  public var leastStretch: Double {
    guard let map else { return 1 }
    let change = map - Matrix3.identity
    return 1 - doubleDot(change, change).squareRoot()
  }

  /// The factor by which the distance between opposite faces has grown, of the periodic axis where it has most: by so much a
  /// wavevector of fixed integers has become shorter.
  public static func growth(from old: Cell, to new: Cell) -> Double {
    (new.heights / old.heights).replacing(with: 1, where: .!new.periodicAxes).max()
  }

  /// Whether |u| <= `distance` (Angstrom) for every atom; not so where a number is NaN or the distance negative.
  public func carries(_ old: [Vector3], to new: [Vector3], within distance: Double) -> Bool {
    guard distance >= 0, old.count == new.count else { return false }
    let limit = distance * distance
    for (before, after) in zip(old, new) {
      let u = after - apply(before)
      guard dot(u, u) <= limit else { return false }
    }
    return true
  }
}
