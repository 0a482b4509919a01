// How ranks share the meshes of columns: each of G groups of ranks takes a part of the columns, and each of the S ranks of a group a
// slab of planes along the first axis with the atoms in it.
//
//   rank r = s G + g        slab s = 0 ..< S, group g = 0 ..< G, S G ranks
//
// A slab's atoms reach order - 1 planes beyond it, which are transformed there, too, and sent. Columns that are fewer may fill no vector. So
// the division that costs least is taken, by its most loaded rank.

struct MeshDivision: Hashable, Sendable {
  /// S.
  let slabs: Int
  /// G.
  let groups: Int

  /// Whole meshes of a part of the columns.
  init(groups: Int) { (slabs, self.groups) = (1, groups) }

  /// The cheapest for so many ranks, in the units of `meshCost`; of equal ones that with fewer slabs.
  ///
  /// - Parameters:
  ///   - atoms: N, evenly distributed.
  ///   - size: of the mesh.
  ///   - blocks: what the blocks of a group cost for so many groups, where 1 is a block of whole vectors.
  init(ranks: Int, atoms: Int, size: SIMD3<Int>, order: Int, blocks: (_ groups: Int) -> Double) {
    // Of a point, both ways: 100 bytes for 16 columns, at some GB/s.
    let messages = 2_500.0
    let plane = Double(size.y) * Double(size.z)
    func cost(_ slabs: Int) -> Double {
      let own = Double(size.x) / Double(slabs)
      let reached = slabs == 1 ? own : min(own + Double(order - 1), Double(size.x))
      let perPoint = (0..<3).map { transformCost(length: size[$0]) }
      return blocks(ranks / slabs)
        * (windowCost(order: order) * Double(atoms) / Double(slabs)
          + plane * (perPoint[0] * own + (perPoint[1] + perPoint[2]) * reached)
          + (slabs == 1 ? 0 : messages * plane * reached))
    }
    let divisors = (1...ranks).filter { ranks % $0 == 0 && 2 * $0 <= max(size.x, 2) }
    slabs = divisors.min { cost($0) < cost($1) } ?? 1
    groups = ranks / slabs
  }

  func slab(of rank: Int) -> Int { rank / groups }
  func group(of rank: Int) -> Int { rank % groups }

  /// The ranks that share the meshes of a group, slab by slab.
  func members(of group: Int) -> [Int] { (0..<slabs).map { $0 * groups + group } }

  /// What a group has of a layer's columns: those that are apart where it has all.
  func share(of columns: FieldColumns) -> FieldColumns {
    let width = width(columns: columns.count)
    return FieldColumns(
      count: width, apart: groups == 1 && columns.apart > 0 ? width - columns.count + columns.apart : 0)
  }

  /// Columns of a group: an even number, the same for all groups, of which the last ones' are empty.
  func width(columns: Int) -> Int { 2 * ((columns + 2 * groups - 1) / (2 * groups)) }

  /// The columns that a group takes.
  func columns(_ columns: Int, of group: Int) -> Range<Int> {
    let width = width(columns: columns)
    return min(group * width, columns)..<min((group + 1) * width, columns)
  }
}
