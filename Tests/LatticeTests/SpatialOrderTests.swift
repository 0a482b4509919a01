import Testing

@testable import Lattice

@Suite struct SpatialOrderTests {
  @Test(arguments: [[true, true, true], [false, true, false], [false, false, false]])
  func itIsAPermutationThatBringsNeighboursTogether(isPeriodic: [Bool]) throws {
    var random = TestRandom(seed: 1)
    let cell = Cell(vectors: Matrix3([20, 0, 0], [5, 20, 0], [-3, 4, 20]), isPeriodic: isPeriodic)
    let positions = random.vectors(2000).map { $0 * cell.vectors }
    let order = try spatialOrder(positions: positions, cell: cell, binWidth: 3)
    #expect(order.sorted() == Array(0..<2000))

    /// The mean distance in memory of atoms closer than 3 Angstrom.
    func meanIndexDistance(_ positions: [Vector3]) throws -> Double {
      var list = NeighborList(cutoff: 3, skin: 0)
      try list.build(positions: positions, cell: cell)
      let pairs = list.allPairs
      return Double(pairs.reduce(0) { $0 + abs($1.i - $1.j) }) / Double(pairs.count)
    }
    let sorted = order.map { positions[Int($0)] }
    #expect(try meanIndexDistance(sorted) < 0.5 * meanIndexDistance(positions))
    #expect(try spatialOrder(positions: sorted, cell: cell, binWidth: 3) == Array(0..<2000))
  }

  @Test func mortonCodesInterleaveBits() {
    #expect(mortonCode([1, 0, 0]) == 0b001)
    #expect(mortonCode([0, 1, 0]) == 0b010)
    #expect(mortonCode([0, 0, 1]) == 0b100)
    #expect(mortonCode([0b101, 0b011, 0b110]) == 0b101_110_011)
    #expect(mortonCode(SIMD3(repeating: 1 << 40)) == UInt64.max >> 1)
  }
}
