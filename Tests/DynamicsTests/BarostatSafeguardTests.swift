// Constant pressure where there is none, and cells that run away.

import Lattice
import Testing

@testable import Dynamics

@Suite struct BarostatSafeguardTests {
  func inertial(
    _ system: AtomicSystem, pressure: Double = 0, tau: Double = 500, coupling: CellCoupling = .isotropic
  ) throws -> any Integrator {
    try MartynaTobiasKlein(
      timestep: 1, temperature: .constant(300), thermostat: nil, pressure: .constant(pressure),
      relaxationTime: tau, coupling: coupling, system: system)
  }

  func rescaling(
    _ system: AtomicSystem, pressure: Double = 0, tau: Double = 500, compressibility: Double = 10,
    coupling: CellCoupling = .isotropic
  ) throws -> any Integrator {
    try LangevinBAOAB(
      timestep: 1, temperature: .constant(300), friction: 0.01, seed: 1,
      barostat: StochasticCellRescaling(
        timestep: 1, pressure: .constant(pressure), relaxationTime: tau, compressibility: compressibility,
        coupling: coupling, seed: 1, system: system))
  }

  @Test func settingsOutOfRangeAreRefused() throws {
    func refuses(_ setting: DynamicsError.Setting, _ word: String, _ make: () throws -> any Integrator) {
      guard
        case .invalidSetting(let found, let message) = #expect(
          throws: DynamicsError.self, performing: { _ = try make() })
      else { return }
      #expect(found == setting && message.contains(word))
    }
    let crystal = try springCrystal().0
    var slab = crystal
    slab.cell = Cell(vectors: crystal.cell.vectors, isPeriodic: [true, true, false])
    var held = crystal
    held.moveMask[3].z = 0
    for make in [
      { try inertial($0, pressure: $1, tau: $2) }, { try rescaling($0, pressure: $1, tau: $2) },
    ] as [(AtomicSystem, Double, Double) throws -> any Integrator] {
      refuses(.cell, "periodic along all three") { try make(slab, 0, 500) }
      refuses(.fixedAtoms, "fixed") { try make(held, 0, 500) }
      refuses(.barostatTime, "tau") { try make(crystal, 0, 9) }
      refuses(.pressure, "finite") { try make(crystal, .nan, 500) }
    }
    refuses(.coupling, "component") { try inertial(crystal, coupling: .components([])) }
    refuses(.coupling, "semi-isotropic") { try rescaling(crystal, coupling: .triclinic) }
    refuses(.compressibility, "above 0") { try rescaling(crystal, compressibility: 0) }
  }

  /// Far too soft a barostat under far too high a pressure.
  @Test func aCellThatRunsAwayEndsTheRun() throws {
    var system = gas(count: 20, length: 20)
    system.drawVelocities(temperature: 300, degreesOfFreedom: 57, seed: 1)
    let quick = #expect(throws: DynamicsError.self) {
      var run = try Run(system, IdealGas(), rescaling(system, pressure: 10, tau: 10))
      try run.advance(1000)
    }
    guard case .strainTooLarge(let step, let magnitude, 0.05) = quick else {
      Issue.record("\(String(describing: quick))")
      return
    }
    #expect(step == 1 && magnitude > 0.05)
    system.velocities = Array(repeating: .zero, count: 20)
    let slow = #expect(throws: DynamicsError.self) {
      var run = try Run(system, IdealGas(), inertial(system, pressure: 0.01, tau: 3000))
      try run.advance(10_000)
    }
    guard case .cellCollapsed(_, let volume, 0.8) = slow else {
      Issue.record("\(String(describing: slow))")
      return
    }
    #expect(volume < 0.8 && slow?.description.contains("longer `tau`") == true)
  }

  @Test func aForeignStateIsRefused() throws {
    let system = try springCrystal().0
    var (mtk, langevin) = try (inertial(system), rescaling(system))
    #expect(throws: StateError.self) { try mtk.restore(langevin.state, at: 0) }
    #expect(throws: StateError("bath_heat", "is missing")) { try langevin.restore(mtk.state, at: 0) }
    var plain = try LangevinBAOAB(timestep: 1, temperature: .constant(300), friction: 0.01, seed: 1)
    #expect(throws: StateError("barostat_work", "is not known to this program")) {
      try plain.restore(langevin.state, at: 0)
    }
  }
}
