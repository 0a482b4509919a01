// Bricks and halos against the obvious: who owns an atom, which pairs a rank sees, where rows go.

import Foundation
import Lattice
import Testing
import ThreadRanks

@testable import Domains

/// Uniform in 0 ..< 1.
private func random(_ seed: Int, _ n: Int) -> Vector3 {
  let u = CounterRNG(seed: UInt64(seed)).uniforms(step: Int64(n), atom: 0, stream: 0)
  return Vector3(u.x, u.y, u.z)
}

struct Sample: CustomStringConvertible, Sendable {
  let description: String
  let cell: Cell
  let positions: [Vector3]
}

/// Random atoms, unwrapped, in random triclinic cells, slabs and clusters; the last has all atoms in one corner.
private let samples: [Sample] = [
  ([true, true, true], "crystal"), ([true, true, false], "slab"), ([false, true, false], "wire"),
  ([false, false, false], "cluster"), ([true, true, true], "corner"),
].enumerated().map { n, kind in
  let (isPeriodic, name) = kind
  func skew(_ axis: Int) -> Vector3 { random(n, axis) * 6.0 - Vector3(3, 3, 3) }
  var vectors = Matrix3(
    Vector3(14, 0, 0) + skew(1), Vector3(0, 13, 0) + skew(2), Vector3(0, 0, 15) + skew(3))
  if n == 1 { (vectors.x, vectors.y) = (vectors.y, vectors.x) }  // left-handed
  let cell = isPeriodic.contains(true) ? Cell(vectors: vectors, isPeriodic: isPeriodic) : .free
  let positions = (0..<90).map { i -> Vector3 in
    var f = random(n, 10 + i)
    if name == "corner" { f = 0.2 * f }
    // Far from home along periodic axes.
    for axis in 0..<3 where isPeriodic[axis] { f[axis] += Double(i % 5 - 2) }
    return f * vectors
  }
  return Sample(description: name, cell: cell, positions: positions)
}

/// A pair by its atoms and the vector between them, in whole thousandths of an Angstrom.
private struct Pair: Hashable {
  let (i, j): (Int, Int)
  let d: SIMD3<Int>

  init(_ i: Int, _ j: Int, _ d: Vector3) {
    (self.i, self.j) = (i, j)
    let rounded = (d * 1000).rounded(.toNearestOrEven)
    self.d = SIMD3(Int(rounded.x), Int(rounded.y), Int(rounded.z))
  }
}

/// Every pair within the cut-off by trying all images.
private func pairs(of sample: Sample, cutoff: Double) -> Set<Pair> {
  var found: Set<Pair> = []
  let reach = (0..<3).map { axis in
    sample.cell.isPeriodic[axis] ? Int((cutoff / sample.cell.heights[axis]).rounded(.up)) + 5 : 0
  }
  for (i, ri) in sample.positions.enumerated() {
    for (j, rj) in sample.positions.enumerated() {
      for x in -reach[0]...reach[0] {
        for y in -reach[1]...reach[1] {
          for z in -reach[2]...reach[2] where i != j || SIMD3(x, y, z) != .zero {
            let d = ri - rj - Vector3(Double(x), Double(y), Double(z)) * sample.cell.vectors
            if dot(d, d) < cutoff * cutoff { found.insert(Pair(i, j, d)) }
          }
        }
      }
    }
  }
  return found
}

private let (cutoff, skin) = (3.0, 0.5)

@Suite struct HaloTests {
  @Test(arguments: samples, [1, 2, 3, 4, 8])
  func everyPairIsSeenByTheOwnerOfItsCentreOnce(sample: Sample, ranks: Int) throws {
    let plan = EvaluationPlan(cell: sample.cell, positions: sample.positions)
    let seen = try onRanks(ranks) { communicator -> (atoms: [Int32], pairs: [Pair]) in
      let decomposition = Decomposition(cutoff: cutoff, skin: skin, communicator: communicator)
      let own = try decomposition.ownAtoms(of: plan, in: sample.cell)
      let (positions, cell) = try decomposition.divide(own, by: plan, in: sample.cell)
      let halo = try #require(decomposition.halo)
      var atoms = own + Array(repeating: 0, count: halo.count - halo.owned)
      atoms.withUnsafeMutableBufferPointer {
        if let base = $0.baseAddress { halo.fill(.features, base, width: 1) }
      }
      var list = NeighborList(cutoff: cutoff, skin: skin)
      try list.build(positions: positions, cell: cell, centres: halo.owned)
      let pairs = (0..<halo.owned).flatMap { i in
        list.pairs(of: i).compactMap { pair -> Pair? in
          let d = list.displacement(pair, of: i, positions: positions, cell: cell)
          guard dot(d, d) < cutoff * cutoff else { return nil }
          return Pair(Int(atoms[i]), Int(atoms[Int(list.neighbors[pair])]), d)
        }
      }
      return (own, pairs)
    }
    #expect(seen.flatMap(\.atoms).sorted() == sample.positions.indices.map { Int32($0) })
    let all = seen.flatMap(\.pairs)
    #expect(Set(all) == pairs(of: sample, cutoff: cutoff))
    #expect(all.count == Set(all).count)
    if sample.description == "corner", ranks == 8 { #expect(seen.contains { $0.atoms.isEmpty }) }
  }

  /// The sum over rows of what copies were given is what `collect` brings home: the maps are transposes of each other.
  @Test(arguments: samples) func collectIsTheAdjointOfFill(sample: Sample) throws {
    let plan = EvaluationPlan(cell: sample.cell, positions: sample.positions)
    @Sendable func value(_ n: Int, _ c: Int) -> Double { random(77, 3 * n + c).x }
    let products = try onRanks(8) { communicator -> SIMD2<Double> in
      let decomposition = Decomposition(cutoff: cutoff, skin: skin, communicator: communicator)
      let own = try decomposition.ownAtoms(of: plan, in: sample.cell)
      _ = try decomposition.divide(own, by: plan, in: sample.cell)
      let halo = try #require(decomposition.halo)
      var x = own.flatMap { atom in (0..<2).map { value(Int(atom), $0) } }
      x += Array(repeating: 0, count: 2 * halo.count - x.count)
      let start = x
      let y = (0..<2 * halo.count).map { value(1000 * communicator.rank + $0, 2) }
      var home = y
      x.withUnsafeMutableBufferPointer {
        if let base = $0.baseAddress { halo.fill(.features, base, width: 2) }
      }
      home.withUnsafeMutableBufferPointer {
        if let base = $0.baseAddress { halo.collect(.gradients, base, width: 2) }
      }
      return SIMD2(
        zip(x, y).reduce(0) { $0 + $1.0 * $1.1 },
        zip(start[..<(2 * halo.owned)], home).reduce(0) { $0 + $1.0 * $1.1 })
    }
    let sum = products.reduce(.zero, +)
    #expect(abs(sum.x - sum.y) < 1e-10 * abs(sum.x) && sum.x != 0)
  }

  /// Also on faces, corners and beyond, where rounding decides.
  @Test func anAtomOnAFaceBelongsToOneBrick() throws {
    let grid = try BrickGrid(
      ranks: 8, cell: Cell(vectors: Matrix3([12, 0, 0], [0, 12, 0], [0, 0, 12])), positions: [], reach: 6)
    #expect(grid.counts == SIMD3(2, 2, 2))
    let coordinates: [Vector3] = [
      .zero, [0.5, 0.5, 0.5], [1, 1, 1], [-1e-17, 0.5, 2.5], [-0.5, 1 - 1e-17, 7.25],
    ]
    for f in coordinates {
      let brick = grid.brick(of: grid.owner(of: f))
      for axis in 0..<3 {
        let wrapped = f[axis] - f[axis].rounded(.down)
        let (lower, upper) = grid.faces(of: brick, axis: axis)
        #expect(lower <= wrapped && (wrapped < upper || wrapped == 1 && upper == 1), "\(f)")
      }
    }
    #expect(grid.owner(of: Vector3(.nan, 0, 0)) == 0)
  }

  /// Of all grids with bricks that are thick enough; where an axis is not cut, nothing is copied along it.
  @Test func gridsHaveTheFewestCopies() throws {
    func copies(_ counts: SIMD3<Int>, _ lengths: Vector3) -> Double {
      let brick = lengths / Vector3(counts)
      let isThin = (0..<3).contains { counts[$0] > 1 && brick[$0] < 5 }
      let reach = Vector3(repeating: 10).replacing(with: 0, where: Vector3(counts) .== 1)
      let around = brick + reach
      return isThin ? .infinity : around.x * around.y * around.z - brick.x * brick.y * brick.z
    }
    for lengths in [Vector3(40, 40, 40), [20, 20, 160], [20, 40, 40], [90, 90, 90], [12, 31, 200]] {
      let cell = Cell(vectors: Matrix3([lengths.x, 0, 0], [0, lengths.y, 0], [0, 0, lengths.z]))
      for ranks in [1, 2, 6, 8, 27] {
        let grids = (1...ranks).flatMap { x in
          (1...ranks).flatMap { y in (1...ranks).map { SIMD3(x, y, $0) } }
        }
        let least = grids.filter { $0.x * $0.y * $0.z == ranks }.map { copies($0, lengths) }.min() ?? 0
        if least == .infinity {
          #expect(throws: DomainError.self) {
            try BrickGrid(ranks: ranks, cell: cell, positions: [], reach: 5)
          }
        } else {
          let grid = try BrickGrid(ranks: ranks, cell: cell, positions: [], reach: 5)
          #expect(grid.ranks == ranks && copies(grid.counts, lengths) <= least * (1 + 1e-8))
        }
      }
    }
    #expect(
      try BrickGrid(
        ranks: 27, cell: Cell(vectors: Matrix3([90, 0, 0], [0, 90, 0], [0, 0, 90])), positions: [], reach: 5
      ).counts == SIMD3(3, 3, 3))
  }

  /// Volumes that differ by rounding alone are equal: the first axis is cut first.
  @Test(arguments: [12.417191, 12.4, 9.3, 31.7]) func equalGridsAreCutAlongTheFirstAxis(side: Double) throws {
    let cell = Cell(vectors: Matrix3([side, 0, 0], [0, side, 0], [0, 0, side]))
    #expect(try BrickGrid(ranks: 2, cell: cell, positions: [], reach: 3).counts == SIMD3(2, 1, 1))
  }

  @Test func aGridThatIsAskedForIsTaken() throws {
    let cell = Cell(vectors: Matrix3([40, 0, 0], [0, 20, 0], [0, 0, 20]))
    let grid = try BrickGrid(ranks: 4, wanted: SIMD3(1, 2, 2), cell: cell, positions: [], reach: 5)
    #expect(grid.counts == SIMD3(1, 2, 2) && grid.thickness(in: cell) == Vector3(40, 10, 10))
    #expect(try BrickGrid(ranks: 4, cell: cell, positions: [], reach: 5).counts == SIMD3(4, 1, 1))
    let thin = try #require(throws: DomainError.self) {
      try BrickGrid(ranks: 8, wanted: SIMD3(1, 1, 8), cell: cell, positions: [], reach: 5)
    }
    let words = "\(thin)"
    #expect(words.hasPrefix("1 x 1 x 8 bricks are too thin in a system of 40.0 x 20.0 x 20.0 Angstrom"))
    #expect(words.contains("take the grid 8 x 1 x 1"), "\(words)")
    // Where the cell shrinks.
    let shrunk = Cell(vectors: Matrix3([40, 0, 0], [0, 9, 0], [0, 0, 20]))
    #expect(throws: DomainError.self) { try grid.requireThickness(of: 5, in: shrunk) }
  }

  /// Of a brick of thickness t along the axes that are cut, R around it: prod (t + 2 R) / prod t - 1 copies for each of its
  /// atoms; of one that is its own neighbour's neighbour, too. Atoms are drawn from equal parts of a crystal's cell.
  @Test(arguments: [SIMD3(2, 2, 2), SIMD3(3, 1, 1), SIMD3(1, 2, 2)])
  func copiesAreAsManyAsTheVolumeAroundABrickHolds(grid: SIMD3<Int>) throws {
    let (side, parts, reach) = (48.0, 14, 7.0)
    let cell = Cell(vectors: Matrix3([side, 0, 0], [3, side, 0], [0, -5, side]))
    let positions = (0..<parts * parts * parts).map { n -> Vector3 in
      let part = Vector3(Double(n / parts / parts), Double(n / parts % parts), Double(n % parts))
      return (part + random(9, n)) / Double(parts) * cell.vectors
    }
    let plan = EvaluationPlan(cell: cell, positions: positions)
    let ranks = grid.x * grid.y * grid.z
    let copies = try onRanks(ranks) { communicator -> Int in
      let decomposition = Decomposition(cutoff: reach - 1, skin: 1, grid: grid, communicator: communicator)
      let own = try decomposition.ownAtoms(of: plan, in: cell)
      _ = try decomposition.divide(own, by: plan, in: cell)
      let halo = try #require(decomposition.halo)
      #expect(communicator.traffic[.positions] == (halo.count - halo.owned) * MemoryLayout<Vector3>.stride)
      return halo.count - halo.owned
    }
    var around = 1.0
    for axis in 0..<3 where grid[axis] > 1 {
      around *= 1 + 2 * reach / (cell.heights[axis] / Double(grid[axis]))
    }
    let expected = Double(positions.count) * (around - 1)
    #expect(abs(Double(copies.reduce(0, +)) / expected - 1) < 0.02)
  }

  @Test func aSystemTooSmallForItsRanksSaysHowManyWouldDo() throws {
    let cell = Cell(vectors: Matrix3([12.4, 0, 0], [0, 12.4, 0], [0, 0, 12.4]))
    let error = try #require(throws: DomainError.self) {
      try BrickGrid(ranks: 16, cell: cell, positions: [], reach: 5.3)
    }
    #expect(error.alternative == SIMD3(2, 2, 2))
    #expect("\(error)".contains("take 8 ranks (bricks 2 x 2 x 2)"), "\(error)")
  }
}
