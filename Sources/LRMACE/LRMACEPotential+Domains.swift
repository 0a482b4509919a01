// A system that several ranks evaluate together. All of them call `evaluate` with the same system and plan, and get the same,
// whole result. Each has the atoms of its brick; copies of its neighbours' atoms stand behind these (`Halo`), and the rest of
// the program sees no difference but where rows of copies are filled and collected.
//
// What does not communicate and may fail is done `together`: where one rank fails, all do.

import Domains
import Lattice

extension LRMACEPotential {
  /// The atoms of this rank along a curve that keeps neighbours near.
  func ownCurve(
    through plan: EvaluationPlan, in cell: Cell, _ decomposition: Decomposition
  ) throws -> [Int32] {
    let own = try decomposition.ownAtoms(of: plan, in: cell)
    var curve: [Int32] = []
    try decomposition.communicator.together {
      do {
        curve = try spatialOrder(
          positions: own.map { plan.positions[Int($0)] }, cell: plan.cell, binWidth: model.cutoff
        ).map { own[Int($0)] }
      } catch LatticeError.positionOutOfRange(let atom, let position) {
        throw LatticeError.positionOutOfRange(atom: Int(own[atom]), position: position)
      }
    }
    return curve
  }

  /// - Parameters:
  ///   - species: of the own atoms, row by row.
  ///   - composition: atoms of each element in the system.
  func buildList(
    _ system: AtomicSystem, _ plan: EvaluationPlan, species: [Int], composition: [Int],
    _ decomposition: Decomposition
  ) throws {
    let (reference, cell) = try decomposition.divide(order, by: plan, in: system.cell)
    guard let halo = decomposition.halo else { return }
    var rows = species + Array(repeating: 0, count: halo.count - halo.owned)
    rows.withUnsafeMutableBufferPointer {
      if let base = $0.baseAddress { halo.fill(.division, base, width: 1) }
    }
    try decomposition.communicator.together {
      try list.build(positions: reference, cell: cell, centres: halo.owned)
      // Kernels take neighbours element by element.
      list.group(by: rows)
      try engine.prepare(
        AtomRows(species: rows, own: halo.owned, composition: composition), list: list, halo: halo)
    }
    positions = reference
    decomposition.setPositions(&positions, from: system.positions, in: system.cell)
  }

  /// Makes the choices that need time on rank 0, and follows them on the others.
  func settle(_ decomposition: Decomposition) throws {
    let communicator = decomposition.communicator
    try communicator.together {
      if communicator.isLeader { networkPlan = try engine.settled(networkPlan) }
    }
    let wisdom = communicator.broadcast(networkPlan.attention?.wisdom)
    networkPlan.attention?.wisdom = wisdom
    try communicator.together {
      if !communicator.isLeader { networkPlan = try engine.settled(networkPlan) }
    }
  }

  /// The result of all ranks, in the order of the system.
  func gather(into result: inout Evaluation, _ decomposition: Decomposition) {
    decomposition.gather(forces, into: &result.forces, filler: .zero)
    decomposition.gather(energies, into: &result.atomicEnergies, filler: 0)
    guard model.hasCharges else {
      result.charges = nil
      return
    }
    engine.charges(into: &charges)
    var all = result.charges ?? []
    decomposition.gather(charges, into: &all, filler: 0)
    result.charges = all
  }

  /// Values of the own atoms, ascending in the order of the system, of all atoms.
  func gather(ascending values: [Double], _ decomposition: Decomposition) -> [Double] {
    var (own, all): ([Double], [Double]) = (Array(repeating: 0, count: order.count), [])
    let places = order.indices.sorted { order[$0] < order[$1] }
    for (value, k) in zip(values, places) { own[k] = value }
    decomposition.gather(own, into: &all, filler: 0)
    return all
  }
}

extension Communicator {
  /// The sum over the ranks, in their order.
  func sum(_ matrix: Matrix3) -> Matrix3 { allGather(.sums, matrix).reduce(.zero) { $0 + $1 } }

  /// The text of rank 0, on all ranks.
  func broadcast(_ text: String?) -> String? {
    var bytes = text.map { Array($0.utf8) } ?? []
    var count = text == nil ? -1 : bytes.count
    withUnsafeMutableBytes(of: &count) { broadcast(.division, $0) }
    guard count >= 0 else { return nil }
    if !isLeader { bytes = Array(repeating: 0, count: count) }
    bytes.withUnsafeMutableBytes { broadcast(.division, $0) }
    return String(decoding: bytes, as: UTF8.self)
  }
}
