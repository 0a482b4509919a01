// From the words of a deck to what carries a system from step to step.

import Deck
import Dynamics
import Lattice

extension Deck {
  /// What carries `system` from step to step.
  /// - Throws: `DeckError` at the key that the integrator refuses, or at the one that leaves it nothing to do.
  func makeIntegrator(for system: AtomicSystem) throws -> any Integrator {
    guard let timestep else {
      throw error(at: kind == .run ? "timestep" : "structure", "nothing moves in time here")
    }
    do {
      if let barostat, barostat.type == .martynaTobiasKlein, let temperature {
        return try MartynaTobiasKlein(
          timestep: timestep, temperature: temperature.ofDynamics, thermostat: thermostat?.ofCell,
          pressure: barostat.pressure.ofDynamics, relaxationTime: barostat.tau,
          coupling: barostat.couplingOfDynamics, system: system)
      }
      guard let thermostat, let temperature else { return try VelocityVerlet(timestep: timestep) }
      let rescaling = try barostat.map {
        try StochasticCellRescaling(
          timestep: timestep, pressure: $0.pressure.ofDynamics, relaxationTime: $0.tau,
          compressibility: $0.compressibility, coupling: $0.couplingOfDynamics, seed: seed, system: system)
      }
      switch thermostat {
      case .noseHoover(let tau, let chain):
        return try NoseHooverVerlet(
          timestep: timestep, temperature: temperature.ofDynamics, relaxationTime: tau, chainLength: chain,
          degreesOfFreedom: system.degreesOfFreedom(conservingMomentum: NoseHooverVerlet.conservesMomentum),
          barostat: rescaling)
      case .langevin(let friction):
        return try LangevinBAOAB(
          timestep: timestep, temperature: temperature.ofDynamics, friction: friction, seed: seed,
          barostat: rescaling)
      }
    } catch DynamicsError.invalidSetting(let setting, let message) {
      throw refusal(of: setting, message)
    }
  }

  private func refusal(of setting: DynamicsError.Setting, _ message: String) -> DeckError {
    switch setting {
    case .timestep: return error(at: "timestep", message)
    case .temperature:
      let colder = temperature.map { $0.end < $0.start } == true ? "temperature.to" : "temperature.from"
      return error(
        at: colder, or: ["temperature"], message,
        help: barostat?.type == .martynaTobiasKlein
          ? "give a higher temperature, or a cell that does not change"
          : "Langevin dynamics goes down to 0 K: write `thermostat: {type: langevin}`")
    case .relaxationTime:
      return error(
        at: "thermostat.tau", or: ["timestep"], message,
        help: "give a longer `thermostat.tau`, or a shorter `timestep`")
    case .chainLength: return error(at: "thermostat.chain", message)
    case .friction: return error(at: "thermostat.friction", message)
    case .degreesOfFreedom:
      return error(
        at: "fixed", or: ["thermostat.type", "ensemble"], message,
        help: "let atoms go, or write `ensemble: nve`")
    case .pressure: return error(at: "pressure", message)
    case .barostatTime:
      return error(
        at: "barostat.tau", or: ["timestep"], message,
        help: "give a longer `barostat.tau`, or a shorter `timestep`")
    case .compressibility: return error(at: "barostat.compressibility", message)
    case .coupling: return error(at: "barostat.components", or: ["barostat.coupling", "ensemble"], message)
    case .cell:
      return error(
        at: "ensemble", message,
        help: "write `ensemble: \(thermostat == nil ? "nve" : "nvt")`, or give the structure a cell")
    case .fixedAtoms:
      return error(
        at: "fixed", or: ["ensemble"], message,
        help: "let them go, or write `ensemble: \(thermostat == nil ? "nve" : "nvt")`")
    }
  }

  /// - Throws: `DeckError` at `thermostat.type` where Nose-Hoover is to thermostat an atom that is all there is.
  func requireCompany(in system: AtomicSystem) throws {
    guard case .noseHoover = thermostat, system.count == 1 else { return }
    throw error(
      at: "thermostat.type", or: ["thermostat", "ensemble"],
      "one atom alone has no motion inside for Nose-Hoover to thermostat",
      help: "write `thermostat: {type: langevin}`, or `ensemble: nve`")
  }
}

// MARK: - The same in the terms of Dynamics

extension Deck.TemperatureSchedule {
  fileprivate var ofDynamics: Dynamics.TemperatureSchedule {
    start == end ? .constant(start) : .ramp(from: start, to: end, steps: Int64(steps))
  }
}

extension Deck.Thermostat {
  /// Of the atoms and of a cell with inertia; `Deck` refuses a Langevin thermostat there.
  fileprivate var ofCell: MartynaTobiasKlein.Thermostat? {
    guard case .noseHoover(let tau, let chain) = self else { return nil }
    return .init(relaxationTime: tau, chainLength: chain)
  }
}

extension Deck.PressureSchedule {
  fileprivate var ofDynamics: Dynamics.PressureSchedule {
    .init(from: Matrix3(voigt: start), to: Matrix3(voigt: end), steps: Int64(steps))
  }
}

extension Matrix3 {
  /// The symmetric tensor of six components in Voigt's order.
  init(voigt p: [Double]) {
    self.init([p[0], p[5], p[4]], [p[5], p[1], p[3]], [p[4], p[3], p[2]])
  }
}

extension Deck.Barostat {
  fileprivate var couplingOfDynamics: Dynamics.CellCoupling { coupling.ofDynamics(components) }
}

extension Deck.CellCoupling {
  /// - Parameter components: that change, where each may be let go by itself.
  func ofDynamics(_ components: [Deck.Component]) -> Dynamics.CellCoupling {
    switch self {
    case .isotropic: .isotropic
    case .semiIsotropic: .semiIsotropic
    case .orthorhombic, .triclinic: .components(Set(components.map(\.ofDynamics)))
    }
  }
}

extension Deck.Component {
  fileprivate var ofDynamics: Dynamics.CellCoupling.Component {
    switch self {
    case .xx: .xx
    case .yy: .yy
    case .zz: .zz
    case .yz: .yz
    case .xz: .xz
    case .xy: .xy
    }
  }
}
