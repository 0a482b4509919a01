// Energies, forces and stresses of the structures in a file, and their errors where the file has labels.

import Deck
import Diagnostics
import Domains
import Dynamics
import Foundation
import Lattice
import Training
import Trajectory

/// Sums of squared differences between model and labels.
private struct Deviation {
  private var squares = 0.0
  private var count = 0

  mutating func add(_ difference: Double) {
    squares += difference * difference
    count += 1
  }

  var rootMeanSquare: Double? { count == 0 ? nil : (squares / Double(count)).squareRoot() }
}

/// Differences between a model and the labels of a file.
private struct Deviations {
  private var (energy, forces, stress) = (Deviation(), Deviation(), Deviation())
  private var names: Set<String> = []

  mutating func add(_ result: Evaluation, _ labels: ComparedLabels, of system: AtomicSystem) {
    if let label = labels.energy {
      energy.add((result.energy - label) / Double(system.count))
    }
    for (f, label) in zip(result.forces, labels.forces ?? []) {
      for axis in 0..<3 { forces.add(f[axis] - label[axis]) }
    }
    if system.cell.isFullyPeriodic, let label = labels.stress {
      for i in 0..<3 { for j in 0..<3 { stress.add(result.stress[i][j] - label[i][j]) } }
    }
    names.formUnion(labels.names)
  }

  /// Nil without labels.
  var summary: String? {
    let errors = [
      energy.rootMeanSquare.map { String(format: "energy %.3f meV/atom", $0 * 1e3) },
      forces.rootMeanSquare.map { String(format: "forces %.2f meV/Angstrom", $0 * 1e3) },
      stress.rootMeanSquare.map { String(format: "stress %.4f meV/Angstrom^3", $0 * 1e3) },
    ].compactMap { $0 }
    guard !errors.isEmpty else { return nil }
    return "root-mean-square difference from the file's labels (\(names.sorted().joined(separator: ", "))): "
      + errors.joined(separator: ", ")
  }
}

/// Warnings, of which a person sees the first few.
private struct Warnings {
  private var count = 0
  private static let shown = 5

  mutating func add(_ warning: Diagnostic, _ events: EventHandler) throws {
    count += 1
    if count <= Self.shown { try events(.warning(warning)) }
  }

  func close(_ events: EventHandler) throws {
    if count > Self.shown {
      try events(
        .warning(
          Diagnostic(severity: .warning, "\(count - Self.shown) more warnings like these are not shown")))
    }
  }
}

/// Evaluates every structure of the file or pipe `structures`, each as if it were the only one.
/// - Parameters:
///   - names: those of what results are compared with; nil finds the usual ones.
///   - run: whose plan every frame follows; nil makes a plan for each.
///   - output: extended XYZ file, or `-` for the standard output, for the frames with energy, forces and stress, charges and the
///     dipole of free clusters where the model has charges; nil writes none. Columns and keys of the file are kept, results of
///     other calculators are not.
///   - events: hears warnings, and the results: one line of a table for every frame, and a summary.
/// - Throws: `StructureError`, `FileError`, `NumericalError` for energies or forces beyond sense, or what the potential
///   and `events` throw. Nothing is left of `output` then. `FileError` after all is written where no frame has a label that was
///   named.
public func evaluateStructures(
  in structures: String, with forceField: ForceField, labels names: LabelNames = LabelNames(),
  as run: RunPlan? = nil, output: String?, events: EventHandler
) throws {
  try run?.requireModel(of: forceField)
  if let output { try requireWritable(output) }
  let reader = try StructureReader(structures, keeping: [.names, .columns])
  let writer = try output.map { try ExtendedXYZWriter(creating: $0) }
  var result = Evaluation()
  var deviations = Deviations()
  var search = LabelSearch(names, file: structures)
  var warnings = Warnings()
  var frame = 0
  func report(_ line: String) throws { try events(.result(line)) }
  let grades = forceField.extrapolationGrades
  try report(
    "frame   atoms   energy (eV)          energy/atom (eV)   largest force (eV/Angstrom)"
      + (grades == nil ? "" : "   farthest from the data")
      + (forceField.memberCount == 1 ? "" : "   models apart (eV/Angstrom)"))
  while var configuration = try reader.next() {
    frame += 1
    let system = configuration.system
    for warning in configuration.warnings { try warnings.add(warning, events) }
    try forceField.requireSpecies(of: system, file: structures, frame: frame)
    do {
      result.plan = run?.evaluation
      try forceField.potential.evaluate(system, into: &result)
      try StabilityLimits().check(result, step: nil)
    } catch let error as PlanError {
      throw FileError(
        file: structures, "frame \(frame) is not of the run: \(error.reason)",
        help: "leave --plan-of out to evaluate structures of any kind")
    } catch let error as DomainError {
      throw UsageError(message: "frame \(frame) of \(structures): \(error.message)", help: error.help)
    } catch let error where error is DynamicsError || error is LatticeError {
      throw NumericalError(cause: "frame \(frame) of \(structures): \(error)")
    }
    let labels = try search.labels(of: configuration, frame: frame)
    for warning in labels.warnings { try warnings.add(warning, events) }
    deviations.add(result, labels, of: system)
    // Before another evaluation.
    let grade = grades.flatMap { $0().max() }
    let spread = result.forceSpreads?.max()
    var last = [String(format: "%.6f", result.forces.map(length).max() ?? 0)]
    if let grade { last.append(String(format: "%.2f", grade)) }
    if let spread { last.append(String(format: "%.6f", spread)) }
    try report(
      column("\(frame)", 8) + column("\(system.count)", 8) + column(String(format: "%.9f", result.energy), 21)
        + column(String(format: "%.9f", result.energy / Double(system.count)), 19)
        + last.dropLast().enumerated().map { column($1, $0 == 0 ? 30 : 25) }.joined() + (last.last ?? ""))
    configuration.energy = result.energy
    configuration.forces = result.forces
    configuration.stress = system.cell.isFullyPeriodic ? result.stress : nil
    if let grade { configuration.info["extrapolation_grade"] = String(format: "%.3f", grade) }
    // What another committee said is gone.
    configuration.columns.removeAll { $0.name == "force_spread" }
    if let spread, let spreads = result.forceSpreads {
      configuration.info["force_spread"] = "\(spread)"
      configuration.columns.append(.forceSpreads(spreads))
    }
    configuration.charges = result.charges
    configuration.dipole = result.charges.flatMap { system.dipole(of: $0) }
    try writer?.append(configuration)
  }
  try writer?.close()
  try warnings.close(events)
  if let summary = deviations.summary { try report(summary) }
  try search.requireAllFound()
}

extension AtomicSystem {
  /// sum_n q_n (r_n - R), e Angstrom, R the centre of mass: an ion's depends on it. Nil where an axis is periodic.
  func dipole(of charges: [Double]) -> Vector3? {
    guard !cell.hasPeriodicAxis else { return nil }
    var (moment, centre) = (Vector3.zero, Vector3.zero)
    for (r, mass) in zip(positions, masses) { centre += r * mass }
    centre /= masses.reduce(0, +)
    for (r, charge) in zip(positions, charges) { moment += (r - centre) * charge }
    return moment
  }
}

private func column(_ text: String, _ width: Int) -> String {
  text.padding(toLength: max(width, text.count + 1), withPad: " ", startingAt: 0)
}
