// Samples of every ensemble for Benchmarks/ensembles.py, which holds them against what the physical_validation package knows
// of ensembles. BLOCH_ENSEMBLES names the folder for them; without it there is nothing to do.

import Foundation
import Lattice
import Testing

@testable import Dynamics

private let folder = ProcessInfo.processInfo.environment["BLOCH_ENSEMBLES"]

@Suite(.enabled(if: folder != nil, "BLOCH_ENSEMBLES=FOLDER writes samples")) struct EnsembleSamples {
  /// K and temperature in kelvin, pressure in eV/Angstrom^3, step in fs.
  struct StatePoint: Sendable, CustomTestStringConvertible {
    var ensemble: String
    var name: String
    var kelvin = 300.0
    var pressure = 2e-3
    var timestep = 2.0
    /// Noise and velocities of their own at every point.
    var seed: UInt64 { UInt64(kelvin + 1e4 * pressure) }

    var testDescription: String { "\(ensemble) \(name) \(kelvin) K \(pressure) eV/A^3 \(timestep) fs" }
  }

  static let points: [StatePoint] =
    [4, 2, 1].map { StatePoint(ensemble: "NVE", name: "verlet", timestep: $0) }
    + ["nose-hoover", "langevin"].flatMap { name in
      [300, 360].map { StatePoint(ensemble: "NVT", name: name, kelvin: $0) }
    }
    + ["mtk", "c-rescale+nose-hoover", "c-rescale+langevin", "mtk-triclinic"].flatMap { name in
      [(300, 2e-3), (360, 2e-3), (300, 6e-3), (360, 6e-3)].map {
        StatePoint(ensemble: "NPT", name: name, kelvin: $0, pressure: $1)
      }
    }

  private func integrator(_ point: StatePoint, _ system: AtomicSystem) throws -> any Integrator {
    let temperature = TemperatureSchedule.constant(point.kelvin)
    let barostat =
      try point.name.hasPrefix("c-rescale")
      ? StochasticCellRescaling(
        timestep: point.timestep, pressure: .constant(point.pressure), relaxationTime: 500,
        compressibility: 20,
        seed: point.seed, system: system) : nil
    if point.name.hasSuffix("langevin") {
      return try LangevinBAOAB(
        timestep: point.timestep, temperature: temperature, friction: 0.01, seed: point.seed,
        barostat: barostat)
    }
    if point.name.hasSuffix("nose-hoover") {
      return try NoseHooverVerlet(
        timestep: point.timestep, temperature: temperature, relaxationTime: 50, degreesOfFreedom: 78,
        barostat: barostat)
    }
    guard point.name.hasPrefix("mtk") else { return try VelocityVerlet(timestep: point.timestep) }
    return try MartynaTobiasKlein(
      timestep: point.timestep, temperature: temperature, thermostat: .init(relaxationTime: 50),
      pressure: .constant(point.pressure), relaxationTime: 200,
      coupling: point.name == "mtk" ? .isotropic : .triclinic, system: system)
  }

  /// A line for every fifty steps: K, U, V, conserved quantity.
  @Test(arguments: points) func sample(_ point: StatePoint) throws {
    var (system, potential) = try springCrystal()
    let integrator = try integrator(point, system)
    let freedom = system.degreesOfFreedom(conservingMomentum: type(of: integrator).conservesMomentum)
    system.drawVelocities(temperature: point.kelvin, degreesOfFreedom: freedom, seed: point.seed)
    var run = try Run(system, potential, integrator)
    let isShort = point.ensemble == "NVE"
    if !isShort { try run.advance(10_000) }
    var lines = [
      "# \(point.ensemble) \(point.name) \(point.kelvin) \(point.pressure) \(point.timestep) \(freedom) \(system.count)"
    ]
    for _ in 0..<(isShort ? 4000 / Int(point.timestep) : 8000) {
      try run.advance(isShort ? 1 : 50)
      lines.append(
        "\(run.system.kineticEnergy) \(run.evaluation.energy) \(run.system.cell.volume) \(run.conserved)")
    }
    let name = "\(point.ensemble)-\(point.name)-\(point.kelvin)-\(point.pressure)-\(point.timestep).txt"
    try lines.joined(separator: "\n").write(
      toFile: "\(folder ?? ".")/\(name)", atomically: true, encoding: .utf8)
  }
}
