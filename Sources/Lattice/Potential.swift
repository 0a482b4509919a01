// The one door between dynamics and a force field.

/// Energy, forces and stress of one configuration, and how they were computed.
public struct Evaluation: Sendable {
  /// Potential energy in eV.
  public var energy = 0.0
  /// Energy of every atom in eV; they sum to `energy`.
  public var atomicEnergies: [Double] = []
  /// Forces in eV/Angstrom, in the order of the system's atoms.
  public var forces: [Vector3] = []
  /// (1/V) dE/d(strain) in eV/Angstrom^3 (ASE's sign); zero unless every axis is periodic.
  public var stress = Matrix3.zero
  /// Charge of every atom in e, from a potential that has charges.
  public var charges: [Double]?
  /// How far the members of a committee are apart in the force on every atom, eV/Angstrom: the root of the mean square of
  /// their distances from the mean.
  public var forceSpreads: [Double]?
  /// What else the potential says of it, by name.
  public var quantities: [String: Double] = [:]
  /// Asked for: the step of the motion, by which potentials go that change with time.
  public var step: Int64 = 0
  /// By which plan: the next evaluation of the same atoms follows it. Nil lets the potential make one.
  public var plan: EvaluationPlan?

  /// - Parameter plan: of an earlier evaluation of the same atoms, to be followed by the next.
  public init(plan: EvaluationPlan? = nil) { self.plan = plan }
}

/// A force field.
///
/// It may keep a neighbour list and scratch memory between calls, but what it computes is a function of the system, of
/// `result.plan` and `result.step` alone, bit for bit.
public protocol Potential: AnyObject {
  /// Evaluates `system` into `result`, reusing its arrays, by its plan; afterwards `result.plan` holds the plan that was
  /// followed, made or renewed where need be.
  ///
  /// - Throws: `PlanError` for a plan of other atoms or of another potential.
  func evaluate(_ system: AtomicSystem, into result: inout Evaluation) throws

  /// Why a run that is interrupted here had better go on by a new plan, in words; nil where `plan` still serves. While a run
  /// lasts its plan stays, so that energies do not jump.
  func reasonToRenew(_ plan: EvaluationPlan, for system: AtomicSystem) -> String?
}

extension Potential {
  public func reasonToRenew(_ plan: EvaluationPlan, for system: AtomicSystem) -> String? { nil }
}
