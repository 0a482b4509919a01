// What a new model takes from its data, so that its messages and energies are of order one (MACE, arXiv 2206.07697):
//
//   avg_num_neighbors = mean over atoms of the number of neighbours within r_max
//   scale = root mean square of the components of all forces, eV/Angstrom        shift = 0

import Lattice

public struct DataStatistics: Sendable, Equatable {
  public var averageNeighbors: Double
  /// eV/Angstrom; 1 without forces.
  public var forceScale: Double

  public init(averageNeighbors: Double, forceScale: Double) {
    self.averageNeighbors = averageNeighbors
    self.forceScale = forceScale
  }

  /// - Parameter cutoff: r_max in Angstrom.
  /// - Throws: `LatticeError` for positions out of range.
  public init(of frames: [LabelledFrame], cutoff: Double) throws {
    var (pairs, atoms, squares, components) = (0, 0, 0.0, 0)
    for frame in frames {
      var list = NeighborList(cutoff: cutoff, skin: 0)
      try list.build(positions: frame.system.positions, cell: frame.system.cell)
      pairs += list.pairCount
      atoms += frame.system.count
      for force in frame.labels.forces ?? [] { squares += dot(force, force) }
      components += 3 * (frame.labels.forces?.count ?? 0)
    }
    averageNeighbors = max(1, Double(pairs) / Double(max(1, atoms)))
    let scale = components > 0 ? (squares / Double(components)).squareRoot() : 1
    forceScale = scale > 0 ? scale : 1
  }
}
