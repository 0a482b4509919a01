// Constant pressure by a cell without inertia: stochastic cell rescaling, Bernetti, Bussi 2020, doi 10.1063/5.0020514.
// Isotropic, with epsilon = ln(V / V_0), beta_T an estimate of the isothermal compressibility (eqs. 5 and 7 there):
//
//   d epsilon = -(beta_T / tau) (P_0 - P_int) dt + sqrt(2 k_B T beta_T / (V tau)) dW
//
// semi-isotropic, with the area A of the plane xy and the height L along z,
//
//   d ln A = -(2 beta_T / 3 tau) (P_0 - P_xy) dt + sqrt(4 k_B T beta_T / (3 V tau)) dW_xy
//   d ln L = -(  beta_T / 3 tau) (P_0 - P_z ) dt + sqrt(2 k_B T beta_T / (3 V tau)) dW_z
//
// In the modes B_m of `CellCoupling` all of this is one equation for the strain E of a step, with xi_m standard normals:
//
//   E = (beta_T dt / 3 tau) project(P_int - P_0) + sqrt(2 k_B T beta_T dt / (3 V tau)) sum_m xi_m B_m
//
// Positions and cell change by e^E, velocities by e^-E. The volumes are those of the isothermal-isobaric ensemble whatever
// beta_T is; it and tau set how fast they come and go. Rescaling stands where a step of the thermostatted dynamics evaluates its
// forces, so it costs none; its P_int takes the stress of the evaluation before, an error of first order in dt / tau.
//
// What rescaling does to K is known exactly, and to U as V sigma : E, from the mean of the stresses before and after. Less this
// work the energy is conserved up to the error of the integration.

import Lattice

/// The barostat that `LangevinBAOAB` and `NoseHooverVerlet` take on.
public struct StochasticCellRescaling: Sendable {
  public let pressure: PressureSchedule
  /// tau in fs.
  public let relaxationTime: Double
  /// beta_T in Angstrom^3/eV.
  public let compressibility: Double
  public let coupling: CellCoupling

  private let random: CounterRNG
  /// Done on the atoms, in eV.
  private(set) var work = 0.0
  /// E of the present step.
  private var strain = Matrix3.zero

  /// - Parameters:
  ///   - relaxationTime: tau in fs, at least ten time steps; some 500 to 2000 fs suit liquids.
  ///   - compressibility: beta_T in Angstrom^3/eV, right by a factor of a few.
  ///   - coupling: isotropic or semi-isotropic.
  ///   - system: whose cell is to move: periodic along every axis, no atom fixed.
  /// - Throws: `DynamicsError.invalidSetting`.
  public init(
    timestep: Double, pressure: PressureSchedule, relaxationTime: Double, compressibility: Double,
    coupling: CellCoupling = .isotropic, seed: UInt64, system: AtomicSystem
  ) throws {
    try pressure.validate()
    try coupling.validate(timestep: timestep, relaxationTime: relaxationTime, system: system)
    try DynamicsError.require(
      compressibility > 0 && compressibility.isFinite, .compressibility,
      "a compressibility must be above 0, not \(compressibility / Units.bar) 1/bar")
    try DynamicsError.require(
      coupling == .isotropic || coupling == .semiIsotropic, .coupling,
      "stochastic cell rescaling is isotropic or semi-isotropic")
    self.pressure = pressure
    self.relaxationTime = relaxationTime
    self.compressibility = compressibility
    self.coupling = coupling
    random = CounterRNG(seed: seed)
  }

  /// Changes the cell at the end of the step that leads from `step` to `step + 1`, before its forces are evaluated.
  /// - Parameters:
  ///   - stress: of the evaluation before.
  ///   - temperature: of the bath, in K.
  mutating func rescale(
    _ system: inout AtomicSystem, stress: Matrix3, temperature: Double, timestep: Double, step: Int64,
    limits: StabilityLimits
  ) throws {
    let volume = system.cell.volume
    let drive = system.pressureTensor(potential: stress) - pressure.pressure(at: step + 1)
    let rate = compressibility * timestep / (3 * relaxationTime)
    let amplitude = (2 * Units.boltzmann * temperature * rate / volume).squareRoot()
    let xi = random.normals(step: step, atom: 0, stream: RandomStream.cellRescaling)
    strain = coupling.project(drive) * rate
    for (m, mode) in coupling.modes.enumerated() { strain += mode * (amplitude * xi[m]) }
    try limits.check(strain: strain, of: system, step: step + 1)
    let before = system.kineticEnergy
    system.strain(by: strain)
    work += system.kineticEnergy - before + doubleDot(stress, strain) * volume / 2
  }

  /// Books the rest of the work, once the forces of the new cell are known.
  mutating func settle(_ system: AtomicSystem, stress: Matrix3) {
    work += doubleDot(stress, strain) * system.cell.volume / 2
  }

  // MARK: - State

  static let workName = "barostat_work"

  /// Takes its values from the group of its integrator.
  mutating func restore(from state: inout StateReader) throws { work = try state.number(Self.workName) }
}

extension StateTree {
  /// The state of an integrator with that of its barostat.
  func adding(_ barostat: StochasticCellRescaling?) -> StateTree {
    var tree = self
    tree.values[StochasticCellRescaling.workName] = barostat.map { .numbers([$0.work]) }
    return tree
  }
}
