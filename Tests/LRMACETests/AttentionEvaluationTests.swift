import Lattice
import Reciprocal
import Testing

@testable import LRMACE

private func evaluation(
  _ model: Model, _ system: AtomicSystem, _ method: AttentionMethod
) throws -> Evaluation {
  let potential = LRMACEPotential(
    model: model, precision: .double, attention: AttentionEvaluation(method: method))
  var result = Evaluation()
  try potential.evaluate(system, into: &result)
  #expect(potential.attentionMethod == method)
  return result
}

@Test func pairwiseAndKSumGiveOneForceField() throws {
  let model = try Golden.model("lr_l_default_d1")
  for frame in try Golden.frames("lr_l_default_d1") where frame.system.cell.isFullyPeriodic {
    let pairwise = try evaluation(model, frame.system, .pairwise)
    let kSum = try evaluation(model, frame.system, .kSum)
    #expect(abs(pairwise.energy - kSum.energy) < 1e-12 * abs(kSum.energy))
    for (a, b) in zip(pairwise.forces, kSum.forces) { #expect(largest(a - b) < 1e-11) }
  }
}

/// The contract of the mesh's default resolution.
@Test(arguments: Golden.names.filter { $0.hasPrefix("lr_") } + ["rc_trained"])
func meshStaysWithinAMicroElectronvoltPerAtom(name: String) throws {
  let model = try Golden.model(name)
  for frame in try Golden.frames(name) where frame.system.cell.hasPeriodicAxis {
    let mesh = try evaluation(model, frame.system, .mesh)
    let kSum = try evaluation(model, frame.system, .kSum)
    #expect(abs(mesh.energy - kSum.energy) < 1e-6 * Double(frame.system.count), "\(frame.name)")
    for (a, b) in zip(mesh.forces, kSum.forces) { #expect(largest(a - b) < 1e-4, "\(frame.name)") }
  }
}
