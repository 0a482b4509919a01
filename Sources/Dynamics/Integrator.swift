// What carries a system from t to t + dt. Forces at t are handed from step to step in `evaluation`, so a step
// costs one force evaluation; velocities are those of the full step.

import Lattice

/// A composition of kicks, drifts and heat baths, symmetric in time.
///
/// A run, fresh or restarted, begins with `prepare`, then calls `step`:
///
///     try integrator.restore(saved, at: step)                                  // only after a restart
///     try integrator.prepare(system, potential, &evaluation)
///     for _ in 0..<steps { try integrator.step(&system, potential, &evaluation) }
///
/// Noise and temperatures are functions of the step number, so N + N steps through a saved state end with
/// the bits of 2N steps, provided that `evaluation` begins with the plan that it ended with.
public protocol Integrator: Sendable {
  /// Length of a step in fs.
  var timestep: Double { get }
  /// Steps completed since the run began.
  var completedSteps: Int64 { get }
  var limits: StabilityLimits { get set }
  /// Whether the total momentum is a constant of motion when no atom is fixed. Then the centre of mass is brought to
  /// rest before the first step, and no degree of freedom is counted for it.
  static var conservesMomentum: Bool { get }

  /// Advances by one step. `evaluation` holds the forces at the start and is overwritten by those at the end.
  /// - Throws: `DynamicsError` when a limit is passed, or what the potential throws; the system is then left
  ///   in the middle of a step.
  mutating func step(
    _ system: inout AtomicSystem, _ potential: any Potential, _ evaluation: inout Evaluation) throws

  /// The constant of motion in eV that shows the error of the integration.
  func conservedQuantity(_ system: AtomicSystem, _ evaluation: Evaluation) -> Double

  /// All that the next step needs beside its number, positions and velocities.
  var state: StateTree { get }

  /// Goes on after `step` steps.
  /// - Throws: `StateError` when `state` was saved by another kind of integrator.
  mutating func restore(_ state: StateTree, at step: Int64) throws
}

extension Integrator {
  /// Evaluates the forces that the first step starts from.
  public func prepare(
    _ system: AtomicSystem, _ potential: any Potential, _ evaluation: inout Evaluation
  ) throws {
    try evaluate(system, potential, &evaluation, step: completedSteps)
  }

  /// Forces at the present positions, with motion checked before the potential sees them and forces after.
  func evaluate(
    _ system: AtomicSystem, _ potential: any Potential, _ evaluation: inout Evaluation, step: Int64
  ) throws {
    try limits.checkMotion(of: system, timestep: timestep, step: step)
    evaluation.step = step
    try potential.evaluate(system, into: &evaluation)
    try limits.check(evaluation, step: step)
  }

  static func validate(timestep: Double) throws {
    try DynamicsError.require(
      timestep > 0 && timestep.isFinite, .timestep, "timestep must be above 0 fs, not \(timestep) fs")
  }
}

/// Which random numbers belong to whom: no two uses share a stream.
enum RandomStream {
  static let initialVelocities: UInt32 = 0
  static let langevin: UInt32 = 1
  static let cellRescaling: UInt32 = 2
}
