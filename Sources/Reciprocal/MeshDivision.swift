// How ranks share the meshes of columns: each of G groups of ranks takes a part of the columns, and each of the S ranks of a group a
// slab of planes along the first axis with the atoms in it.
//
//   rank r = s G + g        slab s = 0 ..< S, group g = 0 ..< G, S G ranks
//
// A slab's atoms reach order - 1 planes beyond it, which are transformed there, too: slabs are at least `order` planes thick, so
// that these are no more than its own. Where more ranks would make them thinner, groups share out the columns.

struct MeshDivision: Hashable, Sendable {
  /// S.
  let slabs: Int
  /// G.
  let groups: Int

  /// Whole meshes of a part of the columns.
  init(groups: Int) { (slabs, self.groups) = (1, groups) }

  /// As many slabs as are thick enough.
  init(ranks: Int, planes: Int, order: Int) {
    slabs = (1...ranks).last { ranks % $0 == 0 && $0 * order <= planes } ?? 1
    groups = ranks / slabs
  }

  func slab(of rank: Int) -> Int { rank / groups }
  func group(of rank: Int) -> Int { rank % groups }

  /// The ranks that share the meshes of a group, slab by slab.
  func members(of group: Int) -> [Int] { (0..<slabs).map { $0 * groups + group } }

  /// Columns of a group: an even number, the same for all groups, of which the last ones' are empty.
  func width(columns: Int) -> Int { 2 * ((columns + 2 * groups - 1) / (2 * groups)) }

  /// The columns that a group takes.
  func columns(_ columns: Int, of group: Int) -> Range<Int> {
    let width = width(columns: columns)
    return min(group * width, columns)..<min((group + 1) * width, columns)
  }
}
