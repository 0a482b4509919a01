// The centre of mass brought to rest at an interval: the temperature is that of the motion inside, the energy taken is booked,
// and a run that goes on ends with the same bits.

import Foundation
import Lattice
import Testing

@testable import Dynamics

/// Pushes every atom alike, as forces from a mesh may, beside the springs.
private final class PushedCluster: Potential {
  let base: any Potential
  let push: Vector3

  init(_ base: any Potential, push: Vector3) { (self.base, self.push) = (base, push) }

  func evaluate(_ system: AtomicSystem, into result: inout Evaluation) throws {
    try base.evaluate(system, into: &result)
    for i in 0..<system.count {
      result.forces[i] += push
      result.energy -= dot(push, system.positions[i])
    }
  }
}

private func motion(_ integrator: any Integrator, drift: Int64?, push: Vector3 = .zero) throws
  -> MolecularDynamics
{
  var (system, potential) = springCube()
  let conserves = type(of: integrator).conservesMomentum || drift != nil
  system.drawVelocities(
    temperature: 300, degreesOfFreedom: system.degreesOfFreedom(conservingMomentum: conserves), seed: 3)
  var motion = MolecularDynamics(
    system, by: integrator, in: PushedCluster(potential, push: push), steps: 1000, driftInterval: drift)
  try motion.prepare()
  return motion
}

@Test func aDriftIsTakenOutAndItsEnergyIsBooked() throws {
  let push: Vector3 = [0.2, 0, -0.1]
  var free = try motion(VelocityVerlet(timestep: 1), drift: nil, push: push)
  var held = try motion(VelocityVerlet(timestep: 1), drift: 10, push: push)
  let start = held.frame.conservedQuantity ?? .nan
  for _ in 0..<200 {
    try free.advance()
    try held.advance()
  }
  #expect(length(free.system.momentum) > 0.01 && length(held.system.momentum) < 1e-12)
  #expect(held.degreesOfFreedom == 21)
  // Far more than the integration's error has been taken.
  let taken = start - held.frame.system.kineticEnergy - held.frame.evaluation.energy
  #expect(taken > 0.1)
  #expect(abs((held.frame.conservedQuantity ?? .nan) - start) < 0.02 * taken)
}

@Test func underLangevinTheWholeCountsNoMoreDegreesOfFreedom() throws {
  let bath = try LangevinBAOAB(timestep: 1, temperature: .constant(300), friction: 0.05, seed: 5)
  #expect(try motion(bath, drift: nil).degreesOfFreedom == 24)
  var held = try motion(bath, drift: 1)
  #expect(held.degreesOfFreedom == 21)
  var mean = 0.0
  for _ in 0..<200 { try held.advance() }
  for _ in 0..<20_000 {
    try held.advance()
    mean += held.frame.temperature / 20_000
  }
  // Some 500 independent samples of 21 momenta: 300 K within 2 K; of 24 they would seem to have 262 K.
  #expect(abs(mean - 300) < 8, "\(mean)")
}

@Test func aRunWithoutDriftGoesOnBitForBit() throws {
  func fresh() throws -> MolecularDynamics {
    try motion(
      LangevinBAOAB(timestep: 1, temperature: .constant(300), friction: 0.01, seed: 5), drift: 3)
  }
  var whole = try fresh()
  for _ in 0..<20 { try whole.advance() }
  var half = try fresh()
  for _ in 0..<10 { try half.advance() }
  var rest = MolecularDynamics(
    half.system, by: try LangevinBAOAB(timestep: 1, temperature: .constant(300), friction: 0.01, seed: 5),
    in: PushedCluster(springCube().1, push: .zero), steps: 1000, driftInterval: 3)
  try rest.restore(half.state, at: 10)
  try rest.prepare()
  for _ in 0..<10 { try rest.advance() }
  #expect(
    rest.system.velocities == whole.system.velocities && rest.system.positions == whole.system.positions)
  #expect(rest.frame.conservedQuantity == whole.frame.conservedQuantity)
  // The state of a run that never took drift out is not one that did.
  #expect(throws: StateError.self) { try rest.restore([:], at: 0) }
}
