import Lattice
import Reciprocal
import Testing

@testable import LRMACE
@testable import LRMACEModel

private func evaluation(
  _ model: Model, _ system: AtomicSystem, _ method: AttentionMethod
) throws -> Evaluation {
  let potential = try LRMACEPotential(
    model: model, precision: .double, attention: AttentionEvaluation(method: method))
  var result = Evaluation()
  try potential.evaluate(system, into: &result)
  #expect(potential.attention?.method == method)
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

@Test func restartKeepsTheMeshThatTheRunChose() throws {
  let model = try Golden.model("rc_trained")
  guard let frame = try Golden.frames("rc_trained").first(where: { $0.system.cell.isFullyPeriodic }) else {
    Issue.record("no periodic frame")
    return
  }
  let first = try LRMACEPotential(model: model, attention: AttentionEvaluation(method: .mesh))
  var (system, expected, found) = (frame.system, Evaluation(), Evaluation())
  try first.evaluate(system, into: &expected)
  // Elsewhere another mesh might be chosen.
  for i in system.positions.indices { system.positions[i] += Vector3(0.1, -0.05, 0.02) * Double(i % 3) }
  try first.evaluate(system, into: &expected)

  let second = try LRMACEPotential(model: model, attention: AttentionEvaluation(method: .mesh))
  found.plan = expected.plan
  try second.evaluate(system, into: &found)
  #expect(second.attention?.mesh == first.attention?.mesh && first.attention?.mesh != nil)
  #expect(found.energy == expected.energy && found.forces == expected.forces)
}

@Test func ewaldSplitGivesTheForceFieldOfTheKSum() throws {
  let model = try Golden.model("lr_l_default_d1")
  for frame in try Golden.frames("lr_l_default_d1") where frame.system.cell.isFullyPeriodic {
    let split = try evaluation(model, frame.system, .ewald)
    let kSum = try evaluation(model, frame.system, .kSum)
    #expect(abs(split.energy - kSum.energy) < 1e-6 * Double(frame.system.count))
    for (a, b) in zip(split.forces, kSum.forces) { #expect(largest(a - b) < 1e-5) }
  }
}

/// The contract of the mesh that a potential chooses in double precision.
@Test(arguments: Golden.names.filter { $0.hasPrefix("lr_") || $0.hasPrefix("c_") } + ["rc_trained"])
func meshStaysWithinANanoElectronvoltPerAtom(name: String) throws {
  let model = try Golden.model(name)
  for frame in try Golden.frames(name) where frame.system.cell.hasPeriodicAxis {
    let mesh = try evaluation(model, frame.system, .mesh)
    let kSum = try evaluation(model, frame.system, .kSum)
    #expect(abs(mesh.energy - kSum.energy) < 1e-9 * Double(frame.system.count), "\(frame.name)")
    for (a, b) in zip(mesh.forces, kSum.forces) { #expect(largest(a - b) < 1e-8, "\(frame.name)") }
  }
}
