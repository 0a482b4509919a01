// Neighbour list with a Verlet skin (Verlet, doi 10.1103/PhysRev.159.98), built from linked cells in O(N).
//
//   pair (i, j, S):  d = r_i - r_j - S A,   |d| < r_cut + skin when built,   (j, S) != (i, 0)
//
// The list is full: (i, j, S) and (j, i, -S) are both in it. S absorbs wrapping, so r are the unwrapped
// positions of a simulation. Every image counts, also of i itself: cells smaller than the cut-off are right.
//
// The list serves as long as pairs that are not in it are farther apart than r_cut. Where the cell has gone from A to
// A F and atoms from r to r F + u, such a pair has at least s (r_cut + skin) - 2 max |u| between its atoms, s the
// smallest singular value of F.

/// Pairs of atoms, compressed by rows: the neighbours of atom i are the pairs `offsets[i] ..< offsets[i +
/// 1]`.
///
/// The pairs of an atom are in the order of their neighbours, those with several images of one neighbour in the order of S:
/// a sum over the pairs within the cut-off has the same bits whenever the list was built, and with any `threads`.
///
///     var list = NeighborList(cutoff: 4.5, skin: 1)
///     try list.update(positions: system.positions, cell: system.cell)
///     for pair in list.pairs(of: i) {
///       let d = list.displacement(pair, of: i, positions: system.positions, cell: system.cell)
///       if dot(d, d) < cutoff * cutoff { ... }
///     }
public struct NeighborList: Sendable {
  /// r_cut in Angstrom.
  public let cutoff: Double
  /// Extra reach of the list beyond the cut-off, Angstrom.
  public let skin: Double
  /// Threads that build the list.
  public let threads: Int

  /// First pair of every atom, and at the end the number of pairs: [N + 1]. Empty before the first build.
  public internal(set) var offsets: [Int32] = []
  /// j of every pair: [pairs].
  public internal(set) var neighbors: [Int32] = []
  /// S of every pair: [pairs].
  public internal(set) var shifts: [SIMD3<Int16>] = []

  /// Positions at the last build, Angstrom; empty before it.
  public internal(set) var buildPositions: [Vector3] = []
  /// The cell at the last build.
  public internal(set) var buildCell = Cell.free

  var linkedCells = LinkedCells()

  /// An empty list; `update` or `build` fills it.
  public init(cutoff: Double, skin: Double, threads: Int = 1) {
    precondition(cutoff > 0 && skin >= 0 && threads > 0)
    self.cutoff = cutoff
    self.skin = skin
    self.threads = threads
  }

  /// Number of pairs (i, j, S); each occurs in both directions.
  public var pairCount: Int { neighbors.count }

  /// The pairs with centre `i`.
  @inlinable
  public func pairs(of i: Int) -> Range<Int> { Int(offsets[i])..<Int(offsets[i + 1]) }

  /// d = r_i - r_j - S A of `pair`, which belongs to atom `i`, at the given positions.
  @inlinable
  public func displacement(_ pair: Int, of i: Int, positions: [Vector3], cell: Cell) -> Vector3 {
    // The generic conversion of vectors takes ten times as long as all the rest.
    let s = shifts[pair]
    return positions[i] - positions[Int(neighbors[pair])] - Vector3(Double(s.x), Double(s.y), Double(s.z))
      * cell.vectors
  }

  /// Rebuilds the list if it may no longer hold every pair within the cut-off, because atoms have moved, the cell has
  /// changed its shape, or the number of atoms is another one. Returns whether it did.
  ///
  /// - Throws: What `build` throws.
  @discardableResult
  public mutating func update(positions: [Vector3], cell: Cell) throws -> Bool {
    guard mustRebuild(positions: positions, cell: cell) else { return false }
    try build(positions: positions, cell: cell)
    return true
  }

  /// Whether `update` would rebuild the list.
  public func mustRebuild(positions: [Vector3], cell: Cell) -> Bool {
    guard !offsets.isEmpty, positions.count == buildPositions.count, cell.isPeriodic == buildCell.isPeriodic
    else { return true }
    let deformation = Deformation(from: buildCell, to: cell)
    let reach = (deformation.leastStretch * (cutoff + skin) - cutoff) / 2
    return !deformation.carries(buildPositions, to: positions, within: reach)
  }
}
