// Microcanonical dynamics (NVE): velocity Verlet, B(dt/2) A(dt) B(dt/2).
// Swope, Andersen, Berens, Wilson 1982, doi 10.1063/1.442716.

import Lattice

/// Velocity Verlet: symplectic, reversible, second order. Conserves K + U.
public struct VelocityVerlet: Integrator {
  public let timestep: Double
  public private(set) var completedSteps: Int64 = 0
  public var limits: StabilityLimits
  public static var conservesMomentum: Bool { true }

  /// - Parameter timestep: in fs.
  /// - Throws: `DynamicsError.invalidSetting`.
  public init(timestep: Double, limits: StabilityLimits = StabilityLimits()) throws {
    try Self.validate(timestep: timestep)
    self.timestep = timestep
    self.limits = limits
  }

  public mutating func step(
    _ system: inout AtomicSystem, _ potential: any Potential, _ evaluation: inout Evaluation
  ) throws {
    system.kick(evaluation.forces, timestep / 2)
    system.drift(timestep)
    try evaluate(system, potential, &evaluation, step: completedSteps + 1)
    system.kick(evaluation.forces, timestep / 2)
    completedSteps += 1
  }

  public func conservedQuantity(_ system: AtomicSystem, _ evaluation: Evaluation) -> Double {
    system.kineticEnergy + evaluation.energy
  }

  public var state: StateTree { [:] }

  public mutating func restore(_ state: StateTree, at step: Int64) throws {
    try state.read { _ in completedSteps = step }
  }
}
