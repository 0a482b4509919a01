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
  /// Steps after which the centre of mass is brought to rest; nil for never.
  private let driftInterval: Int64?
  /// What that has taken in all, in eV.
  private var driftEnergy = 0.0

  /// - Parameters:
  ///   - steps: from the beginning of the run, where it goes on those before included.
  ///   - driftInterval: steps after which the centre of mass is brought to rest again, so that its motion counts as no degree of
  ///     freedom under any integrator; nil for never.
  ///   - plan: by which the run evaluated its forces, where it goes on; nil makes one.
  public init(
    _ system: AtomicSystem, by integrator: any Integrator, in potential: any Potential, steps: Int64,
    driftInterval: Int64? = nil, plan: EvaluationPlan? = nil
  ) {
    evaluation = Evaluation(plan: plan)
    self.system = system
    self.system.stopFixedAtoms()
    self.integrator = integrator
    self.potential = potential
    self.steps = steps
    self.driftInterval = driftInterval
    degreesOfFreedom = system.degreesOfFreedom(
      conservingMomentum: type(of: integrator).conservesMomentum || driftInterval != nil)
  }

  public var completedSteps: Int64 { integrator.completedSteps }
  public var isFinished: Bool { completedSteps >= steps }

  public var frame: Frame {
    Frame(
      step: completedSteps, system: system, evaluation: evaluation, degreesOfFreedom: degreesOfFreedom,
      time: Double(completedSteps) * integrator.timestep,
      conservedQuantity: integrator.conservedQuantity(system, evaluation) + driftEnergy)
  }

  private static let driftName = "drift_energy"

  public var state: StateTree {
    var state = integrator.state
    if driftInterval != nil { state.values[Self.driftName] = .numbers([driftEnergy]) }
    return state
  }

  public mutating func restore(_ state: StateTree, at step: Int64) throws {
    var rest = state
    if driftInterval != nil {
      guard let value = rest.values.removeValue(forKey: Self.driftName) else {
        throw StateError(Self.driftName, "is missing")
      }
      driftEnergy = try StateTree([Self.driftName: value]).read { try $0.number(Self.driftName) }
    }
    try integrator.restore(rest, at: step)
  }

  public mutating func prepare() throws { try integrator.prepare(system, potential, &evaluation) }

  public mutating func advance() throws {
    try integrator.step(&system, potential, &evaluation)
    guard let driftInterval, completedSteps.isMultiple(of: driftInterval) else { return }
    let before = system.kineticEnergy
    system.removeCenterOfMassMotion()
    driftEnergy += before - system.kineticEnergy
  }
}
