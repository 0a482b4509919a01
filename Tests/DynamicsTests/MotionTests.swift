// Molecular dynamics as a motion: the bits of its integrator, and no step beyond its last.

import Foundation
import Lattice
import Testing

@testable import Dynamics

@Suite struct MotionTests {
  private func motion(steps: Int64) throws -> (MolecularDynamics, Run) {
    var (system, potential) = springCube()
    let integrator = try VelocityVerlet(timestep: 2)
    system.drawVelocities(temperature: 300, degreesOfFreedom: 21, seed: 3)
    return try (
      MolecularDynamics(system, by: integrator, in: potential, steps: steps),
      Run(system, springCube().1, integrator)
    )
  }

  @Test func itsStepsAreThoseOfTheIntegrator() throws {
    var (motion, run) = try motion(steps: 50)
    try motion.prepare()
    while !motion.isFinished { try motion.advance() }
    try run.advance(50)
    let frame = motion.frame
    #expect(frame.step == 50 && frame.time == 100)
    #expect(frame.system.positions == run.system.positions)
    #expect(frame.system.velocities == run.system.velocities)
    #expect(frame.evaluation.forces == run.evaluation.forces)
    #expect(frame.conservedQuantity == run.conserved)
  }

  @Test func degreesOfFreedomAreThoseThatTheIntegratorLeaves() throws {
    let (system, potential) = springCube()
    let verlet = MolecularDynamics(system, by: try VelocityVerlet(timestep: 1), in: potential, steps: 1)
    let langevin = MolecularDynamics(
      system, by: try LangevinBAOAB(timestep: 1, temperature: .constant(300), friction: 0.01, seed: 1),
      in: potential, steps: 1)
    #expect(verlet.frame.degreesOfFreedom == 21 && langevin.frame.degreesOfFreedom == 24)
  }

  @Test func itGoesOnFromItsState() throws {
    var (whole, _) = try motion(steps: 40)
    try whole.prepare()
    while whole.completedSteps < 20 { try whole.advance() }
    var rest = MolecularDynamics(
      whole.frame.system, by: try VelocityVerlet(timestep: 2), in: springCube().1, steps: 40)
    try rest.restore(whole.state, at: 20)
    try rest.prepare()
    while !whole.isFinished { try whole.advance() }
    while !rest.isFinished { try rest.advance() }
    #expect(rest.completedSteps == 40 && rest.frame.system.positions == whole.frame.system.positions)
  }
}
