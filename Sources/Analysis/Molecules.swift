// Which atoms form molecules, and where each lies as a whole. Atoms are bonded where they are closer than 1.25 times the sum
// of their covalent radii (Cordero et al., doi:10.1039/b801115j) in the first frame.
//
// A structure file may cut a molecule at a cell face. Walking along the bonds gives every atom the cell vectors that bring it to
// its neighbour; unwrapped positions keep them for ever.

import Lattice

public struct Molecules: Sendable {
  /// Atoms of each molecule, ascending.
  public let atoms: [[Int]]
  /// Cells by which every atom is moved to make its molecule whole.
  public let shifts: [SIMD3<Int32>]
  /// Whether some molecule meets its own image: a crystal, a polymer, which has no whole.
  public let isEndless: Bool

  private static let bondFactor = 1.25

  /// Angstrom, within which atoms of two elements are bonded.
  static func bondLength(_ a: Int, _ b: Int) -> Double {
    bondFactor * (Elements.covalentRadius(a) + Elements.covalentRadius(b))
  }

  /// - Throws: `LatticeError`.
  public init(of system: AtomicSystem) throws {
    let bonds = try Self.bonds(of: system)
    var shifts = [SIMD3<Int32>?](repeating: nil, count: system.count)
    var atoms: [[Int]] = []
    var isEndless = false
    for first in 0..<system.count where shifts[first] == nil {
      shifts[first] = .zero
      var molecule = [first]
      var next = 0
      while next < molecule.count {
        let i = molecule[next]
        let here = shifts[i] ?? .zero
        next += 1
        for (j, image) in bonds[i] {
          // d = r_i - r_j - S A is short: j belongs at r_j + S A beside r_i.
          let there = here &+ image
          if let known = shifts[j] {
            isEndless = isEndless || known != there
          } else {
            shifts[j] = there
            molecule.append(j)
          }
        }
      }
      atoms.append(molecule.sorted())
    }
    self.atoms = atoms
    self.shifts = shifts.map { $0 ?? .zero }
    self.isEndless = isEndless
  }

  /// Bonded atoms of every atom, with the image S of each.
  public static func bonds(of system: AtomicSystem) throws -> [[(atom: Int, image: SIMD3<Int32>)]] {
    let radii = system.atomicNumbers.map { Elements.covalentRadius($0) }
    let cutoff = 2 * bondFactor * (radii.max() ?? 1)
    var list = NeighborList(cutoff: cutoff, skin: 0)
    try list.build(positions: system.positions, cell: system.cell)
    return (0..<system.count).map { i in
      list.pairs(of: i).compactMap { pair in
        let j = Int(list.neighbors[pair])
        let d = list.displacement(pair, of: i, positions: system.positions, cell: system.cell)
        guard length(d) < bondFactor * (radii[i] + radii[j]) else { return nil }
        return (j, SIMD3<Int32>(truncatingIfNeeded: list.shifts[pair]))
      }
    }
  }

  /// The position of an atom of a frame, with its molecule whole.
  public func position(_ atom: Int, in system: AtomicSystem) -> Vector3 {
    system.positions[atom] + Vector3(shifts[atom]) * system.cell.vectors
  }

  /// Positions of a frame, every molecule whole and its centre inside the cell.
  public func wrapped(_ system: AtomicSystem) -> [Vector3] {
    var positions = system.positions
    for molecule in atoms {
      var center = Vector3.zero
      for atom in molecule {
        positions[atom] = position(atom, in: system)
        center += positions[atom]
      }
      center /= Double(molecule.count)
      let shift = system.cell.wrap(center).position - center
      for atom in molecule { positions[atom] += shift }
    }
    return positions
  }
}
