import Foundation
import Lattice
import Testing

@testable import Dynamics

@Suite struct NoseHooverVerletTests {
  let kT = Units.boltzmann * 300

  /// Mean and variance of the kinetic energy over `steps`, in units of n kT/2 and n (kT)^2/2.
  func kineticMoments(_ start: Run, degreesOfFreedom: Int, steps: Int) throws
    -> (mean: BlockAverage, variance: BlockAverage)
  {
    var run = start
    let n = Double(degreesOfFreedom)
    var mean = BlockAverage(blockLength: steps / 200)
    var variance = mean
    try run.advance(10_000)
    try run.advance(steps) {
      let deviation = $0.system.kineticEnergy - n * kT / 2
      mean.add($0.system.kineticEnergy / (n * kT / 2))
      variance.add(deviation * deviation / (n * kT * kT / 2))
    }
    return (mean, variance)
  }

  /// K of n momenta is Gamma distributed. Bounds: four standard errors, which must be below 0.5% and 1.5%.
  func expectCanonical(_ moments: (mean: BlockAverage, variance: BlockAverage)) {
    #expect(moments.mean.standardError < 0.005)
    #expect(abs(moments.mean.mean - 1) < 4 * moments.mean.standardError)
    #expect(moments.variance.standardError < 0.015)
    #expect(abs(moments.variance.mean - 1) < 4 * moments.variance.standardError)
  }

  /// A harmonic oscillator moving along x alone: the hardest case of a deterministic thermostat
  /// (Martyna, Klein, Tuckerman 1992, section III).
  func oneDimensionalOscillator(chainLength: Int) throws -> Run {
    var (system, potential) = oscillators(stiffness: [5], masses: [12])
    let angularFrequency = (Units.accelerationPerForce * 5 / 12).squareRoot()
    system.velocities[0].x = (kT * Units.accelerationPerForce / 12).squareRoot()
    return try Run(
      system, potential,
      NoseHooverVerlet(
        timestep: 0.5, temperature: .constant(300), relaxationTime: 0.5 / angularFrequency,
        chainLength: chainLength, degreesOfFreedom: 1))
  }

  @Test func kineticEnergyOfAnOscillatorIsCanonical() throws {
    let run = try oneDimensionalOscillator(chainLength: 4)
    expectCanonical(try kineticMoments(run, degreesOfFreedom: 1, steps: 1_000_000))
  }

  /// Known to fail: a single thermostat leaves an oscillator on a torus. It shows what the chain is for, and
  /// that the test above could fail.
  @Test func oneThermostatDoesNotMakeAnOscillatorCanonical() throws {
    let run = try oneDimensionalOscillator(chainLength: 1)
    let moments = try kineticMoments(run, degreesOfFreedom: 1, steps: 200_000)
    #expect(abs(moments.mean.mean - 1) < 0.01)
    #expect(moments.variance.mean < 0.8)
  }

  @Test func kineticEnergyOfAMomentumConservingClusterIsCanonical() throws {
    // Soft springs: stiff ones are nearly harmonic modes that exchange no energy within the run.
    var (system, potential) = springCube(stiffness: 0.05)
    system.drawVelocities(temperature: 300, degreesOfFreedom: 21, seed: 2)
    let run = try Run(
      system, potential,
      NoseHooverVerlet(timestep: 1, temperature: .constant(300), relaxationTime: 20, degreesOfFreedom: 21))
    expectCanonical(try kineticMoments(run, degreesOfFreedom: 21, steps: 1_000_000))
  }

  @Test func totalMomentumIsConservedOnceTheDriftIsTakenOut() throws {
    var (system, potential) = springCube()
    system.drawVelocities(temperature: 300, degreesOfFreedom: 21, seed: 2)
    for i in 0..<8 { system.velocities[i].x += 0.01 }
    #expect(length(system.removeCenterOfMassMotion() - [0.01, 0, 0]) < 1e-15)
    #expect(abs(system.temperature(degreesOfFreedom: 21) - 300) < 1e-9)
    var run = try Run(
      system, potential,
      NoseHooverVerlet(timestep: 1, temperature: .constant(300), relaxationTime: 20, degreesOfFreedom: 21))
    try run.advance(2000)
    #expect(length(run.system.momentum) < 1e-11)
  }

  /// One picosecond, in which the three trajectories have not yet parted: the ratio is free of statistics.
  @Test func errorOfTheConservedQuantityFallsAsTheSquareOfTheTimestep() throws {
    let errors = try [2.0, 1.0, 0.5].map { timestep in
      var (system, potential) = springCube()
      system.drawVelocities(temperature: 600, degreesOfFreedom: 21, seed: 5)
      var run = try Run(
        system, potential,
        NoseHooverVerlet(
          timestep: timestep, temperature: .constant(600), relaxationTime: 50, degreesOfFreedom: 21))
      var energies: [Double] = []
      try run.advance(Int(1000 / timestep)) { energies.append($0.conserved) }
      return rootMeanSquareFluctuation(energies)
    }
    #expect(abs(errors[0] / errors[1] - 4) < 0.1)
    #expect(abs(errors[1] / errors[2] - 4) < 0.1)
  }

  @Test(arguments: [TemperatureSchedule.constant(300), .ramp(from: 100, to: 500, steps: 200_000)])
  func conservedQuantityDoesNotDrift(_ temperature: TemperatureSchedule) throws {
    var (system, potential) = springCube()
    system.drawVelocities(temperature: temperature.temperature(at: 0), degreesOfFreedom: 21, seed: 5)
    var run = try Run(
      system, potential,
      NoseHooverVerlet(timestep: 0.5, temperature: temperature, relaxationTime: 50, degreesOfFreedom: 21))
    let start = run.conserved
    var worst = 0.0
    try run.advance(200_000) { worst = max(worst, abs($0.conserved - start)) }
    // 1e-4 eV per atom in 100 ps.
    #expect(worst < 8 * 1e-4)
  }

  @Test func reversedVelocitiesRetraceTheTrajectory() throws {
    var (system, potential) = springCube()
    system.drawVelocities(temperature: 300, degreesOfFreedom: 21, seed: 5)
    var run = try Run(
      system, potential,
      NoseHooverVerlet(timestep: 1, temperature: .constant(300), relaxationTime: 50, degreesOfFreedom: 21))
    try run.advance(500)
    for i in 0..<8 { run.system.velocities[i] = -run.system.velocities[i] }
    var state = run.integrator.state
    state.values["chain_velocities"] = .numbers(numbers(state.values["chain_velocities"]).map { -$0 })
    try run.integrator.restore(state, at: 500)
    try run.advance(500)
    for i in 0..<8 { #expect(length(run.system.positions[i] - system.positions[i]) < 1e-8) }
    #expect(abs(numbers(run.integrator.state.values["chain_potential_energy"]).first ?? .nan) < 1e-8)
  }
}
