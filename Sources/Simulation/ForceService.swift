// A deck's force field for another program, by the i-PI protocol: i-PI's replicas, ASE's optimizers and paths.
//
// What the program gets is a function of the deck and of the configuration that it sent, to the last bit: never of what was
// asked before, or by which replica. Every configuration is evaluated by one plan, that of the deck's structure in its cell,
// so that energies and stresses do not jump while the cell changes, and several clients of one server agree.

import Deck
import Diagnostics
import Dynamics
import Foundation
import IPI
import Lattice
import Trajectory

/// A service: made from a deck, then run once.
public struct ForceService {
  public let deck: Deck
  private let keys: Deck.Service
  private let forceField: ForceField
  private let events: EventHandler
  /// The deck's structure: elements, order and periodic axes are its; positions and cell are the server's.
  private var system: AtomicSystem
  private let plan: EvaluationPlan
  /// Fractional coordinates of the structure's atoms.
  private let home: [Vector3]
  private let structureEnergy: Double
  private var evaluation = Evaluation()
  private var tally = Tally()
  private var alarm = ExtrapolationAlarm()

  /// Reads structure and model, and evaluates the structure once.
  /// - Throws: `DeckError`, `FileError`, `NumericalError`, or what the force field throws when it is made.
  public init(
    deck: Deck, events: @escaping EventHandler = { _ in },
    forceField makeForceField: (Deck) throws -> ForceField = ForceField.lrmace
  ) throws {
    self.deck = deck
    keys = try deck.require(deck.service, of: .serve)
    self.events = events
    let forceField = try makeForceField(deck)
    let structure = try deck.readStructure()
    for warning in structure.warnings { try events(.warning(warning)) }
    let system = try AtomicSystem(structure, deck: deck, forceField: forceField)
    var first = Evaluation()
    try numerically { try forceField.potential.evaluate(system, into: &first) }
    self.forceField = forceField
    self.system = system
    plan = first.plan ?? EvaluationPlan(cell: system.cell, positions: system.positions)
    home = system.positions.map(system.cell.fractional)
    structureEnergy = first.energy
  }

  /// Describes the service.
  public func check() -> String {
    """
    atoms           \(system.count) (\(system.composition)), in the order of the structure
    cell            \(system.cellDescription)\
    \(forceField.ranks?.bricks().map { "\ndivision        \($0)" } ?? "")
    energy          \(String(format: "%.6f eV", structureEnergy)) of the structure
    virial          \(system.cell.isFullyPeriodic ? "yes" : "none: not every axis is periodic")
    server          \(keys.address.map { "\($0)" } ?? "to be named by --ipi")
    All is well: \(Release.command) \(deck.kind.command) \(shellQuoted(deck.file))
    """
  }

  // MARK: - Serving

  /// Waits for the server and serves it until it ends, or until something asks the service to.
  /// - Parameter interruption: what asks for the end, nil for nothing.
  /// - Throws: `DeckError` where no server is named or its system is another one, `IPIError`, `NumericalError` for
  ///   configurations and forces beyond sense, what the handler of events throws.
  public mutating func run(interruption: @escaping () -> String? = { nil }) throws {
    guard let address = keys.address else {
      throw deck.error(
        at: "serve.ipi", or: ["serve"], "no server is named",
        help: "write `serve: {ipi: localhost:31415}`, or give `--ipi`")
    }
    if let bricks = forceField.ranks?.bricks() { try events(.note(bricks)) }
    var client = Client(address, atoms: system.count, isInterrupted: { interruption() != nil })
    try events(
      .note(
        "\(system.count) atoms (\(system.composition)) in the order of \(deck.structure)"
          + (system.cell.isFullyPeriodic ? "" : "; no virial, as not every axis is periodic")))
    repeat {
      guard try reach(&client) else {
        if let name = interruption() { try events(.note("ended by \(name)")) }
        break
      }
      let start = ContinuousClock.now
      let ending: Client.Ending
      do { ending = try client.serve { try answer($0) } } catch let error as AtomCountMismatch {
        throw deck.error(
          at: "structure",
          "the server \(address) has \(error.sent) atoms, the structure has \(system.count)",
          help: "give the deck the structure of the server, atoms in the same order")
      }
      tally.seconds += seconds(ContinuousClock.now - start)
      try events(.note("\(address): \(ending.words(interruption()))"))
    } while keys.reconnects && interruption() == nil
    try events(.result(tally.description))
  }

  /// Waits until there is a server; false where the service is to end without one.
  private func reach(_ client: inout Client) throws -> Bool {
    let address = client.address
    let time = keys.patience.map { String(format: "for %g s", $0) } ?? "until it comes"
    do {
      let isThere = try client.connect(within: keys.patience.map { .seconds($0) }) {
        try events(.note("no server at \(address) yet (\($0)); waiting \(time)"))
      }
      if isThere { try events(.note("serving \(address)")) }
      return isThere
    } catch is IPIError where tally.evaluations > 0 {
      try events(.note("no other server came to \(address)"))
      return false
    }
  }

  private mutating func answer(_ request: Request) throws -> Answer {
    let start = ContinuousClock.now
    try place(request)
    do {
      evaluation.plan = plan
      try forceField.potential.evaluate(system, into: &evaluation)
      try StabilityLimits().check(evaluation, step: nil)
    } catch LatticeError.cellOutgrewItsWavevectors(let growth, let limit) {
      throw deck.error(
        at: "structure",
        String(
          format:
            "the cell of the server is %.1f %% larger between two faces than that of the structure, whose "
            + "wavevectors serve up to %.0f %%", (growth - 1) * 100, (limit - 1) * 100),
        help: "give the deck a structure in the largest cell that the server goes to")
    } catch let error where error is DynamicsError || error is LatticeError {
      throw refusal("\(error)")
    }
    let grade = try forceField.extrapolationGrades.flatMap { try farthest($0()) }
    tally.count(seconds: seconds(ContinuousClock.now - start))
    if let progress = tally.progress(energy: evaluation.energy) { try events(.serviceProgress(progress)) }
    return Answer(
      energy: evaluation.energy, forces: evaluation.forces,
      virial: evaluation.stress * -(system.cell.isFullyPeriodic ? system.cell.volume : 0),
      extras: evaluation.extras(of: system, grade: grade))
  }

  /// Brings the configuration of `request` into `system`: each atom in the image whose fractional coordinates are nearest to
  /// the structure's, so that nothing depends on how the server wraps its atoms.
  private mutating func place(_ request: Request) throws {
    // Of a free structure the server's cell means nothing: i-PI has a box, ASE none.
    if system.cell.hasPeriodicAxis {
      if let flaw = Plausibility.flaw(ofCell: request.cell, isPeriodic: system.cell.isPeriodic) {
        throw refusal("\(flaw), but the structure of the deck is periodic")
      }
      system.cell = Cell(vectors: request.cell, isPeriodic: system.cell.isPeriodic)
    }
    for (atom, position) in request.positions.enumerated() {
      system.positions[atom] = system.cell.image(of: position, nearest: home[atom])
    }
  }

  private func refusal(_ cause: String) -> NumericalError {
    NumericalError(cause: "configuration \(tally.evaluations + 1) of the server: \(cause)")
  }

  /// The largest of `grades`; an atom that is far from the training data is told.
  private mutating func farthest(_ grades: [Double]) throws -> Double? {
    guard let found = Extrapolation(grades, of: system, step: Int64(tally.evaluations + 1)) else {
      return nil
    }
    if let warning = alarm.warning(found, "in evaluation \(found.step)") { try events(.warning(warning)) }
    return found.grade
  }
}

extension Client.Ending {
  fileprivate func words(_ interruption: String?) -> String {
    switch self {
    case .dismissed: "the server said EXIT"
    case .gone(false): "the server closed the connection"
    case .gone(true): "the server went away in the middle of a message"
    case .interrupted: "ended by \(interruption ?? "an interruption")"
    }
  }
}

// MARK: - Words

/// Evaluations and times of a service.
private struct Tally: CustomStringConvertible {
  private(set) var evaluations = 0
  private var evaluationSeconds = 0.0
  /// Connected.
  var seconds = 0.0
  private var told: ContinuousClock.Instant?

  mutating func count(seconds: Double) {
    evaluations += 1
    evaluationSeconds += seconds
  }

  private var millisecondsEach: Double { evaluationSeconds / Double(max(1, evaluations)) * 1e3 }

  /// Nil unless a word is due.
  mutating func progress(energy: Double) -> ServiceProgress? {
    if let told, ContinuousClock.now - told < .milliseconds(250) { return nil }
    told = .now
    return ServiceProgress(evaluations: evaluations, energy: energy, millisecondsEach: millisecondsEach)
  }

  var description: String {
    guard evaluations > 0 else { return "No evaluations were asked for." }
    let between = max(0, seconds - evaluationSeconds) / Double(evaluations) * 1e3
    return "\(evaluations) \(evaluations == 1 ? "evaluation" : "evaluations") in "
      + String(format: "%.1f s: %.2f ms each, and %.2f ms between them", seconds, millisecondsEach, between)
  }
}

/// How far a service is.
public struct ServiceProgress: Sendable, CustomStringConvertible {
  public let evaluations: Int
  /// Of the last one, in eV.
  public let energy: Double
  public let millisecondsEach: Double

  public var description: String {
    "evaluation \(evaluations)" + String(format: "   E %.4f eV   %.2f ms each", energy, millisecondsEach)
  }
}

// MARK: - Extras

extension Evaluation {
  /// What a model knows beside energy and forces, as a JSON object: `charges` (e) and of free clusters the `dipole` (e bohr),
  /// where it has charges; `force_spreads` (hartree/bohr) of a committee; `extrapolation_grade`, that of the atom farthest from
  /// the training data.
  fileprivate func extras(of system: AtomicSystem, grade: Double?) -> String {
    func list(_ numbers: [Double]) -> String { "[" + numbers.map { "\($0)" }.joined(separator: ", ") + "]" }
    var entries: [String] = []
    if let charges {
      entries.append("\"charges\": \(list(charges))")
      if let moment = system.dipole(of: charges) {
        entries.append("\"dipole\": \(list((0..<3).map { moment[$0] / AtomicUnits.bohr }))")
      }
    }
    if let forceSpreads {
      entries.append(
        "\"force_spreads\": \(list(forceSpreads.map { $0 * AtomicUnits.bohr / AtomicUnits.hartree }))")
    }
    if let grade, grade.isFinite { entries.append("\"extrapolation_grade\": \(grade)") }
    return "{" + entries.joined(separator: ", ") + "}"
  }
}
