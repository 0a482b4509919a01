// A deck turned into something that runs: system, force field, integrator.

import Deck
import Dynamics
import Lattice
import Trajectory

/// A run: made from a deck or from a checkpoint, then run or resumed once.
public struct Simulation {
  public let deck: Deck
  public internal(set) var system: AtomicSystem
  let forceField: ForceField
  let files: OutputFiles
  var integrator: any Integrator
  var evaluation = Evaluation()
  /// By which the temperature is measured.
  let degreesOfFreedom: Int
  /// The step after which the run ends.
  let lastStep: Int64
  /// What the run goes on from, until it does; nil for a new run.
  var resumePoint: ResumePoint?

  /// Sets up the run of `deck` at its first step; no file is written.
  /// - Throws: `DeckError`, `FileError`, or what the force field throws when it is made.
  public init(deck: Deck, forceField makeForceField: (Deck) throws -> ForceField = ForceField.lrmace) throws {
    self.deck = deck
    forceField = try makeForceField(deck)
    var system = try AtomicSystem(deck: deck, forceField: forceField)
    degreesOfFreedom = deck.degreesOfFreedom(of: system)
    switch deck.velocities {
    case .maxwellBoltzmann:
      system.drawVelocities(
        temperature: deck.temperature?.start ?? 0, degreesOfFreedom: degreesOfFreedom, seed: deck.seed)
    case .structure:
      for atom in 0..<system.count where system.isFixed[atom] { system.velocities[atom] = .zero }
    }
    self.system = system
    integrator = try deck.makeIntegrator(degreesOfFreedom: degreesOfFreedom)
    files = OutputFiles(folder: deck.outputFolder, name: deck.outputName)
    lastStep = Int64(deck.steps)
    resumePoint = nil
  }
}

extension Deck {
  func degreesOfFreedom(of system: AtomicSystem) -> Int {
    if case .langevin = thermostat { return system.degreesOfFreedom(conservingMomentum: false) }
    return system.degreesOfFreedom(conservingMomentum: true)
  }

  func makeIntegrator(degreesOfFreedom: Int) throws -> any Integrator {
    do {
      guard let thermostat, let temperature else { return try VelocityVerlet(timestep: timestep) }
      let schedule: Dynamics.TemperatureSchedule =
        temperature.start == temperature.end
        ? .constant(temperature.start)
        : .ramp(from: temperature.start, to: temperature.end, steps: Int64(temperature.steps))
      switch thermostat {
      case .noseHoover(let tau, let chain):
        return try NoseHooverVerlet(
          timestep: timestep, temperature: schedule, relaxationTime: tau, chainLength: chain,
          degreesOfFreedom: degreesOfFreedom)
      case .langevin(let friction):
        return try LangevinBAOAB(timestep: timestep, temperature: schedule, friction: friction, seed: seed)
      }
    } catch DynamicsError.invalidSetting(let message) {
      throw error(at: "thermostat", message, help: "change this value, or the time step")
    }
  }
}
