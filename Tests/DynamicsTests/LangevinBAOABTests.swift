import Foundation
import Lattice
import Testing

@testable import Dynamics

@Suite struct LangevinBAOABTests {
  let kT = Units.boltzmann * 300

  /// Leimkuhler, Matthews 2013, section 4: on a harmonic oscillator the positions of BAOAB are canonical at
  /// any stable dt, and its full-step momenta have the temperature T (1 - (w dt)^2 / 4); here w dt = 1.
  @Test func configurationalTemperatureOfOscillatorsIsExactAtALargeTimestep() throws {
    let (system, potential) = oscillators(
      stiffness: Array(repeating: 5, count: 100), masses: Array(repeating: 12, count: 100))
    let timestep = 1 / (Units.accelerationPerForce * 5 / 12).squareRoot()
    var run = try Run(
      system, potential,
      LangevinBAOAB(
        timestep: timestep, temperature: .constant(300), friction: 0.02, seed: 7,
        limits: StabilityLimits(displacement: 5)))
    var configurational = BlockAverage(blockLength: 500)
    var kinetic = BlockAverage(blockLength: 500)
    try run.advance(200)
    try run.advance(50_000) {
      configurational.add(2 * $0.evaluation.energy / (300 * kT))
      kinetic.add(2 * $0.system.kineticEnergy / (300 * kT))
    }
    #expect(configurational.standardError < 0.001)
    #expect(abs(configurational.mean - 1) < 4 * configurational.standardError)
    #expect(kinetic.standardError < 0.001)
    #expect(abs(kinetic.mean - 0.75) < 4 * kinetic.standardError)
  }

  /// K of n momenta is Gamma distributed: mean n kT/2, variance n (kT)^2/2. Bounds: four standard errors,
  /// which must be below 0.5% of the mean and 2% of the variance.
  @Test func kineticEnergyIsCanonical() throws {
    let (system, potential) = oscillators(
      stiffness: [1, 2, 3, 4, 5, 6, 7, 8], masses: Array(repeating: 12, count: 8))
    var run = try Run(
      system, potential,
      LangevinBAOAB(timestep: 0.5, temperature: .constant(300), friction: 0.05, seed: 3))
    try run.advance(2000)
    let expected = (mean: 12 * kT, variance: 12 * kT * kT)
    var mean = BlockAverage(blockLength: 5000)
    var variance = BlockAverage(blockLength: 5000)
    try run.advance(1_000_000) {
      let k = $0.system.kineticEnergy
      mean.add(k)
      variance.add((k - expected.mean) * (k - expected.mean))
    }
    #expect(mean.standardError < 0.005 * expected.mean)
    #expect(abs(mean.mean - expected.mean) < 4 * mean.standardError)
    #expect(variance.standardError < 0.02 * expected.variance)
    #expect(abs(variance.mean - expected.variance) < 4 * variance.standardError)
  }

  /// K + U - Q changes by the error of the Verlet part alone: a random walk whose steps fall as dt^2.
  @Test func errorOfTheConservedQuantityFallsAsTheSquareOfTheTimestep() throws {
    let errors = try [2.0, 1.0, 0.5].map { timestep in
      var (system, potential) = springCube()
      system.drawVelocities(temperature: 600, degreesOfFreedom: 24, seed: 5)
      var run = try Run(
        system, potential,
        LangevinBAOAB(timestep: timestep, temperature: .constant(600), friction: 0.01, seed: 5))
      var squares = 0.0
      var before = run.conserved
      for _ in 0..<8000 {
        try run.advance(Int(50 / timestep))
        squares += (run.conserved - before) * (run.conserved - before)
        before = run.conserved
      }
      return (squares / 8000).squareRoot()
    }
    #expect(abs(errors[0] / errors[1] - 4) < 0.4)
    #expect(abs(errors[1] / errors[2] - 4) < 0.4)
  }

  @Test func conservedQuantityStaysBounded() throws {
    var (system, potential) = springCube()
    system.drawVelocities(temperature: 300, degreesOfFreedom: 24, seed: 5)
    var run = try Run(
      system, potential,
      LangevinBAOAB(timestep: 0.5, temperature: .constant(300), friction: 0.01, seed: 5))
    let start = run.conserved
    var worst = 0.0
    try run.advance(200_000) { worst = max(worst, abs($0.conserved - start)) }
    // 1e-4 eV per atom in 100 ps.
    #expect(worst < 8 * 1e-4)
  }

  @Test func aFreeAtomInAColdBathSlowsExponentially() throws {
    var system = oscillators(stiffness: [0], masses: [12]).0
    system.velocities[0] = [0.01, -0.02, 0.03]
    let start = system.velocities[0]
    var run = try Run(
      system, PrescribedForces(forces: [.zero]),
      LangevinBAOAB(timestep: 2, temperature: .constant(0), friction: 0.01, seed: 1))
    try run.advance(50)
    #expect(length(run.system.velocities[0] - start * exp(-0.01 * 2 * 50)) < 1e-16)
    // All the energy went to the bath.
    #expect(abs(run.conserved - system.kineticEnergy) < 1e-15)
  }

  @Test func withoutFrictionItIsVelocityVerlet() throws {
    var (system, potential) = springCube()
    system.drawVelocities(temperature: 300, degreesOfFreedom: 21, seed: 5)
    var langevin = try Run(
      system, potential, LangevinBAOAB(timestep: 1, temperature: .constant(300), friction: 0, seed: 1))
    var verlet = try Run(system, potential, VelocityVerlet(timestep: 1))
    try langevin.advance(100)
    try verlet.advance(100)
    for i in 0..<8 {
      #expect(length(langevin.system.positions[i] - verlet.system.positions[i]) < 1e-11)
    }
  }

  @Test func noiseDependsOnTheSeedAlone() throws {
    func bitsAfterTen(seed: UInt64) throws -> [UInt64] {
      let (system, potential) = springCube()
      var run = try Run(
        system, potential,
        LangevinBAOAB(timestep: 1, temperature: .constant(300), friction: 0.01, seed: seed))
      try run.advance(10)
      return bits(run)
    }
    #expect(try bitsAfterTen(seed: 1) == bitsAfterTen(seed: 1))
    #expect(try bitsAfterTen(seed: 1) != bitsAfterTen(seed: 2))
  }
}
