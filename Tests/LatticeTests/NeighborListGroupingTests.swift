import Lattice
import Testing

@Test func groupingKeepsPairsAndSortsNeighboursByKind() throws {
  let positions = (0..<60).map { i -> Vector3 in
    let (x, y, z) = (Double(i * 37 % 61) / 61, Double(i * 17 % 59) / 59, Double(i * 29 % 53) / 53)
    return Vector3(x, y, z) * 9
  }
  let kinds = (0..<60).map { $0 * 7 % 3 }
  let cell = Cell(vectors: Matrix3([9, 0, 0], [1, 9, 0], [0, -1, 9]))
  var list = NeighborList(cutoff: 3, skin: 0.5)
  try list.build(positions: positions, cell: cell)
  var grouped = list
  grouped.groupNeighbors(by: kinds)
  #expect(grouped.offsets == list.offsets)
  for i in 0..<60 {
    func pairs(_ list: NeighborList) -> [[Int]] {
      list.pairs(of: i).map {
        let (j, shift) = (Int(list.neighbors[$0]), list.shifts[$0])
        return [kinds[j], j, Int(shift.x), Int(shift.y), Int(shift.z)]
      }
    }
    let (before, after) = (pairs(list), pairs(grouped))
    // Stable: by kind first, in the old order within a kind.
    #expect(after == (0..<3).flatMap { kind in before.filter { $0[0] == kind } })
  }
}
