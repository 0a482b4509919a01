// Atoms that follow their forces through time, by one of the integrators.

import Lattice

/// Molecular dynamics: a system, the potential that moves it and the integrator that does.
///
///     var motion = MolecularDynamics(system, by: try VelocityVerlet(timestep: 0.5), in: potential, steps: 10)
///     try motion.prepare()
///     while !motion.isFinished { try motion.advance() }
public struct MolecularDynamics: Motion {
  public private(set) var system: AtomicSystem
  /// The last step of the run.
  public let steps: Int64
  public let degreesOfFreedom: Int
  private var integrator: any Integrator
  private let potential: any Potential
  private var evaluation: Evaluation

  /// - Parameters:
  ///   - steps: from the beginning of the run, where it goes on those before included.
  ///   - plan: by which the run evaluated its forces, where it goes on; nil makes one.
  public init(
    _ system: AtomicSystem, by integrator: any Integrator, in potential: any Potential, steps: Int64,
    plan: EvaluationPlan? = nil
  ) {
    evaluation = Evaluation(plan: plan)
    self.system = system
    self.integrator = integrator
    self.potential = potential
    self.steps = steps
    degreesOfFreedom = system.degreesOfFreedom(
      conservingMomentum: type(of: integrator).conservesMomentum)
  }

  public var completedSteps: Int64 { integrator.completedSteps }
  public var isFinished: Bool { completedSteps >= steps }

  public var frame: Frame {
    Frame(
      step: completedSteps, system: system, evaluation: evaluation, degreesOfFreedom: degreesOfFreedom,
      time: Double(completedSteps) * integrator.timestep,
      conservedQuantity: integrator.conservedQuantity(system, evaluation))
  }

  public var state: StateTree { integrator.state }
  public mutating func restore(_ state: StateTree, at step: Int64) throws {
    try integrator.restore(state, at: step)
  }

  public mutating func prepare() throws { try integrator.prepare(system, potential, &evaluation) }
  public mutating func advance() throws { try integrator.step(&system, potential, &evaluation) }
}
