// Constant pressure by a cell with inertia: Martyna, Tobias, Klein 1994, doi 10.1063/1.467468. Integrator: Tuckerman,
// Alejandre, Lopez-Rendon, Jochim, Martyna 2006, doi 10.1088/0305-4470/39/19/S18, and for cells of any shape Yu, Alejandre,
// Lopez-Rendon, Martyna, Tuckerman 2010, doi 10.1016/j.chemphys.2010.02.014.
//
// w is the rate of strain of the cell in 1/fs, a symmetric tensor (`CellCoupling`), W its inertia in eV fs^2, S the pressure
// asked for, p = tr(S) / 3, and 2K the trace of the kinetic tensor, V P_int = kinetic tensor - V sigma:
//
//   dr/dt = v + r w              dv/dt = a F / m - v (w + tr(w) / n_dof)  - w_1 v
//   dA/dt = A w                  dw/dt = project[V (P_int - S) + 2K / n_dof] / W - w'_1 w
//
// with chains of thermostats w_1 ... on the atoms and w'_1 ... on the cell (`NoseHooverChain`); without them the enthalpy
// is constant. The mass is W = (n_dof + 3) k_B T tau^2 / 3 for every coupling: of an isotropic one, w = (d ln V / dt) / 3, it is
// the papers' W_epsilon / 3, as (W/2) w : w = (3 W / 2) w^2. One step of dt:
//
//   chains(dt/2)  w(dt/2)  v(dt/2)  [r, A](dt)  forces  v(dt/2)  w(dt/2)  chains(dt/2)
//
// Each flow is exact: for constant w those of v, r and A are exponentials of w t and phi_1(wt), the papers' e^x sinh(x) / x.
// Conserved, with the work done against the surroundings, which is pV but where S differs from p on the diagonal or off it,
//
//   K + U + p V + (W/2) w : w + chains + integral of V (S - p) : w dt - integral of V dp

import Lattice

/// Isothermal-isobaric (NPT) or, without a thermostat, isoenthalpic (NPH) dynamics: deterministic, reversible, second order.
public struct MartynaTobiasKlein: Integrator {
  /// Two chains: one on the atoms, one on the cell. The cell oscillates faster than the barostat's tau, in water four times
  /// and in crystals twenty times, so that a chain of that tau would hardly thermostat it: both have the atoms'.
  public struct Thermostat: Sendable {
    /// tau in fs and number of links, as in `NoseHooverVerlet`.
    public var relaxationTime: Double
    public var chainLength: Int

    public init(relaxationTime: Double, chainLength: Int = 3) {
      (self.relaxationTime, self.chainLength) = (relaxationTime, chainLength)
    }
  }

  public let timestep: Double
  public let temperature: TemperatureSchedule
  public let pressure: PressureSchedule
  public let coupling: CellCoupling
  public private(set) var completedSteps: Int64 = 0
  public var limits: StabilityLimits
  public static var conservesMomentum: Bool { true }

  private let degreesOfFreedom: Int
  /// W in eV fs^2.
  private let inertia: Double
  private var chains: (atoms: NoseHooverChain, cell: NoseHooverChain)?
  /// w in 1/fs.
  private var strainRate = Matrix3.zero
  /// The two integrals, in eV.
  private var externalWork = 0.0

  /// - Parameters:
  ///   - timestep: in fs.
  ///   - temperature: in K, `NoseHooverVerlet.lowestTemperature` or more. Without a thermostat only the cell's inertia is made of it.
  ///   - thermostat: nil for constant enthalpy.
  ///   - relaxationTime: tau in fs, which gives the cell its inertia (LAMMPS' Pdamp). At least ten time steps; some 500 to
  ///     2000 fs suit liquids.
  ///   - system: whose cell is to move: periodic along every axis, no atom fixed.
  /// - Throws: `DynamicsError.invalidSetting`.
  public init(
    timestep: Double, temperature: TemperatureSchedule, thermostat: Thermostat?, pressure: PressureSchedule,
    relaxationTime: Double, coupling: CellCoupling = .isotropic, system: AtomicSystem,
    limits: StabilityLimits = StabilityLimits()
  ) throws {
    try Self.validate(timestep: timestep)
    try temperature.validate(from: NoseHooverVerlet.lowestTemperature)
    try pressure.validate()
    try coupling.validate(timestep: timestep, relaxationTime: relaxationTime, system: system)
    degreesOfFreedom = system.degreesOfFreedom(conservingMomentum: Self.conservesMomentum)
    if let thermostat {
      try NoseHooverChain.validate(
        timestep: timestep, relaxationTime: thermostat.relaxationTime, length: thermostat.chainLength,
        degreesOfFreedom: degreesOfFreedom)
      chains = (
        NoseHooverChain(
          degreesOfFreedom: degreesOfFreedom, relaxationTime: thermostat.relaxationTime,
          length: thermostat.chainLength),
        NoseHooverChain(
          degreesOfFreedom: coupling.count, relaxationTime: thermostat.relaxationTime,
          length: thermostat.chainLength)
      )
    }
    self.timestep = timestep
    self.temperature = temperature
    self.pressure = pressure
    self.coupling = coupling
    self.limits = limits
    inertia =
      Double(degreesOfFreedom + 3) * Units.boltzmann * temperature.highest * relaxationTime * relaxationTime
      / 3
  }

  public mutating func step(
    _ system: inout AtomicSystem, _ potential: any Potential, _ evaluation: inout Evaluation
  ) throws {
    changeTargets(system)
    exchangeHeat(&system)
    accelerateCell(system, evaluation)
    try limits.check(strain: strainRate * timestep, of: system, step: completedSteps + 1)
    system.kick(
      evaluation.forces, timestep / 2, strainRate: strainRate, degreesOfFreedom: degreesOfFreedom)
    bookWork(of: system)
    system.drift(timestep, strainRate: strainRate)
    try evaluate(system, potential, &evaluation, step: completedSteps + 1)
    system.kick(
      evaluation.forces, timestep / 2, strainRate: strainRate, degreesOfFreedom: degreesOfFreedom)
    accelerateCell(system, evaluation)
    exchangeHeat(&system)
    completedSteps += 1
  }

  // MARK: - Parts of a step

  /// Temperature and pressure become those of the step to come, and what this does to the conserved quantity is booked.
  private mutating func changeTargets(_ system: AtomicSystem) {
    let (old, new) = (completedSteps, completedSteps + 1)
    let (cooler, warmer) = (temperature.temperature(at: old), temperature.temperature(at: new))
    chains?.atoms.changeTemperature(from: cooler, to: warmer)
    chains?.cell.changeTemperature(from: cooler, to: warmer)
    externalWork -=
      (pressure.pressure(at: new).trace - pressure.pressure(at: old).trace) / 3 * system.cell.volume
  }

  /// Both chains, dt/2.
  private mutating func exchangeHeat(_ system: inout AtomicSystem) {
    let (kelvin, cellEnergy) = (temperature.temperature(at: completedSteps + 1), cellKineticEnergy)
    let factor = chains?.atoms.propagate(
      timestep / 2, kineticEnergy: system.kineticEnergy, temperature: kelvin)
    let cellFactor = chains?.cell.propagate(timestep / 2, kineticEnergy: cellEnergy, temperature: kelvin)
    guard let factor, let cellFactor else { return }
    system.scaleVelocities(by: factor)
    strainRate = strainRate * cellFactor
  }

  /// w <- w + project[V (P_int - S) + 2K / n_dof] dt / 2W.
  private mutating func accelerateCell(_ system: AtomicSystem, _ evaluation: Evaluation) {
    let kinetic = system.kineticTensor
    let outer = evaluation.stress + pressure.pressure(at: completedSteps + 1)
    let force =
      kinetic - outer * system.cell.volume + Matrix3.identity * (kinetic.trace / Double(degreesOfFreedom))
    strainRate += coupling.project(force) * (timestep / (2 * inertia))
  }

  /// Integral of V (S - p) : w over the drift to come, in which w is constant and V grows as e^(tr(w) t).
  private mutating func bookWork(of system: AtomicSystem) {
    let outer = pressure.pressure(at: completedSteps + 1)
    let deviator = outer - Matrix3.identity * (outer.trace / 3)
    let growth = (Matrix3.identity * (strainRate.trace * timestep)).phi1.x.x
    externalWork += doubleDot(deviator, strainRate) * system.cell.volume * timestep * growth
  }

  private var cellKineticEnergy: Double { inertia * doubleDot(strainRate, strainRate) / 2 }

  // MARK: - What is seen of it

  public func conservedQuantity(_ system: AtomicSystem, _ evaluation: Evaluation) -> Double {
    let kelvin = temperature.temperature(at: completedSteps)
    let bath = chains.map { atoms, cell in
      atoms.potentialEnergy + atoms.kineticEnergy(temperature: kelvin) + cell.potentialEnergy
        + cell.kineticEnergy(temperature: kelvin)
    }
    return system.kineticEnergy + evaluation.energy
      + pressure.pressure(at: completedSteps).trace / 3 * system.cell.volume + cellKineticEnergy
      + externalWork + (bath ?? 0)
  }

  public var state: StateTree {
    var state: StateTree = [
      "cell_strain_rate": .vectors([strainRate.x, strainRate.y, strainRate.z]),
      "external_work": .numbers([externalWork]),
    ]
    if let chains {
      state.values["thermostat"] = .group(chains.atoms.state)
      state.values["cell_thermostat"] = .group(chains.cell.state)
    }
    return state
  }

  public mutating func restore(_ state: StateTree, at step: Int64) throws {
    try state.read { state in
      let rows = try state.vectors("cell_strain_rate", count: 3)
      strainRate = Matrix3(rows[0], rows[1], rows[2])
      externalWork = try state.number("external_work")
      guard var (atoms, cell) = chains else { return }
      try state.readGroup("thermostat") { try atoms.restore(from: &$0) }
      try state.readGroup("cell_thermostat") { try cell.restore(from: &$0) }
      chains = (atoms, cell)
    }
    completedSteps = step
  }
}
