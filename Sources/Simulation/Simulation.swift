// A deck turned into something that runs: a system, the motion it makes in its force field, and files for its observers.

import Deck
import Dynamics
import Lattice
import Restraints
import Trajectory

/// A run: made from a deck or from a checkpoint, then run or resumed once.
public struct Simulation {
  public let deck: Deck
  let forceField: ForceField
  let restraints: [Restraints.Restraint]
  let files: OutputFiles
  var motion: any Motion
  /// The step after which the run ends.
  let lastStep: Int64
  /// What the run goes on from, until it does; nil for a new run.
  var resumePoint: ResumePoint?
  /// What a person should know before the first step: defaults that the structure decided, and warnings.
  let notices: [Event]
  /// Columns of the structure that are kept with the trajectory.
  let columns: [AtomColumn]
  let events: EventHandler

  /// Sets up the run of `deck` at its first step; no file is written.
  /// - Throws: `DeckError`, `FileError`, or what the force field throws when it is made.
  public init(
    deck given: Deck, events: @escaping EventHandler = { _ in },
    forceField makeForceField: (Deck) throws -> ForceField = ForceField.lrmace
  ) throws {
    self.events = events
    forceField = try makeForceField(given)
    try given.requireCharges(of: forceField)
    let structure = try given.readStructure()
    var notices = structure.warnings.map(Event.warning)
    deck = try given.settled(for: structure, notices: &notices)
    var system = try AtomicSystem(structure, deck: deck, forceField: forceField)
    try deck.requireCompany(in: system)
    if deck.kind == .run {
      try Self.setVelocities(of: &system, deck, &notices)
      if let words = system.massNotice { notices.append(.note(words)) }
    } else {
      // Where no time passes nothing moves.
      system.velocities = Array(repeating: .zero, count: system.count)
    }
    columns = AtomicSystem.replicated(structure.columns, deck.replicate)
    self.notices = notices
    files = deck.outputFiles(OutputFiles(folder: deck.outputFolder, name: deck.outputName))
    lastStep = Int64(deck.steps)
    restraints = try deck.makeRestraints(on: system)
    try deck.requireAnalyses(of: system, hasCharges: forceField.hasCharges)
    let potentials = try Self.potentials(of: deck, forceField, restraints, makeForceField)
    motion = try deck.makeBand(from: system, in: potentials) ?? deck.makeMotion(of: system, in: potentials[0])
    resumePoint = nil
  }

  /// With restraints; as many as are at work at once. Several ranks are at work on one.
  static func potentials(
    of deck: Deck, _ forceField: ForceField, _ restraints: [Restraints.Restraint],
    _ makeForceField: (Deck) throws -> ForceField
  ) throws -> [any Potential] {
    let count = forceField.ranks == nil ? deck.forceFieldCount : 1
    let others = try (1..<count).map { _ in try makeForceField(deck) }
    return ([forceField] + others).map { $0.potential(with: restraints) }
  }

  /// What the motion shows after the present step.
  var frame: Frame { motion.frame }
  public var system: AtomicSystem { frame.system }

  /// The velocities with which dynamics begins.
  private static func setVelocities(
    of system: inout AtomicSystem, _ deck: Deck, _ notices: inout [Event]
  ) throws {
    let conservesMomentum =
      type(of: try deck.makeIntegrator(for: system)).conservesMomentum || deck.driftInterval != nil
    switch deck.velocities {
    case .maxwellBoltzmann:
      system.drawVelocities(
        temperature: deck.temperature?.start ?? 0,
        degreesOfFreedom: system.degreesOfFreedom(conservingMomentum: conservesMomentum), seed: deck.seed)
    case .structure:
      system.stopFixedAtoms()
      if conservesMomentum { notices += driftNotice(system.removeCenterOfMassMotion(), of: system) }
    case .rest:
      system.velocities = Array(repeating: .zero, count: system.count)
    }
  }

  /// What is said about a `drift` (Angstrom/fs) that was taken out, unless it was rounding.
  private static func driftNotice(_ drift: Vector3, of system: AtomicSystem) -> [Event] {
    let thermal = (2 * system.kineticEnergy * Units.accelerationPerForce / system.masses.reduce(0, +))
      .squareRoot()
    guard length(drift) > 1e-6 * thermal else { return [] }
    let speed = String(format: "%.3g", length(drift) * 1e3)
    return [
      .note(
        "the structure drifts as a whole with \(speed) Angstrom/ps; its centre of mass is brought to rest, and "
          + "the temperature is that of the motion inside")
    ]
  }
}

extension Deck {
  /// - Throws: `DeckError` at `trajectory.charges` where the deck asks for charges that the force field does not have.
  func requireCharges(of forceField: ForceField) throws {
    guard writesCharges, !forceField.hasCharges else { return }
    throw error(
      at: "trajectory.charges", "this model has no charges to write",
      help: "leave the key out, or take a model whose conserved sources have an energy (`bloch model info`)")
  }
}
