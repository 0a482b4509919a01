import Foundation
import Lattice
import Testing

@testable import Dynamics

@Suite struct VelocityVerletTests {
  func warmCube() -> (AtomicSystem, SpringCluster) {
    var (system, potential) = springCube()
    system.drawVelocities(temperature: 600, degreesOfFreedom: 21, seed: 1)
    return (system, potential)
  }

  @Test func energyErrorFallsAsTheSquareOfTheTimestep() throws {
    let errors = try [2.0, 1.0, 0.5].map { timestep in
      let (system, potential) = warmCube()
      var run = try Run(system, potential, VelocityVerlet(timestep: timestep))
      var energies: [Double] = []
      try run.advance(Int(4000 / timestep)) { energies.append($0.conserved) }
      return rootMeanSquareFluctuation(energies)
    }
    #expect(abs(errors[0] / errors[1] - 4) < 0.4)
    #expect(abs(errors[1] / errors[2] - 4) < 0.4)
  }

  @Test func energyDoesNotDrift() throws {
    let (system, potential) = warmCube()
    var run = try Run(system, potential, VelocityVerlet(timestep: 1))
    var first = BlockAverage(blockLength: 2000)
    var last = first
    try run.advance(40_000) { first.add($0.conserved) }
    try run.advance(160_000)
    try run.advance(40_000) { last.add($0.conserved) }
    // Between the two windows lie 200 ps. The error of a window's mean is that of its fluctuations; it must
    // resolve a drift of 1e-8 eV/ps per atom, a hundredth of what one asks of a production run.
    let error = (first.standardError * first.standardError + last.standardError * last.standardError)
      .squareRoot()
    print("NVE drift", last.mean - first.mean, error)
    #expect(4 * error < 200 * 8 * 1e-8)
    #expect(abs(last.mean - first.mean) < 4 * error)
  }

  @Test func oneOscillatorFollowsItsDiscreteSolution() throws {
    // Velocity Verlet on x'' = -w^2 x is exactly x_n = cos(n phi) with cos(phi) = 1 - (w dt)^2 / 2.
    var (system, potential) = oscillators(stiffness: [5], masses: [12])
    system.positions[0].y += 0.1
    let angular = (Units.accelerationPerForce * 5 / 12).squareRoot()
    let timestep = 3.0
    let phase = acos(1 - angular * angular * timestep * timestep / 2)
    var run = try Run(system, potential, VelocityVerlet(timestep: timestep))
    for n in 1...1000 {
      try run.advance(1)
      #expect(abs(run.system.positions[0].y - 0.1 * cos(Double(n) * phase)) < 1e-12)
    }
  }

  @Test func reversedVelocitiesRetraceTheTrajectory() throws {
    let (system, potential) = warmCube()
    var run = try Run(system, potential, VelocityVerlet(timestep: 1))
    try run.advance(2000)
    for i in 0..<8 { run.system.velocities[i] = -run.system.velocities[i] }
    try run.advance(2000)
    for i in 0..<8 { #expect(length(run.system.positions[i] - system.positions[i]) < 1e-8) }
  }

  @Test func momentumIsConserved() throws {
    let (system, potential) = warmCube()
    var run = try Run(system, potential, VelocityVerlet(timestep: 1))
    try run.advance(5000)
    #expect(length(run.system.momentum) < 1e-12)
  }
}
