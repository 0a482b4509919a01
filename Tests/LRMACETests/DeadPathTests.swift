import Lattice
import Testing

@testable import LRMACE
@testable import LRMACEModel

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
  var (whole, short) = (Evaluation(), Evaluation())
  try LRMACEPotential(model: model, precision: .double, dropsDeadPaths: false).evaluate(
    frame.system, into: &whole)
  try LRMACEPotential(model: model, precision: .double).evaluate(frame.system, into: &short)
  for (a, b) in zip(whole.atomicEnergies, short.atomicEnergies) { #expect(abs(a - b) < 1e-13 * abs(a)) }
  for (a, b) in zip(whole.forces, short.forces) { #expect(largest(a - b) < 1e-12) }
}
