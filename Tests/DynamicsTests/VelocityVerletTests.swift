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

  /// One picosecond, in which the three trajectories have not yet parted: the ratio is free of statistics.
  @Test func energyErrorFallsAsTheSquareOfTheTimestep() throws {
    let errors = try [2.0, 1.0, 0.5].map { timestep in
      let (system, potential) = warmCube()
      var run = try Run(system, potential, VelocityVerlet(timestep: timestep))
      var energies: [Double] = []
      try run.advance(Int(1000 / timestep)) { energies.append($0.conserved) }
      return rootMeanSquareFluctuation(energies)
    }
    #expect(abs(errors[0] / errors[1] - 4) < 0.1)
    #expect(abs(errors[1] / errors[2] - 4) < 0.1)
  }

  @Test func energyDoesNotDrift() throws {
    let (system, potential) = warmCube()
    var run = try Run(system, potential, VelocityVerlet(timestep: 1))
    var windows: [Double] = []
    for _ in 0..<3 {
      var window = 0.0
      try run.advance(100_000) { window += $0.conserved }
      windows.append(window / 100_000)
    }
    // 100 ps each. H is conserved up to O(dt^2) times a slow function of the modes' energies, which wanders
    // by some 1e-5 eV; the bound is 1e-8 eV/ps per atom, a hundredth of what one asks of a production run.
    #expect(abs(windows[2] - windows[0]) < 200 * 8 * 1e-8)
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
