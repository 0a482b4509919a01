import Foundation
import Testing

@testable import Lattice

@Suite struct NeighborListTests {
  /// Cells of every kind: their volume is about that of a cube of side 1 unless said otherwise.
  static let shapes: [(name: String, vectors: Matrix3)] = [
    ("cubic", .identity),
    ("triclinic", Matrix3([1, 0.1, -0.2], [0.3, 0.9, 0.15], [-0.25, 0.2, 1.1])),
    ("left-handed", Matrix3([0.1, 1, 0], [1.1, 0.2, -0.3], [0.2, 0.1, 0.9])),
    ("strongly skewed", Matrix3([1, 0, 0], [2.7, 1, 0], [-1.6, 3.2, 1])),
    ("flat", Matrix3([2, 0, 0], [0.5, 2, 0], [0.3, 0.4, 0.25])),
  ]
  static let periodicities = (0 ..< 8).map { bits in (0 ..< 3).map { bits >> $0 & 1 == 1 } }

  @Test(arguments: shapes.indices, periodicities)
  func pairsAreThoseOfBruteForce(shape: Int, isPeriodic: [Bool]) throws {
    var random = TestRandom(seed: UInt64(shape))
    // The cut-off is 3.9 Angstrom: from far more than the cell to a fraction of it.
    for (side, atoms) in [(2.0, 2), (3.5, 5), (7, 20), (16, 60)] {
      let cell = Cell(vectors: Self.shapes[shape].vectors * side, isPeriodic: isPeriodic)
      let positions = random.vectors(atoms).map { cell.cartesian($0) }
      var list = NeighborList(cutoff: 3.9, skin: 0)
      try list.build(positions: positions, cell: cell)
      let expected = bruteForcePairs(positions: positions, cell: cell, cutoff: 3.9)
      #expect(Set(list.allPairs) == expected)
      #expect(list.pairCount == expected.count)
    }
  }

  @Test(.enabled(if: ProcessInfo.processInfo.environment["BLOCH_BENCHMARK"] != nil, "set BLOCH_BENCHMARK=1"))
  func buildingAHundredThousandWaterAtomsTakesLessThanASecond() throws {
    // Liquid water: 0.1 atoms per cubic Angstrom.
    let count = 100_000
    let side = cbrt(Double(count) / 0.1)
    var random = TestRandom(seed: 1)
    let cell = Cell(vectors: .identity * side)
    let scattered = random.vectors(count).map { $0 * side }
    let order = try spatialOrder(positions: scattered, cell: cell, binWidth: 3)
    let sorted = order.map { scattered[Int($0)] }
    for (name, positions) in [("scattered", scattered), ("sorted", sorted)] {
      for threads in [1, 2] {
        var list = NeighborList(cutoff: 4.5, skin: 0.5, threads: threads)
        var seconds: [Double] = []
        for _ in 0 ..< 5 {
          let start = Date()
          try list.build(positions: positions, cell: cell)
          seconds.append(Date().timeIntervalSince(start))
        }
        let start = Date()
        try list.update(positions: positions, cell: cell)
        let check = Date().timeIntervalSince(start)
        print(name, threads, "threads:", list.pairCount / count, "neighbours, builds", seconds, "check", check)
        #expect(seconds.min()! < 1)
      }
    }
  }
}
