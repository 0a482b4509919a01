// Canonical dynamics (NVT): velocity Verlet between two half steps of a Nose-Hoover chain,
// NHC(dt/2) B(dt/2) A(dt) B(dt/2) NHC(dt/2).
// Martyna, Tuckerman, Tobias, Klein 1996, doi 10.1080/00268979600100761. With a barostat isothermal-isobaric (NPT).

import Lattice

/// Nose-Hoover chain dynamics: deterministic, reversible, second order. Conserves K + U + the chain's energy, less the
/// work of a barostat.
public struct NoseHooverVerlet: Integrator {
  public let timestep: Double
  public let temperature: TemperatureSchedule
  public private(set) var completedSteps: Int64 = 0
  public var limits: StabilityLimits
  public static var conservesMomentum: Bool { true }

  private var chain: NoseHooverChain
  private var barostat: StochasticCellRescaling?

  /// In K: the chain's masses are proportional to the temperature, so that it cannot hold nothing at rest.
  public static let lowestTemperature = 1e-3

  /// - Parameters:
  ///   - timestep: in fs.
  ///   - temperature: in K, `lowestTemperature` or more.
  ///   - relaxationTime: tau in fs, as in Q_1 = n_dof k_B T tau^2 (LAMMPS' Tdamp; 1/(2 pi) of GROMACS' tau-t).
  ///     At least ten time steps; some 50 to 200 fs suit liquids.
  ///   - chainLength: number of thermostats M, at least 1; 3 is customary.
  ///   - degreesOfFreedom: `system.degreesOfFreedom(conservingMomentum: true)`, at least 1.
  /// - Throws: `DynamicsError.invalidSetting`.
  public init(
    timestep: Double, temperature: TemperatureSchedule, relaxationTime: Double, chainLength: Int = 3,
    degreesOfFreedom: Int, barostat: StochasticCellRescaling? = nil,
    limits: StabilityLimits = StabilityLimits()
  ) throws {
    try Self.validate(timestep: timestep)
    try temperature.validate(from: Self.lowestTemperature)
    try NoseHooverChain.validate(
      timestep: timestep, relaxationTime: relaxationTime, length: chainLength,
      degreesOfFreedom: degreesOfFreedom)
    self.timestep = timestep
    self.temperature = temperature
    self.barostat = barostat
    self.limits = limits
    self.chain = NoseHooverChain(
      degreesOfFreedom: degreesOfFreedom, relaxationTime: relaxationTime, length: chainLength)
  }

  public mutating func step(
    _ system: inout AtomicSystem, _ potential: any Potential, _ evaluation: inout Evaluation
  ) throws {
    let kelvin = temperature.temperature(at: completedSteps + 1)
    chain.changeTemperature(from: temperature.temperature(at: completedSteps), to: kelvin)
    exchangeHeat(&system, kelvin)
    system.kick(evaluation.forces, timestep / 2)
    system.drift(timestep)
    try barostat?.rescale(
      &system, stress: evaluation.stress, temperature: kelvin, timestep: timestep, step: completedSteps,
      limits: limits)
    try evaluate(system, potential, &evaluation, step: completedSteps + 1)
    barostat?.settle(system, stress: evaluation.stress)
    system.kick(evaluation.forces, timestep / 2)
    exchangeHeat(&system, kelvin)
    completedSteps += 1
  }

  private mutating func exchangeHeat(_ system: inout AtomicSystem, _ kelvin: Double) {
    let factor = chain.propagate(timestep / 2, kineticEnergy: system.kineticEnergy, temperature: kelvin)
    system.scaleVelocities(by: factor)
  }

  public func conservedQuantity(_ system: AtomicSystem, _ evaluation: Evaluation) -> Double {
    system.kineticEnergy + evaluation.energy + chain.potentialEnergy
      + chain.kineticEnergy(temperature: temperature.temperature(at: completedSteps)) - (barostat?.work ?? 0)
  }

  public var state: StateTree { chain.state.adding(barostat) }

  public mutating func restore(_ state: StateTree, at step: Int64) throws {
    try state.read {
      try chain.restore(from: &$0)
      try barostat?.restore(from: &$0)
    }
    completedSteps = step
  }
}
