// Which planes of a mesh a rank takes with the atoms in them: slabs along the first axis that cost about the same, where a plane
// costs its transforms and each atom its windows (`meshCost`).

import Domains
import Lattice

extension ParticleMesh {
  /// The slab of each atom of this rank, of so many for the atoms of all ranks.
  func slabs(of positions: [Vector3], cell: Cell, count: Int, communicator: any Communicator) -> [Int] {
    let inverse = cell.inverse
    let planes = positions.map { plane(of: $0, inverse) }
    var own = Array(repeating: 0.0, count: size.x)
    for x in planes { own[x] += 1 }
    let atoms = RankGroup(communicator).sum(.places, own)
    let costs = atoms.map { meshCost(atoms: $0, planes: 1, size: size, order: order) }
    let total = costs.reduce(0, +)
    var (before, slabs) = (0.0, [Int]())
    for cost in costs {
      slabs.append(min(Int((before + cost / 2) / total * Double(count)), count - 1))
      before += cost
    }
    return planes.map { slabs[$0] }
  }
}
