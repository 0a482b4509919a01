// A cell cut into bricks, one for each rank: n_a equal parts along each axis a, in fractional coordinates f = r A^-1. Brick
// (b_0, b_1, b_2) holds lower_a + e_a b_a / n_a <= f_a < lower_a + e_a (b_a + 1) / n_a, of wrapped atoms along periodic axes
// (lower 0, extent e = 1), and along open ones from the lowest atom to the highest, the outer bricks without end.
//
// A brick is t_a = h_a e_a / n_a thick, h the distance between two faces of the cell. What is nearer than R to a brick is in
// it or in one of those that touch it, as long as t_a >= R along every axis that is cut.

import Kernels
import Lattice

public struct BrickGrid: Hashable, Sendable {
  /// n_a.
  public let counts: SIMD3<Int>
  /// Of the fractional coordinates of all atoms.
  public let lower: Vector3
  public let extent: Vector3
  public let isPeriodic: [Bool]

  public var ranks: Int { counts.x * counts.y * counts.z }

  /// The grid of so many bricks that is wanted, or the one with the least that each needs of others: of the volumes
  /// prod_a (t_a + 2 R along axes that are cut) the smallest; of equal ones the first in the order of their counts.
  ///
  /// - Parameters:
  ///   - wanted: n_a; nil for the least.
  ///   - positions: of all atoms, Angstrom.
  ///   - reach: R, Angstrom.
  /// - Throws: `DomainError` where bricks would be thinner than R.
  public init(
    ranks: Int, wanted: SIMD3<Int>? = nil, cell: Cell, positions: [Vector3], reach: Double
  ) throws(DomainError) {
    let (lower, extent) = Self.span(of: positions, in: cell)
    let lengths = extent * cell.heights
    if let wanted {
      precondition(wanted.x * wanted.y * wanted.z == ranks, "a brick for each rank")
      counts = wanted
    } else if let best = Self.best(ranks, lengths: lengths, reach: reach) {
      counts = best
    } else {
      throw Self.tooThin(nil, ranks: ranks, lengths: lengths, reach: reach)
    }
    (self.lower, self.extent, isPeriodic) = (lower, extent, cell.isPeriodic)
    try requireThickness(of: reach, in: cell)
  }

  /// t_a in a cell of other shape, Angstrom.
  public func thickness(in cell: Cell) -> Vector3 { extent * cell.heights / Vector3(counts) }

  /// Checks that bricks are thick enough in a cell that may have changed its shape.
  public func requireThickness(of reach: Double, in cell: Cell) throws(DomainError) {
    let thickness = thickness(in: cell)
    for axis in 0..<3 where counts[axis] > 1 && !(thickness[axis] >= reach) {
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

  /// - Parameter lengths: of what is cut along each axis, perpendicular to its faces, Angstrom.
  private static func best(_ ranks: Int, lengths: Vector3, reach: Double) -> SIMD3<Int>? {
    var (best, least): (SIMD3<Int>?, Double) = (nil, .infinity)
    for x in 1...ranks where ranks % x == 0 {
      for y in 1...(ranks / x) where ranks / x % y == 0 {
        let counts = SIMD3(x, y, ranks / x / y)
        var volume = 1.0
        for axis in 0..<3 {
          let thickness = lengths[axis] / Double(counts[axis])
          if counts[axis] == 1 {
            volume *= max(thickness, reach)
          } else {
            volume *= thickness >= reach ? thickness + 2 * reach : .infinity
          }
        }
        // Equal but for rounding are equal.
        if volume < least * (1 - 1e-9) { (best, least) = (counts, volume) }
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

  /// The rank that owns an atom, of its fractional coordinates: exactly one, also for what lies on a face.
  public func owner(of f: Vector3) -> Int {
    var brick = SIMD3<Int>.zero
    for axis in 0..<3 where counts[axis] > 1 {
      let inside =
        isPeriodic[axis] ? f[axis] - f[axis].rounded(.down) : (f[axis] - lower[axis]) / extent[axis]
      let place = inside * Double(counts[axis])
      // What rounding or no number puts outside belongs to the outer bricks.
      brick[axis] = place >= 0 ? Int(min(place, Double(counts[axis] - 1))) : 0
    }
    return rank(brick)
  }

  /// The fractional coordinates of the lower and the upper face of a brick along an axis.
  public func faces(of brick: SIMD3<Int>, axis: Int) -> (lower: Double, upper: Double) {
    let width = extent[axis] / Double(counts[axis])
    return (lower[axis] + width * Double(brick[axis]), lower[axis] + width * Double(brick[axis] + 1))
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
