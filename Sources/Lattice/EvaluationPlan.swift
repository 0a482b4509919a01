// How a potential evaluates a system, as a value: all that its numbers depend on beside the system. Energy and forces are
// a function of (system, plan) to the last bit, never of what was evaluated before.

/// What a potential has settled on for a system: made by the first evaluation, handed from each to the next, kept whole in
/// checkpoints.
public struct EvaluationPlan: Hashable, Sendable {
  /// The cell that chose what must not jump when the cell changes its shape, such as the integers of wavevectors.
  public var cell: Cell
  /// Positions (Angstrom) that fixed the order of atoms in sums. The potential takes new ones where atoms have gone too
  /// far from them.
  public var positions: [Vector3]
  /// What else was chosen, in words and numbers that the potential reads back.
  public var choices: [String: String]
  /// The plans of the potentials of which this one is made, where they have plans of their own.
  public var members: [EvaluationPlan]

  public init(
    cell: Cell, positions: [Vector3], choices: [String: String] = [:], members: [EvaluationPlan] = []
  ) {
    self.cell = cell
    self.positions = positions
    self.choices = choices
    self.members = members
  }
}

/// A plan that does not belong to the system or the potential.
public struct PlanError: Error, Hashable, Sendable, CustomStringConvertible {
  public let reason: String

  public init(_ reason: String) { self.reason = reason }

  public var description: String { "the plan of the evaluation does not fit: \(reason)" }
}
