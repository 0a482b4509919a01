// Langevin dynamics, BAOAB splitting: B(dt/2) A(dt/2) O(dt) A(dt/2) B(dt/2).
// Leimkuhler, Matthews 2013, doi 10.1093/amrx/abs010.
//
//   dv = a F/m dt - gamma v dt + sqrt(2 gamma a k_B T / m) dW
//   O(dt): v <- c v + sqrt((1 - c^2) a k_B T / m) xi,   c = exp(-gamma dt)
//
// xi is a pure function of (seed, step, atom): the noise depends neither on threads nor on restarts. With a barostat
// isothermal-isobaric (NPT).

import Foundation
import Lattice

/// Langevin dynamics. Exact configurational averages on harmonic potentials, second order elsewhere.
///
/// Momentum is not conserved: every atom that moves counts three degrees of freedom. Conserves K + U - Q,
/// with Q the heat taken from the bath (the changes of K by O), less the work of a barostat, up to the error of the Verlet
/// part.
public struct LangevinBAOAB: Integrator {
  public let timestep: Double
  public let temperature: TemperatureSchedule
  /// gamma in 1/fs.
  public let friction: Double
  public private(set) var completedSteps: Int64 = 0
  public var limits: StabilityLimits
  public static var conservesMomentum: Bool { false }

  private let random: CounterRNG
  /// Q in eV.
  private var bathHeat = 0.0
  private var barostat: StochasticCellRescaling?

  /// - Parameters:
  ///   - timestep: in fs.
  ///   - temperature: in K, 0 allowed (a quench).
  ///   - friction: gamma in 1/fs; 0 gives velocity Verlet.
  /// - Throws: `DynamicsError.invalidSetting`.
  public init(
    timestep: Double, temperature: TemperatureSchedule, friction: Double, seed: UInt64,
    barostat: StochasticCellRescaling? = nil, limits: StabilityLimits = StabilityLimits()
  ) throws {
    try Self.validate(timestep: timestep)
    try temperature.validate(from: 0)
    try DynamicsError.require(
      friction >= 0 && friction.isFinite, .friction,
      "friction must be at least 0 /fs, not \(friction) /fs")
    self.timestep = timestep
    self.temperature = temperature
    self.friction = friction
    self.barostat = barostat
    self.limits = limits
    self.random = CounterRNG(seed: seed)
  }

  public mutating func step(
    _ system: inout AtomicSystem, _ potential: any Potential, _ evaluation: inout Evaluation
  ) throws {
    let kelvin = temperature.temperature(at: completedSteps + 1)
    system.kick(evaluation.forces, timestep / 2)
    system.drift(timestep / 2)
    exchangeHeat(&system, kelvin)
    system.drift(timestep / 2)
    try barostat?.rescale(
      &system, stress: evaluation.stress, temperature: kelvin, timestep: timestep, step: completedSteps,
      limits: limits)
    try evaluate(system, potential, &evaluation, step: completedSteps + 1)
    barostat?.settle(system, stress: evaluation.stress)
    system.kick(evaluation.forces, timestep / 2)
    completedSteps += 1
  }

  /// O: the exact solution of the Ornstein-Uhlenbeck process over dt.
  private mutating func exchangeHeat(_ system: inout AtomicSystem, _ kelvin: Double) {
    let step = completedSteps
    let decay = exp(-friction * timestep)
    let noise =
      -expm1(-2 * friction * timestep) * Units.accelerationPerForce * Units.boltzmann * kelvin
    let random = random
    let before = system.kineticEnergy
    let (masses, moveMask) = (system.masses, system.moveMask)
    system.velocities.withUnsafeMutableBufferPointer { v in
      for i in v.indices {
        let xi = random.normals(step: step, atom: i, stream: RandomStream.langevin)
        v[i] = decay * v[i] + (noise / masses[i]).squareRoot() * xi * moveMask[i]
      }
    }
    bathHeat += system.kineticEnergy - before
  }

  public func conservedQuantity(_ system: AtomicSystem, _ evaluation: Evaluation) -> Double {
    system.kineticEnergy + evaluation.energy - bathHeat - (barostat?.work ?? 0)
  }

  public var state: StateTree { StateTree(["bath_heat": .numbers([bathHeat])]).adding(barostat) }

  public mutating func restore(_ state: StateTree, at step: Int64) throws {
    try state.read {
      bathHeat = try $0.number("bath_heat")
      try barostat?.restore(from: &$0)
    }
    completedSteps = step
  }
}
