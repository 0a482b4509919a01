// The shipped model moving real water: what a model's cut-offs, tables and single precision must not spoil.

import Dynamics
import Foundation
import LRMACE
import Lattice
import Testing
import Trajectory

/// The folder of the package.
let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

private func water() throws -> AtomicSystem {
  var system = try ExtendedXYZ.read(root.appending(path: "Inputs/water-64.xyz").path).system
  system.drawVelocities(
    temperature: 300, degreesOfFreedom: system.degreesOfFreedom(conservingMomentum: true), seed: 7)
  return system
}

/// Standard deviation of the total energy in eV, sampled every fs of `duration` fs of velocity Verlet.
private func energyFluctuation(timestep: Double, duration: Double) throws -> Double {
  let potential = try LRMACEPotential(modelPath: root.appending(path: "Models/water.h5").path, threads: 2)
  var system = try water()
  var integrator = try VelocityVerlet(timestep: timestep)
  var evaluation = Evaluation()
  try integrator.prepare(system, potential, &evaluation)
  let stepsPerSample = Int((1 / timestep).rounded())
  var energies: [Double] = []
  for _ in 0..<Int(duration) {
    for _ in 0..<stepsPerSample { try integrator.step(&system, potential, &evaluation) }
    energies.append(integrator.conservedQuantity(system, evaluation))
  }
  let mean = energies.reduce(0, +) / duration
  return (energies.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / duration).squareRoot()
}

@Suite struct WaterDynamicsTests {
  /// A harmonic mode's fluctuation under velocity Verlet is proportional to dt^2 / (1 - (w dt / 2)^2): exactly 4 for
  /// small steps, and for the O-H stretch (3,500 per cm, w = 0.66/fs), which dominates, 4.37 from 1 to 0.5 fs.
  @Test func verletEnergyFluctuationOnWaterFallsAsTheSquareOfTheTimestep() throws {
    let fluctuation = try [1, 0.5, 0.25].map { try energyFluctuation(timestep: $0, duration: 150) }
    #expect(abs(fluctuation[0] / fluctuation[1] / 4.37 - 1) < 0.1, "\(fluctuation)")
    #expect(abs(fluctuation[1] / fluctuation[2] / 4 - 1) < 0.1, "\(fluctuation)")
  }
}
