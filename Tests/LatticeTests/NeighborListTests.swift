import Foundation
import Testing

@testable import Lattice

@Suite struct NeighborListTests {
  /// Cells of every kind; `side` times `vectors` is the cell.
  static let shapes: [Matrix3] = [
    .identity,
    Matrix3([1, 0.1, -0.2], [0.3, 0.9, 0.15], [-0.25, 0.2, 1.1]),  // triclinic
    Matrix3([0.1, 1, 0], [1.1, 0.2, -0.3], [0.2, 0.1, 0.9]),  // left-handed
    Matrix3([1, 0, 0], [2.7, 1, 0], [-1.6, 3.2, 1]),  // strongly skewed
    Matrix3([2, 0, 0], [0.5, 2, 0], [0.3, 0.4, 0.25]),  // flat
  ]
  static let periodicities = (0..<8).map { bits in (0..<3).map { bits >> $0 & 1 == 1 } }

  @Test(arguments: shapes.indices, periodicities)
  func pairsAreThoseOfBruteForce(shape: Int, isPeriodic: [Bool]) throws {
    var random = TestRandom(seed: UInt64(shape))
    // The cut-off goes from several cells to a fraction of one.
    for (side, atoms) in [(2.0, 2), (3.5, 5), (7, 20), (16, 60)] {
      let cell = Cell(vectors: Self.shapes[shape] * side, isPeriodic: isPeriodic)
      let positions = random.vectors(atoms).map { $0 * cell.vectors }
      let expected = bruteForcePairs(positions: positions, cell: cell, cutoff: 3.9)
      let list = try NeighborList(positions: positions, cell: cell, cutoff: 3.9)
      #expect(Set(list.allPairs) == expected)
      #expect(list.pairCount == expected.count)
    }
  }

  /// Positions in nanometres, taken for Angstrom: pairs would outgrow their 32-bit counters and the memory.
  @Test func atomsFarTooDenseAreRefused() throws {
    var random = TestRandom(seed: 3)
    let positions = random.vectors(25_000)
    var list = NeighborList(cutoff: 6, skin: 1)
    #expect(throws: LatticeError.self) { try list.build(positions: positions, cell: .free) }
    #expect(list.offsets.isEmpty)
    try list.build(positions: [.zero, [1, 0, 0]], cell: .free)
    #expect(list.pairCount == 2)
  }

  @Test(arguments: 0..<20)
  func pairsOfRandomCellsAreThoseOfBruteForce(seed: UInt64) throws {
    var random = TestRandom(seed: 100 + seed)
    var vectors = Matrix3.zero
    repeat {
      vectors = Matrix3(random.vector(), random.vector(), random.vector()) * 9
    } while abs(vectors.determinant) < 30
    let cell = Cell(vectors: vectors)
    let positions = random.vectors(12).map { $0 * cell.vectors }
    let list = try NeighborList(positions: positions, cell: cell, cutoff: 4.1)
    #expect(Set(list.allPairs) == bruteForcePairs(positions: positions, cell: cell, cutoff: 4.1))
  }

  @Test(arguments: shapes.indices)
  func rotatedTranslatedAndMirroredCopiesHaveTheSamePairs(shape: Int) throws {
    var random = TestRandom(seed: 7)
    let cell = Cell(vectors: Self.shapes[shape] * 6)
    // Inside the cell, so that S does not change unless an atom crosses a face: compare distances instead.
    let positions = random.vectors(20).map { (0.5 + 0.5 * $0) * cell.vectors }
    let expected = try NeighborList(positions: positions, cell: cell, cutoff: 3.9)
    let distances = expected.sortedDistances(positions: positions, cell: cell)
    let mirror = Matrix3([-1, 0, 0], [0, 1, 0], [0, 0, 1])
    for turn in [random.rotation(), random.rotation() * mirror, mirror] {
      let turnedCell = Cell(vectors: cell.vectors * turn)
      let translation = 30 * random.vector()
      let turned = positions.map { $0 * turn + translation }
      let list = try NeighborList(positions: turned, cell: turnedCell, cutoff: 3.9)
      let found = list.sortedDistances(positions: turned, cell: turnedCell)
      #expect(found.count == distances.count)
      #expect(zip(found, distances).allSatisfy { abs($0 - $1) < 1e-12 })
      #expect(list.neighborCounts == expected.neighborCounts)
    }
  }

  @Test func unwrappedPositionsFarFromTheCellKeepTheirPairs() throws {
    var random = TestRandom(seed: 3)
    let cell = Cell(vectors: Self.shapes[1] * 7)
    let inside = random.vectors(20).map { (0.5 + 0.5 * $0) * cell.vectors }
    let images = inside.indices.map { SIMD3(500 * $0, -700 * $0, 9000 - $0) }
    let positions = zip(inside, images).map { $0 + Vector3($1) * cell.vectors }
    let list = try NeighborList(positions: positions, cell: cell, cutoff: 4)
    // r_i - r_j - S A is the same vector for S = S' + n_i - n_j.
    let expected = bruteForcePairs(positions: inside, cell: cell, cutoff: 4)
      .map { Pair(i: $0.i, j: $0.j, image: $0.image &+ images[$0.i] &- images[$0.j]) }
    #expect(Set(list.allPairs) == Set(expected))
  }

  @Test func bothDirectionsAreListedAtTheVeryCutoff() throws {
    // A cubic crystal whose third shell lies at the cut-off, to rounding.
    let cell = Cell(vectors: .identity * (0.7 * 4))
    let positions: [Vector3] = (0..<64).map { site in
      let (x, y, z) = (Double(site % 4), Double(site / 4 % 4), Double(site / 16))
      return Vector3(x, y, z) * 0.7 + 0.3
    }
    let list = try NeighborList(positions: positions, cell: cell, cutoff: 0.7 * 3.squareRoot())
    let pairs = Set(list.allPairs)
    let reversed = pairs.map { pair in Pair(i: pair.j, j: pair.i, image: SIMD3<Int>.zero &- pair.image) }
    #expect(Set(reversed) == pairs)
    #expect(list.neighborCounts.allSatisfy { (6 + 12...6 + 12 + 8).contains($0) })
  }

  @Test(arguments: [1.0, 0.3])
  func theSkinHoldsEveryPairUntilAnAtomHasMovedByHalfOfIt(skin: Double) throws {
    var random = TestRandom(seed: 11)
    let cell = Cell(vectors: Self.shapes[3] * 8, isPeriodic: [true, false, true])
    var positions = random.vectors(40).map { $0 * cell.vectors }
    var list = NeighborList(cutoff: 4, skin: skin)
    var builds = 0
    for _ in 0..<60 {
      let displaced =
        list.buildPositions.isEmpty
        ? Double.infinity : zip(positions, list.buildPositions).map { length($0 - $1) }.max() ?? 0
      let rebuilt = try list.update(positions: positions, cell: cell)
      #expect(rebuilt == (displaced > skin / 2))
      builds += rebuilt ? 1 : 0
      let expected = bruteForcePairs(positions: positions, cell: cell, cutoff: 4)
      #expect(list.filteredPairs(positions: positions, cell: cell) == expected)
      for atom in positions.indices { positions[atom] += 0.04 * random.vector() }
    }
    #expect(builds > 1 && builds < 60)
  }

  /// A breathing, shearing cell whose atoms go with it and a little on their own way.
  @Test(arguments: [0, 1, 3]) func theListOutlivesSmallStrainsAndHoldsEveryPair(shape: Int) throws {
    var random = TestRandom(seed: 12)
    let start = Cell(vectors: Self.shapes[shape] * 9)
    let positions = random.vectors(50).map { $0 * start.vectors }
    let modes = (0..<9).map { _ in random.vector() }
    var list = NeighborList(cutoff: 4, skin: 0.8)
    var builds = 0
    for step in 0..<80 {
      let t = 0.01 * Double(step)
      let strain = Matrix3(modes[0], modes[1], modes[2]) * (0.02 * sin(9 * t))
      let cell = Cell(vectors: start.vectors * (.identity + strain))
      let map = Matrix3.identity + strain
      let moved = positions.indices.map { i -> Vector3 in
        let alone = positions[i] + modes[3 + i % 6] * (0.5 * t)
        return alone * map
      }
      builds += try list.update(positions: moved, cell: cell) ? 1 : 0
      let expected = bruteForcePairs(positions: moved, cell: cell, cutoff: 4)
      #expect(list.filteredPairs(positions: moved, cell: cell) == expected)
    }
    #expect(builds > 1 && builds < 30)
  }

  /// So that a sum over the pairs within the cut-off has the same bits, whatever came before.
  @Test(arguments: [3.0, 12]) func pairsWithinTheCutoffComeInOneOrderWheneverTheListWasBuilt(side: Double)
    throws
  {
    var random = TestRandom(seed: 13)
    let cell = Cell(vectors: Self.shapes[1] * side)
    let positions = random.vectors(30).map { $0 * cell.vectors }
    func pairs(builtAt places: [Vector3], skin: Double) throws -> [[Int]] {
      var list = NeighborList(cutoff: 4, skin: skin)
      try list.build(positions: places, cell: cell)
      return positions.indices.flatMap { i in
        list.pairs(of: i).filter {
          length(list.displacement($0, of: i, positions: positions, cell: cell)) < 4
        }.map {
          let shift = list.shifts[$0]
          return [i, Int(list.neighbors[$0]), Int(shift.x), Int(shift.y), Int(shift.z)]
        }
      }
    }
    let expected = try pairs(builtAt: positions, skin: 0.4)
    #expect(!expected.isEmpty && expected == expected.sorted { $0.lexicographicallyPrecedes($1) })
    for skin in [1.0, 1.7] {
      let places = positions.map { $0 + 0.4 * random.vector() / 3.0.squareRoot() }
      #expect(try pairs(builtAt: places, skin: skin) == expected)
    }
  }

  @Test func aChangedCellOrAnotherNumberOfAtomsRebuilds() throws {
    let cell = Cell(vectors: .identity * 10)
    let positions: [Vector3] = [[1, 1, 1], [2, 2, 2], [9, 9, 9]]
    var list = NeighborList(cutoff: 4, skin: 1)
    #expect(try list.update(positions: positions, cell: cell))
    #expect(try !list.update(positions: positions, cell: cell))
    #expect(try list.update(positions: positions, cell: Cell(vectors: .identity * 10.3)))
    #expect(
      try list.update(
        positions: positions, cell: Cell(vectors: .identity * 10.3, isPeriodic: [true, true, false])))
    #expect(try list.update(positions: Array(positions.dropLast()), cell: list.buildCell))
    #expect(list.offsets.count == 3)
    #expect(try list.update(positions: [], cell: list.buildCell))
    #expect(list.offsets == [0] && list.pairCount == 0)
  }

  @Test func theOrderOfPairsDependsOnPositionsAndCellAlone() throws {
    var random = TestRandom(seed: 5)
    let cell = Cell(vectors: Self.shapes[1] * 25)
    let positions = random.vectors(1500).map { $0 * cell.vectors }
    let expected = try NeighborList(positions: positions, cell: cell, cutoff: 4)
    for threads in [2, 3, 7] {
      var list = NeighborList(cutoff: 4, skin: 0, threads: threads)
      // A past that must not matter.
      try list.build(positions: random.vectors(300).map { 9 * $0 }, cell: .free)
      try list.build(positions: positions, cell: cell)
      #expect(list.offsets == expected.offsets)
      #expect(list.neighbors == expected.neighbors)
      #expect(list.shifts == expected.shifts)
    }
  }

  @Test func emptySpaceCostsNothing() throws {
    // Two droplets and a stray atom a millimetre apart: a grid over the box would have 10^21 bins.
    var random = TestRandom(seed: 9)
    let droplet = random.vectors(50).map { 5 * $0 }
    let positions = droplet + droplet.map { $0 + Vector3(1e7, -1e7, 1e7) } + [Vector3(-1e7, 3e6, 0)]
    let expected = bruteForcePairs(positions: droplet, cell: .free, cutoff: 4)
    let free = try NeighborList(positions: positions, cell: .free, cutoff: 4)
    #expect(free.pairCount == 2 * expected.count)
    let boxed = try NeighborList(positions: positions, cell: Cell(vectors: .identity * 1e9), cutoff: 4)
    #expect(boxed.pairCount == 2 * expected.count)
  }

  @Test(arguments: [Double.nan, .infinity, 1e300, -1e9])
  func anAtomThatIsNowhereIsNamed(coordinate: Double) throws {
    let cell = Cell(vectors: .identity * 10)
    var list = try NeighborList(positions: [.zero, [3, 0, 0]], cell: cell, cutoff: 4)
    let before = list.allPairs
    #expect { try list.update(positions: [.zero, [0, coordinate, 0]], cell: cell) } throws: { error in
      guard case .positionOutOfRange(atom: 1, _) = error as? LatticeError else { return false }
      return "\(error)".contains("atom 2 ")
    }
    #expect(list.allPairs == before)
  }

  /// Thin, vast, skew or without a number: refused, where a search would not end or number its images wrongly.
  @Test(arguments: [
    Matrix3([1e300, 0, 0], [0, 1e300, 0], [0, 0, 1e300]), Matrix3([1e-300, 0, 0], [0, 1, 0], [0, 0, 1]),
    Matrix3([0.004, 0, 0], [0, 10, 0], [0, 0, 10]), Matrix3([0.05, 0, 0], [0, 0.05, 0], [0, 0, 0.05]),
    Matrix3([10, 0, 0], [1e9, 10, 0], [0, 0, 10]), Matrix3([.nan, 0, 0], [0, 10, 0], [0, 0, 10]),
    Matrix3([.infinity, 0, 0], [0, 10, 0], [0, 0, 10]),
  ])
  func aCellOfAbsurdShapeIsRefused(vectors: Matrix3) throws {
    let cell = Cell(vectors: vectors)
    #expect { try NeighborList(positions: [.zero, [0, 0, 1]], cell: cell, cutoff: 4) } throws: { error in
      guard case .cellOutOfRange = error as? LatticeError else { return false }
      return "\(error)".hasPrefix("opposite faces of the cell are ")
    }
  }

  @Test func aFlatCellOfOneAtomHasEveryImage() throws {
    let list = try NeighborList(
      positions: [.zero], cell: Cell(vectors: Matrix3([0.25, 0, 0], [0, 40, 0], [0, 0, 40])), cutoff: 4)
    #expect(list.pairCount == 30)
    #expect(list.shifts.map { abs($0.x) }.max() == 15)
  }

  @Test func morePairsThanCanBeNumberedAreRefused() throws {
    // All atoms within the cut-off of one another: 4e10 pairs, no fewer than an eighth of them for sure.
    var list = try NeighborList(positions: [.zero], cell: .free, cutoff: 4)
    #expect {
      try list.update(positions: Array(repeating: [0.1, 0, 0], count: 200_000), cell: .free)
    } throws: { error in
      guard case .tooManyPairs(200_000, 5_000_000_000) = error as? LatticeError else { return false }
      return true
    }
    #expect(list.pairCount == 0)
    #expect(try list.update(positions: [.zero, [1, 0, 0]], cell: .free) && list.pairCount == 2)
  }

  @Test(.enabled(if: ProcessInfo.processInfo.environment["BLOCH_BENCHMARK"] != nil, "set BLOCH_BENCHMARK=1"))
  func buildingAHundredThousandWaterAtomsTakesLessThanASecond() throws {
    // Liquid water has 0.1 atoms per cubic Angstrom.
    let count = 100_000
    let cell = Cell(vectors: .identity * cbrt(Double(count) / 0.1))
    var random = TestRandom(seed: 1)
    let scattered = random.vectors(count).map { $0 * cell.vectors }
    let order = try spatialOrder(positions: scattered, cell: cell, binWidth: 3)
    for (name, positions) in [("scattered", scattered), ("sorted", order.map { scattered[Int($0)] })] {
      var list = NeighborList(cutoff: 4.5, skin: 1)
      let seconds = try (0..<5).map { _ in
        let start = threadSeconds()
        try list.build(positions: positions, cell: cell)
        return threadSeconds() - start
      }
      print(
        "\(name): \(list.pairCount / count) neighbours per atom, builds in \(seconds) s of the thread's time")
      #expect(seconds.sorted()[2] < 1)
    }
  }
}

/// Processor time of this thread in seconds: what other tests do at the same time does not count.
private func threadSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
}

extension NeighborList {
  fileprivate init(positions: [Vector3], cell: Cell, cutoff: Double) throws {
    self.init(cutoff: cutoff, skin: 0)
    try build(positions: positions, cell: cell)
  }

  fileprivate var neighborCounts: [Int] { (0..<offsets.count - 1).map { pairs(of: $0).count } }

  fileprivate func sortedDistances(positions: [Vector3], cell: Cell) -> [Double] {
    positions.indices.flatMap { i in
      pairs(of: i).map { length(displacement($0, of: i, positions: positions, cell: cell)) }
    }.sorted()
  }
}
