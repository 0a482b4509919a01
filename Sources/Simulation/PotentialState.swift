// What a potential has settled on in a run, and where its neighbour list was built: the group /plan of a checkpoint. The
// order of the list's pairs fixes the order of sums.

import Lattice

struct PotentialState {
  private let settings: [String: [Double]]
  private let neighborListPositions: [Vector3]

  private static let positionsName = "neighbor_list_positions"

  init(of potential: any Potential) {
    settings = potential.settings
    neighborListPositions = potential.neighborListPositions
  }

  var tree: StateTree {
    var tree = StateTree(settings.mapValues(StateTree.Value.numbers))
    tree.values[Self.positionsName] = .vectors(neighborListPositions)
    return tree
  }

  /// - Throws: `StateError`.
  init(_ tree: StateTree, atoms: Int) throws {
    (neighborListPositions, settings) = try tree.read { tree in
      let positions = try tree.vectors(Self.positionsName, count: atoms)
      var settings: [String: [Double]] = [:]
      for (name, value) in tree.rest() {
        guard case .numbers(let numbers) = value else { throw StateError(name, "holds no numbers") }
        settings[name] = numbers
      }
      return (positions, settings)
    }
  }

  /// - Throws: `RestoreError` for what is not the potential's.
  func restore(_ potential: any Potential, for system: AtomicSystem) throws {
    try potential.restore(settings: settings)
    if let unknown = settings.keys.filter({ potential.settings[$0] == nil }).min() {
      throw RestoreError("\(unknown) is not known to this potential")
    }
    try potential.rebuildNeighborList(at: neighborListPositions, system: system)
  }
}
