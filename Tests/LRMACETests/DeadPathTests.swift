import Lattice
import Testing

@testable import LRMACE

@Test func deadPathsAreLeftOutWithoutChangingTheEnergy() throws {
  var model = try Golden.model("lr_b_16x0e_2layer_lmax3_corr3")
  // Kill every path to l > 0 in the second layer, as training can.
  for l in 1..<model.layers[1].linear.count {
    for z in model.layers[1].linear[l].indices {
      for n in model.layers[1].linear[l][z].values.indices { model.layers[1].linear[l][z].values[n] *= 1e-38 }
    }
  }
  let pruned = model.withoutDeadPaths()
  #expect(pruned.layers[0].messageLmax == 3 && pruned.layers[1].messageLmax == 0)
  #expect(pruned.layers[1].paths.allSatisfy { $0.l3 == 0 })

  let frame = try Golden.frames("lr_b_16x0e_2layer_lmax3_corr3")[0]
  let whole = Network<Double>(model: model, threads: 1)
  let short = Network<Double>(model: pruned, threads: 1)
  // Atoms sorted by element, as the networks expect them.
  let element = frame.system.atomicNumbers.map { model.species.firstIndex(of: $0) ?? 0 }
  let order = element.indices.sorted { (element[$0], $0) < (element[$1], $1) }
  let (positions, species) = (order.map { frame.system.positions[$0] }, order.map { element[$0] })
  var list = NeighborList(cutoff: model.cutoff, skin: 0.1)
  try list.build(positions: positions, cell: frame.system.cell)
  list.groupNeighbors(by: species)
  var results: [([Double], [Vector3])] = []
  for network in [whole, short] {
    var (energies, forces) = (
      [Double](repeating: 0, count: order.count), [Vector3](repeating: .zero, count: order.count)
    )
    network.prepare(species: species, list: list)
    _ = network.evaluate(
      positions: positions, cell: frame.system.cell, list: list, atomicEnergies: &energies, forces: &forces)
    results.append((energies, forces))
  }
  for (a, b) in zip(results[0].0, results[1].0) { #expect(abs(a - b) < 1e-13 * abs(a)) }
  for (a, b) in zip(results[0].1, results[1].1) { #expect(largest(a - b) < 1e-12) }
}
