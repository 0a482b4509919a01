// Where planes between bricks lie: as much work in each brick, none thinner than atoms see.

import Foundation
import Lattice
import Testing

@testable import Domains

/// Uniform in 0 ..< 1.
private func random(_ seed: Int, _ n: Int) -> Vector3 {
  let u = CounterRNG(seed: UInt64(seed)).uniforms(step: Int64(n), atom: 1, stream: 0)
  return Vector3(u.x, u.y, u.z)
}

private func box(_ x: Double, _ y: Double, _ z: Double) -> Cell {
  Cell(vectors: Matrix3([x, 0, 0], [0, y, 0], [0, 0, z]))
}

/// What a liquid of an atom in each cube of 2.2 Angstrom has at these places of a cell.
private func liquid(in cell: Cell, where holds: (Vector3) -> Bool) -> [Vector3] {
  let counts = (cell.heights / 2.2).rounded(.toNearestOrEven)
  let parts = SIMD3(Int(counts.x), Int(counts.y), Int(counts.z))
  return (0..<parts.x * parts.y * parts.z).compactMap { n in
    let place = SIMD3(n / parts.y / parts.z, n / parts.z % parts.y, n % parts.z)
    let r = (Vector3(place) + random(3, n)) / counts * cell.vectors
    return holds(r) ? r : nil
  }
}

private func ball(_ centre: Vector3, _ radius: Double) -> (Vector3) -> Bool {
  { length($0 - centre) < radius }
}

/// Work of the fullest brick, of the mean: 25 + n of an atom with n neighbours, pair by pair.
private func fullness(_ grid: BrickGrid, _ system: Uneven) -> Double {
  var work = Array(repeating: 0, count: grid.ranks)
  for (r, n) in zip(system.positions, system.neighbors) {
    work[grid.owner(of: system.cell.fractional(r))] += 25 + n
  }
  return Double((work.max() ?? 0) * grid.ranks) / Double(work.reduce(0, +))
}

private let reach = 5.3

/// Systems with much empty space.
struct Uneven: CustomStringConvertible, Sendable {
  let description: String
  let cell: Cell
  let positions: [Vector3]
  /// Within R of each atom.
  let neighbors: [Int]

  init(_ description: String, _ cell: Cell, _ positions: [Vector3]) {
    (self.description, self.cell, self.positions) = (description, cell, positions)
    let h = cell.heights
    neighbors = positions.map { a in
      positions.count { b in
        var d = b - a
        for axis in 0..<3 where cell.isPeriodic[axis] { d[axis] -= (d[axis] / h[axis]).rounded() * h[axis] }
        return dot(d, d) < reach * reach
      } - 1
    }
  }
}

private let uneven: [Uneven] = [
  Uneven("slab", box(40, 40, 80), liquid(in: box(40, 40, 80)) { $0.z > 17 && $0.z < 57 }),
  Uneven("droplet", box(90, 90, 90), liquid(in: box(90, 90, 90), where: ball([50, 41, 47], 15))),
  Uneven(
    "clusters", box(110, 50, 50),
    liquid(in: box(110, 50, 50)) { ball([25, 25, 25], 12)($0) || ball([85, 25, 25], 12)($0) }),
]

/// As many atoms in a liquid as in its vapour beside it.
private let vapour: Uneven = {
  let cell = box(30, 30, 200)
  let film = liquid(in: cell) { $0.z < 20 }
  let gas = film.indices.map { n in Vector3(0, 0, 22) + random(5, n) * Vector3(30, 30, 176) }
  return Uneven("vapour", cell, film + gas)
}()

@Suite struct BrickBalanceTests {
  /// With bricks of equal thickness the fullest has 1.3 to 3.3 times the mean, or some are empty.
  @Test(arguments: uneven, [4, 8])
  func bricksOfUnevenSystemsHaveAsMuchToDo(system: Uneven, ranks: Int) throws {
    let (cell, positions) = (system.cell, system.positions)
    let grid = try BrickGrid(ranks: ranks, cell: cell, positions: positions, reach: reach)
    let equal = try BrickGrid(ranks: ranks, cell: cell, positions: [], reach: reach)
    #expect(fullness(grid, system) < 1.05, "\(grid.counts)")
    #expect(fullness(equal, system) > 1.3, "\(equal.counts)")
  }

  /// Shared out by their number alone, the half with the liquid would have 1.5 times the mean to do.
  @Test func aLiquidAndItsVapourAreSharedOutByWhatTheyCost() throws {
    let (cell, positions) = (vapour.cell, vapour.positions)
    let grid = try BrickGrid(
      ranks: 2, wanted: SIMD3(1, 1, 2), cell: cell, positions: positions, reach: reach)
    let plane = grid.planes[2][1] * 200
    let below = positions.count { $0.z < plane }
    #expect(plane < 17 && Double(below) < 0.4 * Double(positions.count), "\(plane)")
    #expect(fullness(grid, vapour) < 1.05)
  }

  @Test(arguments: [2, 4, 8, 27]) func aUniformLiquidHasNearlyEqualParts(ranks: Int) throws {
    let cell = box(40, 40, 40)
    let positions = liquid(in: cell) { _ in true }
    let grid = try BrickGrid(ranks: ranks, cell: cell, positions: positions, reach: reach)
    #expect(fullness(grid, Uneven("liquid", cell, positions)) < (ranks < 27 ? 1.03 : 1.1))
    for axis in 0..<3 {
      for (b, plane) in grid.planes[axis].enumerated() {
        #expect(abs(plane - Double(b) / Double(grid.counts[axis])) < 0.01)
      }
    }
  }

  /// Along any axes of random cells, for atoms that lie anyhow.
  @Test(arguments: 0..<12) func everyAtomHasOneOwnerAndEveryBrickIsAsThickAsAtomsSee(seed: Int) throws {
    let isPeriodic = [seed % 2 == 0, seed % 3 != 0, seed % 4 != 1]
    let vectors = Matrix3(
      Vector3(30, 0, 0) + random(seed, 1) * 8, Vector3(0, 35, 0) + random(seed, 2) * 8,
      Vector3(0, 0, 40) + random(seed, 3) * 8)
    let cell = Cell(vectors: vectors, isPeriodic: isPeriodic)
    let positions = (0..<400).map { n -> Vector3 in
      var f = random(seed, 10 + n)
      // Denser towards one corner, or all at some places.
      if seed % 5 == 1 { f = f * f * f }
      if seed % 5 == 2 { f = (f * 3).rounded(.down) / 3 }
      for axis in 0..<3 where isPeriodic[axis] { f[axis] += Double(n % 5 - 2) }
      return f * vectors
    }
    for ranks in [1, 2, 3, 4, 6, 8, 12, 27] {
      let grid: BrickGrid
      do {
        grid = try BrickGrid(ranks: ranks, cell: cell, positions: positions, reach: reach)
      } catch {
        #expect(ranks > 4, "\(error)")
        continue
      }
      let thickness = grid.thickness(in: cell)
      for axis in 0..<3 where grid.counts[axis] > 1 { #expect(thickness[axis] > reach * (1 - 1e-12)) }
      for r in positions {
        let f = cell.fractional(r)
        let brick = grid.brick(of: grid.owner(of: f))
        for axis in 0..<3 {
          let inside = isPeriodic[axis] ? f[axis] - f[axis].rounded(.down) : f[axis]
          let (lower, upper) = grid.faces(of: brick, axis: axis)
          let isLast = brick[axis] == grid.counts[axis] - 1
          // Open axes end at the outermost atoms, to rounding.
          #expect(inside >= lower - 1e-12 && (inside < upper || isLast && inside <= upper + 1e-12))
        }
      }
    }
  }

  @Test func aGridIsChosenByTheWorkOfItsFullestBrick() throws {
    let slab = uneven[0]
    // By volumes the long axis is cut alone, and the slab is too thin for that.
    let long = try BrickGrid(ranks: 8, cell: slab.cell, positions: [], reach: reach)
    #expect(long.counts == SIMD3(1, 1, 8))
    let asked = try BrickGrid(
      ranks: 8, wanted: long.counts, cell: slab.cell, positions: slab.positions, reach: reach)
    #expect(fullness(asked, slab) > 1.15)
    let chosen = try BrickGrid(ranks: 8, cell: slab.cell, positions: slab.positions, reach: reach)
    #expect(chosen.counts != long.counts && fullness(chosen, slab) < 1.05)
    let again = try BrickGrid(ranks: 8, cell: slab.cell, positions: slab.positions, reach: reach)
    #expect(again == chosen)
  }

  @Test func aPlaneLiesInTheMiddleOfAGap() throws {
    let cell = box(110, 50, 50)
    let cluster = liquid(in: cell, where: ball([25, 25, 25], 12))
    let grid = try BrickGrid(
      ranks: 2, wanted: SIMD3(2, 1, 1), cell: cell, positions: cluster + cluster.map { $0 + [60, 0, 0] },
      reach: reach)
    #expect(abs(grid.planes[0][1] * 110 - 55) < 1)
  }

  /// A film of 4 Angstrom: four bricks of at least 5.83 cannot each have a part of it.
  @Test func planesThatWouldBeTooCloseLeaveToBothSides() throws {
    let cell = box(20, 20, 100)
    let film = liquid(in: cell) { $0.z > 48.4 && $0.z < 52.8 }
    let grid = try BrickGrid(ranks: 4, wanted: SIMD3(1, 1, 4), cell: cell, positions: film, reach: reach)
    #expect(fullness(grid, Uneven("film", cell, film)) < 2.2)
  }

  /// Of all planes that keep their distance: whether some lie within d of those wanted, a search from below says.
  @Test(arguments: 0..<20) func planesMoveAsLittleAsTheirDistanceAllows(seed: Int) {
    let cell = box(1, 1, 1)
    let positions = (0..<60).map { random(seed, $0 % 7) * 0.4 + random(seed, 100 + $0) * 0.2 }
    let atoms = AtomHistogram(positions, cell: cell, lower: .zero, extent: Vector3(repeating: 1), reach: 0.1)
    let n = 2 + seed % 6
    let least = 0.7 / Double(n)
    let (wanted, planes) = (atoms.planes(n, axis: 0, least: 0), atoms.planes(n, axis: 0, least: least))
    func exists(within d: Double) -> Bool {
      var last = 0.0
      for b in 1..<n {
        last = max(last + least, wanted[b] - d)
        guard last <= min(wanted[b] + d, 1 - Double(n - b) * least) else { return false }
      }
      return true
    }
    let farthest = zip(wanted, planes).map { abs($0 - $1) }.max() ?? 0
    #expect(farthest < 1e-9 || !exists(within: farthest - 1e-9))
    for (lower, upper) in zip(planes, planes.dropFirst()) { #expect(upper - lower > least - 1e-12) }
  }

  /// The positions by which it was cut stay, the cell shrinks: bricks stay thick enough as long as equal parts do, and are the
  /// same for cells that differ little.
  @Test func bricksStayThickEnoughInACellThatShrinks() throws {
    let (cell, positions) = (uneven[0].cell, uneven[0].positions)
    func grid(_ scale: Double) throws -> BrickGrid {
      try BrickGrid(
        ranks: 4, wanted: SIMD3(1, 1, 4), cell: cell, positions: positions, reach: reach,
        present: box(40, 40, 80 * scale))
    }
    for percent in stride(from: 130, through: 27, by: -1) {
      let scale = Double(percent) / 100
      #expect(try grid(scale).thickness(in: box(40, 40, 80 * scale)).z >= reach)
    }
    #expect(throws: DomainError.self) { try grid(0.26) }
    let start = try grid(1)
    #expect(start.suits(box(40, 40, 78)) && !start.suits(box(40, 40, 72)))
    #expect(try grid(0.975) == start)
    #expect(try grid(0.9).suits(box(40, 40, 72)))
  }
}
