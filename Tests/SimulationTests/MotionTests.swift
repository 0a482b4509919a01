// The run loop drives any motion: here one that knows neither time nor a constant of motion.

import Dynamics
import Foundation
import Lattice
import Testing
import Trajectory

@testable import Deck
@testable import Simulation

/// r <- r + c F until no force is larger than a limit.
private struct SteepestDescent: Motion {
  var system: AtomicSystem
  let potential: any Potential
  var evaluation = Evaluation()
  var completedSteps: Int64 = 0

  var largestForce: Double { evaluation.forces.map(length).max() ?? 0 }
  var isFinished: Bool { completedSteps > 0 && largestForce < 1e-3 }
  var frame: Frame {
    Frame(step: completedSteps, system: system, evaluation: evaluation, degreesOfFreedom: 0)
  }
  var state: StateTree { [:] }
  mutating func restore(_ state: StateTree, at step: Int64) { completedSteps = step }
  mutating func prepare() throws { try potential.evaluate(system, into: &evaluation) }
  mutating func advance() throws {
    for i in system.positions.indices { system.positions[i] += evaluation.forces[i] * 0.5 }
    try potential.evaluate(system, into: &evaluation)
    completedSteps += 1
  }
}

@Test func aMotionWithoutTimeRunsToItsOwnEnd() throws {
  let folder = try TemporaryFolder()
  var simulation = try Simulation(
    deck: argonDeck("ensemble: nve", steps: 1000, in: folder.path), forceField: ForceField.lennardJones)
  let start = simulation.frame
  simulation.motion = SteepestDescent(system: start.system, potential: simulation.forceField.potential)
  try simulation.run(overwrite: false)
  let end = simulation.frame
  #expect(end.step > 7 && end.step < 1000 && simulation.motion.isFinished)
  #expect(try Checkpoint.read(simulation.files.checkpoint).step == end.step)
  let reader = try H5MDReader(simulation.files.trajectory)
  let last = try reader.frame(reader.frameCount - 1)
  #expect(last.step == end.step && last.system.positions == end.system.positions)
  #expect(last.observables["conserved_energy"] == nil)
  #expect(try String(contentsOfFile: simulation.files.log, encoding: .utf8).contains("\tnan"))
}
