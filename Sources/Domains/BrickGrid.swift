// A cell cut into bricks, one for each rank, by planes along its three axes, in fractional coordinates f = r A^-1. Brick
// (b_0, b_1, b_2) holds x_a,b <= f_a < x_a,b+1, b = b_a, of wrapped atoms along periodic axes, where planes run from 0 to 1, and
// along open ones from the lowest atom to the highest, the outer bricks without end.
//
// Planes lie where they share out the work of atoms evenly (`AtomHistogram`), but nowhere closer than 1.1 R, or than n_a equal parts
// where those are thinner: what is nearer than R to a brick, R the reach, is in it or in one of those that touch it. Of the grids
// of so many bricks the one that costs least is taken. Neighbours are counted, not times: bricks are a function of positions, cell and
// number of ranks, so that a run and one that goes on from its checkpoint have the same, and the same bits.
//
// A cell may become thinner while the positions that cut it stay. So that bricks are thick enough as long as equal parts would be,
// 1.1 R grows with s_a, steps of a tenth by which the cell has shrunk: 1.1^(1 + s_a) R / h_a, h the distance between two faces.

import Foundation
import Kernels
import Lattice

public struct BrickGrid: Hashable, Sendable {
  /// n_a.
  public let counts: SIMD3<Int>
  /// x_a, of the n_a + 1 faces along each axis, ascending.
  public let planes: [[Double]]
  public let isPeriodic: [Bool]
  /// h_a of the cell that was cut, and s_a of the one for which it was.
  private let heights: Vector3
  private let shrinkage: Vector3

  public var ranks: Int { counts.x * counts.y * counts.z }

  /// What a copy of another rank's atom costs, in atoms: messages, memory, its part of the neighbour list.
  private static let costOfCopy = 0.1
  /// Of a cell's thickness, from one s_a to the next.
  private static let step = 1.1

  /// The grid of so many bricks that is wanted, or the one that costs least:
  ///
  ///     work of the fullest brick / mean  +  0.1 prod_a (1 + 2 R / t_a)      a: axes that are cut, t_a = h_a e_a / n_a
  ///
  /// copies as in a uniform system, e_a from the lowest atom to the highest along open axes, 1 along others. The first term counts
  /// to a twentieth: what comes and goes as atoms move decides nothing. Of equal ones the first in the order of their counts.
  ///
  /// - Parameters:
  ///   - wanted: n_a; nil for those that cost least.
  ///   - cell: that of the positions.
  ///   - positions: of all atoms, Angstrom.
  ///   - reach: R, Angstrom.
  ///   - present: the cell as it is now, if it is another.
  /// - Throws: `DomainError` where bricks would be thinner than R.
  public init(
    ranks: Int, wanted: SIMD3<Int>? = nil, cell: Cell, positions: [Vector3], reach: Double,
    present: Cell? = nil
  ) throws(DomainError) {
    let (lower, extent) = Self.span(of: positions, in: cell)
    let lengths = extent * cell.heights
    let shrinkage = Self.shrinkage(from: cell.heights, to: present ?? cell)
    let atoms = AtomHistogram(positions, cell: cell, lower: lower, extent: extent, reach: reach)
    func planes(_ counts: SIMD3<Int>) -> [[Double]] {
      (0..<3).map { axis in
        atoms.planes(
          counts[axis], axis: axis, least: pow(Self.step, 1 + shrinkage[axis]) * reach / lengths[axis])
      }
    }
    if let wanted {
      precondition(wanted.x * wanted.y * wanted.z == ranks, "a brick for each rank")
      counts = wanted
    } else if let best = Self.best(
      ranks, lengths: lengths, reach: reach,
      fullness: { (atoms.fullness(planes($0)) * 20).rounded() / 20 })
    {
      counts = best
    } else {
      throw Self.tooThin(nil, ranks: ranks, lengths: lengths, reach: reach)
    }
    self.planes = planes(counts).enumerated().map { axis, shares in
      shares.map { lower[axis] + extent[axis] * $0 }
    }
    (isPeriodic, heights, self.shrinkage) = (cell.isPeriodic, cell.heights, shrinkage)
    try requireThickness(of: reach, in: present ?? cell)
  }

  /// s_a.
  private static func shrinkage(from heights: Vector3, to cell: Cell) -> Vector3 {
    let now = cell.heights
    var steps = Vector3.zero
    for axis in 0..<3 { steps[axis] = (log(heights[axis] / now[axis]) / log(step)).rounded() }
    return steps
  }

  /// Whether the same positions would be cut in the same way for this cell.
  public func suits(_ present: Cell) -> Bool { Self.shrinkage(from: heights, to: present) == shrinkage }

  /// Of the thinnest bricks along each axis, Angstrom, in a cell that may have changed its shape.
  public func thickness(in cell: Cell) -> Vector3 {
    var least = Vector3.zero
    for (axis, planes) in planes.enumerated() {
      least[axis] = zip(planes, planes.dropFirst()).map { $1 - $0 }.min() ?? 0
    }
    return least * cell.heights
  }

  /// Checks that bricks are thick enough, but for rounding, in a cell that may have changed its shape.
  public func requireThickness(of reach: Double, in cell: Cell) throws(DomainError) {
    let thickness = thickness(in: cell)
    for axis in 0..<3 where counts[axis] > 1 && !(thickness[axis] >= reach * (1 - 1e-9)) {
      var extent = Vector3.zero
      for (axis, planes) in planes.enumerated() { extent[axis] = planes[planes.count - 1] - planes[0] }
      throw Self.tooThin(counts, ranks: ranks, lengths: extent * cell.heights, reach: reach)
    }
  }

  private static func tooThin(
    _ counts: SIMD3<Int>?, ranks: Int, lengths: Vector3, reach: Double
  ) -> DomainError {
    let grids = (1...ranks).reversed().lazy.compactMap { best($0, lengths: lengths, reach: reach) }
    return DomainError(
      ranks: ranks, counts: counts, lengths: lengths, reach: reach,
      alternative: grids.first ?? SIMD3(1, 1, 1))
  }

  private static func span(of positions: [Vector3], in cell: Cell) -> (lower: Vector3, extent: Vector3) {
    var (lowest, highest) = (Vector3(repeating: .infinity), Vector3(repeating: -.infinity))
    if !cell.isFullyPeriodic {
      for r in positions {
        let f = cell.fractional(r)
        lowest = pointwiseMin(lowest, f)
        highest = pointwiseMax(highest, f)
      }
    }
    var (lower, extent) = (Vector3.zero, Vector3(repeating: 1))
    for axis in 0..<3 where !cell.isPeriodic[axis] {
      (lower[axis], extent[axis]) =
        positions.isEmpty ? (0, 0) : (lowest[axis], highest[axis] - lowest[axis])
    }
    return (lower, extent)
  }

  /// - Parameters:
  ///   - lengths: of what is cut along each axis, perpendicular to its faces, Angstrom.
  ///   - fullness: work of the fullest brick / mean.
  private static func best(
    _ ranks: Int, lengths: Vector3, reach: Double, fullness: (SIMD3<Int>) -> Double = { _ in 1 }
  ) -> SIMD3<Int>? {
    var (best, least): (SIMD3<Int>?, Double) = (nil, .infinity)
    // Of equal grids that with more bricks along the first axis, as the slabs of a mesh lie: atoms are then at theirs already.
    for x in (1...ranks).reversed() where ranks % x == 0 {
      for y in (1...(ranks / x)).reversed() where ranks / x % y == 0 {
        let counts = SIMD3(x, y, ranks / x / y)
        let thickness = lengths / Vector3(counts)
        let cut = (0..<3).filter { counts[$0] > 1 }
        guard cut.allSatisfy({ thickness[$0] >= reach }) else { continue }
        let around = cut.reduce(1) { $0 * (1 + 2 * reach / thickness[$1]) }
        let cost = fullness(counts) + costOfCopy * around
        // Equal but for rounding are equal.
        if cost < least * (1 - 1e-9) { (best, least) = (counts, cost) }
      }
    }
    return best
  }

  // MARK: - Ranks

  /// Of the brick at these places along the axes, the last of which changes fastest.
  public func rank(_ brick: SIMD3<Int>) -> Int { (brick.x * counts.y + brick.y) * counts.z + brick.z }

  public func brick(of rank: Int) -> SIMD3<Int> {
    SIMD3(rank / counts.z / counts.y, rank / counts.z % counts.y, rank % counts.z)
  }

  /// The brick next to one along `axis`, `step` -1 or 1, and by how many lattice vectors the atoms there are moved to lie next
  /// to it; nil where an open axis ends.
  public func neighbor(of brick: SIMD3<Int>, axis: Int, step: Int) -> (rank: Int, image: Int)? {
    var next = brick
    next[axis] += step
    var image = 0
    if next[axis] < 0 || next[axis] >= counts[axis] {
      guard isPeriodic[axis] else { return nil }
      image = step
      next[axis] -= step * counts[axis]
    }
    return (rank(next), image)
  }

  /// The rank that owns an atom, of its fractional coordinates: exactly one, also for what lies on a face. What rounding puts
  /// outside belongs to the outer bricks, what is no number to the first.
  public func owner(of f: Vector3) -> Int {
    var brick = SIMD3<Int>.zero
    for axis in 0..<3 where counts[axis] > 1 {
      let inside = isPeriodic[axis] ? f[axis] - f[axis].rounded(.down) : f[axis]
      while brick[axis] + 1 < counts[axis], inside >= planes[axis][brick[axis] + 1] { brick[axis] += 1 }
    }
    return rank(brick)
  }

  /// The fractional coordinates of the lower and the upper face of a brick along an axis.
  public func faces(of brick: SIMD3<Int>, axis: Int) -> (lower: Double, upper: Double) {
    (planes[axis][brick[axis]], planes[axis][brick[axis] + 1])
  }

  /// The cell as a rank sees it: open along axes that are cut, where other ranks' atoms come as copies of their own.
  public func localCell(_ cell: Cell) -> Cell {
    Cell(vectors: cell.vectors, isPeriodic: (0..<3).map { cell.isPeriodic[$0] && counts[$0] == 1 })
  }
}

/// A system that is too small for so many ranks, or for a grid of bricks.
public struct DomainError: Error, Hashable, Sendable, CustomStringConvertible {
  public let ranks: Int
  /// The bricks that are too thin; nil where any of so many are.
  public let counts: SIMD3<Int>?
  /// Of the system along each axis, perpendicular to its faces, Angstrom.
  public let lengths: Vector3
  /// The least thickness of a brick, Angstrom.
  public let reach: Double
  /// The grid of as many ranks that would do, or of the most below.
  public let alternative: SIMD3<Int>

  public var description: String { "\(message)\n  help: \(help)" }

  public var message: String {
    func text(_ length: Double) -> String { "\((length * 10).rounded() / 10)" }
    let subject =
      counts.map { "\(Self.text($0)) bricks are too thin in a system of" }
      ?? "\(ranks) ranks are too many for a system of"
    let size = "\(text(lengths.x)) x \(text(lengths.y)) x \(text(lengths.z)) Angstrom"
    return "\(subject) \(size): each rank's brick has to be as thick as atoms see, \(text(reach)) Angstrom"
  }

  public var help: String {
    let grid = Self.text(alternative)
    switch alternative.x * alternative.y * alternative.z {
    case ranks: return "take the grid \(grid)"
    case 1: return "take 1 rank and more threads in it, or a larger system"
    case let fewer: return "take \(fewer) ranks (bricks \(grid)) and more threads in each, or a larger system"
    }
  }

  private static func text(_ grid: SIMD3<Int>) -> String { "\(grid.x) x \(grid.y) x \(grid.z)" }
}
