// A system divided among ranks by an evaluation plan: bricks are cut, and atoms belong to them, by the plan's positions, thick
// enough for the present cell, so that energy and forces are a function of system, plan and number of ranks, to the bit. The plan
// lasts while no atom has gone farther from its positions than half the skin; until then a halo of R = cut-off + skin around the
// bricks holds all that atoms see.
//
// Rows of arrays are atoms as a rank sees them: its own, then copies (`Halo`).

import Lattice

/// What one rank has of a system. It knows the positions of all atoms: their number is what bounds its memory.
public final class Decomposition {
  public let communicator: any Communicator
  /// Of a pair that interacts, Angstrom, and what a list of neighbours reaches beyond it.
  private let cutoff: Double
  private let skin: Double

  /// n_a of the bricks; nil for those that cost least.
  private let wanted: SIMD3<Int>?

  private var grid: BrickGrid?
  public private(set) var halo: Halo?
  /// Indices in the system of the own atoms, row by row.
  public private(set) var order: [Int32] = []
  /// Those of all ranks, behind each other, and how many each has.
  private var orders: [Int32] = []
  private var counts: [Int] = []
  /// n of the own atoms: r - n A lies in the brick.
  private var images: [Vector3] = []
  /// Where all atoms were when the halo was made: the plan's positions, in the cell of that moment.
  private var reference: [Vector3] = []
  private var referenceCell = Cell.free

  /// - Parameter grid: n_a of the bricks; nil for those that cost least.
  public init(cutoff: Double, skin: Double, grid wanted: SIMD3<Int>? = nil, communicator: any Communicator) {
    (self.cutoff, self.skin, self.wanted, self.communicator) = (cutoff, skin, wanted, communicator)
  }

  /// The present bricks: n_a, the thickness of the thinnest and the least that it may be, Angstrom. Nil while there are none.
  public var bricks: (counts: SIMD3<Int>, thickness: Vector3, least: Double)? {
    guard halo != nil else { return nil }
    return grid.map { ($0.counts, $0.thickness(in: referenceCell), cutoff + skin) }
  }

  /// A plan lasts while no atom is farther than this from its positions, Angstrom.
  public var lastingDistance: Double { skin / 2 }

  /// Whether bricks that were cut by a plan in another cell are those of the same plan in this one.
  public func hasBricks(for cell: Cell) -> Bool { grid?.suits(cell) ?? false }

  /// Cuts the bricks of a plan for the present cell and says which atoms are in that of this rank, ascending.
  ///
  /// - Throws: `DomainError`, on all ranks.
  public func ownAtoms(of plan: EvaluationPlan, in cell: Cell) throws(DomainError) -> [Int32] {
    halo = nil
    let grid = try BrickGrid(
      ranks: communicator.size, wanted: wanted, cell: plan.cell, positions: plan.positions,
      reach: cutoff + skin, present: cell)
    self.grid = grid
    return plan.positions.indices.filter {
      grid.owner(of: plan.cell.fractional(plan.positions[$0])) == communicator.rank
    }.map { Int32($0) }
  }

  /// Makes the halo of this rank's atoms, in the order of rows, in the present cell.
  ///
  /// - Returns: positions of all rows at which neighbours are to be listed, and the cell in which they are.
  /// - Throws: `DomainError`, on all ranks, for a cell that has shrunk.
  public func divide(
    _ order: [Int32], by plan: EvaluationPlan, in cell: Cell
  ) throws(DomainError) -> (positions: [Vector3], Cell) {
    guard let grid else { preconditionFailure("ownAtoms comes before") }
    try grid.requireThickness(of: cutoff + skin, in: cell)
    self.order = order
    let deformation = Deformation(from: plan.cell, to: cell)
    (reference, referenceCell) = (plan.positions.map(deformation.apply), cell)
    images = order.map { atom in
      let f = plan.cell.fractional(plan.positions[Int(atom)])
      var n = Vector3.zero
      for axis in 0..<3 where cell.isPeriodic[axis] && grid.counts[axis] > 1 {
        n[axis] = f[axis].rounded(.down)
      }
      return n
    }
    counts = communicator.allGather(.division, order.count)
    orders = communicator.allGather(.division, order, filler: 0)
    let own = order.indices.map { reference[Int(order[$0])] - images[$0] * cell.vectors }
    let halo = Halo(of: own, grid: grid, cell: cell, reach: cutoff + skin, communicator: communicator)
    self.halo = halo
    var positions = own + Array(repeating: .zero, count: halo.count - halo.owned)
    setPositions(&positions, from: reference, in: cell)
    return (positions, grid.localCell(cell))
  }

  /// Whether the halo may lack what atoms see, for a change of the cell; the same on all ranks.
  public func mustDivide(_ positions: [Vector3], in cell: Cell) -> Bool {
    guard halo != nil else { return true }
    let deformation = Deformation(from: referenceCell, to: cell)
    let reach = (deformation.leastStretch * (cutoff + skin) - cutoff) / 2
    return !deformation.carries(reference, to: positions, within: reach)
  }

  /// Positions of all rows from those of the system.
  public func setPositions(_ rows: inout [Vector3], from system: [Vector3], in cell: Cell) {
    for (k, i) in order.enumerated() { rows[k] = system[Int(i)] - images[k] * cell.vectors }
    rows.withUnsafeMutableBufferPointer { rows in
      if let base = rows.baseAddress { halo?.fill(positions: base, cell: cell) }
    }
  }

  /// Values of all atoms, in the order of the system, from those of every rank's own.
  @_specialize(where Element == Vector3)
  @_specialize(where Element == Double)
  public func gather<Element: BitwiseCopyable>(_ own: [Element], into all: inout [Element], filler: Element) {
    let gathered = communicator.allGather(.system, own, filler: filler)
    if all.count != gathered.count { all = Array(repeating: filler, count: gathered.count) }
    for (value, i) in zip(gathered, orders) { all[Int(i)] = value }
  }
}
