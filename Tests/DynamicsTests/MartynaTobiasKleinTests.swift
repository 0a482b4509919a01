import Foundation
import Lattice
import Testing

@testable import Dynamics

/// eV/Angstrom^3; 1600 bar.
private let pressure = 1e-3

private struct Case: Sendable, CustomTestStringConvertible {
  let name: String
  var coupling = CellCoupling.isotropic
  var target = PressureSchedule.constant(pressure)
  /// In K, at the start and after `rampLength`, as the pressure.
  var temperatures = (300.0, 300.0)
  var isThermostatted = true
  static let rampLength = 600.0  // fs

  var testDescription: String { name }

  func integrator(timestep: Double, tau: Double = 200, for system: AtomicSystem) throws -> MartynaTobiasKlein
  {
    let steps = Int64(Self.rampLength / timestep)
    return try MartynaTobiasKlein(
      timestep: timestep, temperature: .ramp(from: temperatures.0, to: temperatures.1, steps: steps),
      thermostat: isThermostatted ? .init(relaxationTime: 50) : nil,
      pressure: .init(from: target.start, to: target.end, steps: steps), relaxationTime: tau,
      coupling: coupling, system: system)
  }

  /// A crystal at 300 K that is not at the volume of the pressure, sheared where the cell is triclinic.
  func run(timestep: Double) throws -> Run {
    let shear: Matrix3 =
      coupling == .triclinic ? Matrix3([0.01, 0.02, 0], [0, 0, -0.01], [0.01, 0, 0]) : .zero
    var (system, potential) = try springCrystal(shear: shear)
    system.drawVelocities(temperature: 300, degreesOfFreedom: 78, seed: 4)
    return try Run(system, potential, integrator(timestep: timestep, for: system))
  }

  static let uneven = PressureSchedule.constant(
    Matrix3([0.002, 0.0005, 0], [0.0005, 0.001, -0.0003], [0, -0.0003, -0.001]))
  static let all = [
    Case(name: "NPH", isThermostatted: false), Case(name: "NPT"),
    Case(name: "semi-isotropic", coupling: .semiIsotropic),
    Case(name: "z alone", coupling: .components([.zz])),
    Case(name: "orthorhombic", coupling: .orthorhombic, target: uneven),
    Case(name: "triclinic", coupling: .triclinic, target: uneven),
    Case(name: "triclinic NPH", coupling: .triclinic, target: uneven, isThermostatted: false),
    Case(
      name: "ramps", coupling: .orthorhombic,
      target: PressureSchedule(from: .identity * 0.003, to: uneven.end, steps: 1), temperatures: (200, 400)),
  ]
}

@Suite struct MartynaTobiasKleinTests {
  let kT = Units.boltzmann * 300

  // MARK: - Propagators

  @Test func theSeriesOfThePropagatorsAreExact() {
    for x in [-0.1, -1e-3, 0, 1e-9, 0.02, 0.1] {
      let m = Matrix3([x, 0, 0], [0, x / 2, 0], [0, 0, -x])
      for (i, value) in [x, x / 2, -x].enumerated() {
        let phi = value == 0 ? 1 : exp(value / 2) * sinh(value / 2) / (value / 2)
        #expect(abs(m.phi1[i][i] - phi) < 4e-16 && abs(m.exponential[i][i] - exp(value)) < 4e-16)
      }
    }
    // A rotation's generator, whose exponential is known.
    let turned = Matrix3([0, 0.1, 0], [-0.1, 0, 0], .zero).exponential
    #expect(abs(turned.x.x - cos(0.1)) < 4e-16 && abs(turned.x.y - sin(0.1)) < 4e-16)
  }

  @Test func modesOfACouplingAreOrthonormal() {
    for coupling in [CellCoupling.isotropic, .semiIsotropic, .orthorhombic, .triclinic] {
      for (m, a) in coupling.modes.enumerated() {
        for (n, b) in coupling.modes.enumerated() {
          #expect(abs(doubleDot(a, b) - (m == n ? 1 : 0)) < 1e-15)
        }
      }
    }
    let x = Matrix3([1, 2, 3], [4, 5, 6], [7, 8, 10])
    #expect(abs(CellCoupling.isotropic.project(x).y.y - x.trace / 3) < 4e-15)
    let symmetric = (x + x.transposed) * 0.5
    let rest = CellCoupling.triclinic.project(x) - symmetric
    #expect(doubleDot(rest, rest) < 1e-28)
  }

  // MARK: - Conserved quantity

  @Test(arguments: Case.all) fileprivate func errorOfTheConservedQuantityFallsAsTheSquareOfTheTimestep(
    _ ensemble: Case
  ) throws {
    let errors = try [4.0, 2.0, 1.0].map { timestep in
      var run = try ensemble.run(timestep: timestep)
      var energies: [Double] = []
      try run.advance(Int(800 / timestep)) { energies.append($0.conserved) }
      return rootMeanSquareFluctuation(energies)
    }
    #expect(abs(errors[0] / errors[1] - 4) < 0.2)
    #expect(abs(errors[1] / errors[2] - 4) < 0.2)
  }

  @Test(arguments: Case.all) fileprivate func conservedQuantityDoesNotDrift(_ ensemble: Case) throws {
    var run = try ensemble.run(timestep: 1)
    let start = run.conserved
    var worst = 0.0
    try run.advance(50_000) { worst = max(worst, abs($0.conserved - start)) }
    // 1e-4 eV per atom in 50 ps, in which the cell changes by several percent.
    #expect(worst < 27 * 1e-4)
  }

  /// Longer ones part by the chaos of the chains.
  @Test(arguments: Case.all.filter { $0.name != "ramps" })
  fileprivate func reversedVelocitiesRetraceTheTrajectory(
    _ ensemble: Case
  ) throws {
    var run = try ensemble.run(timestep: 2)
    let start = run.system
    try run.advance(100)
    #expect(abs(run.system.cell.volume / start.cell.volume - 1) > 1e-3)
    for i in 0..<27 { run.system.velocities[i] = -run.system.velocities[i] }
    try run.integrator.restore(run.integrator.state.reversed, at: 100)
    try run.advance(100)
    for i in 0..<27 { #expect(length(run.system.positions[i] - start.positions[i]) < 1e-12) }
    let change = run.system.cell.vectors - start.cell.vectors
    #expect(doubleDot(change, change) < 1e-24)
  }

  @Test(arguments: Case.all) fileprivate func twoHalvesEndWithTheBitsOfTheWhole(_ ensemble: Case) throws {
    var whole = try ensemble.run(timestep: 2)
    try whole.advance(200)
    var first = try ensemble.run(timestep: 2)
    try first.advance(100)
    var second = try first.resumed(
      with: springCrystal().1, ensemble.integrator(timestep: 2, for: first.system))
    try second.advance(100)
    #expect(bits(second) == bits(whole) && second.integrator.state == whole.integrator.state)
    #expect(second.system.cell == whole.system.cell && second.system.cell != first.system.cell)
  }

  // MARK: - Against analytic results

  /// At rest on their sites the atoms give the cell its potential alone, and the cell its frequency:
  /// (W/2) w : w = (3W/2) (d epsilon/dt)^2 against U + pV, whose second derivative by epsilon = ln(V)/3 is 9 B V.
  @Test func aCellWithoutHeatOscillatesWithItsInertia() throws {
    var (system, potential) = try springCrystal()
    let tau = 500.0
    func energy(_ scale: Double) -> Double {
      var (scaled, result) = (system, Evaluation())
      scaled.cell = Cell(vectors: system.cell.vectors * scale)
      scaled.positions = system.positions.map { $0 * scale }
      potential.evaluate(scaled, into: &result)
      return result.energy
    }
    let h = 1e-3
    let curvature = (energy(exp(h)) - 2 * energy(1) + energy(exp(-h))) / (h * h)
    let inertia = 81 * kT * tau * tau / 3
    let period = 2 * Double.pi * (3 * inertia / curvature).squareRoot()
    system.positions = system.positions.map { $0 * 1.0005 }
    system.cell = Cell(vectors: system.cell.vectors * 1.0005)
    var run = try Run(
      system, potential,
      Case(name: "", target: .constant(0), isThermostatted: false)
        .integrator(timestep: 1, tau: tau, for: system))
    // Times at which the volume passes its rest on the way up.
    var (crossings, before) = ([Double](), 0.0)
    try run.advance(Int(5.5 * period)) {
      let now = log($0.system.cell.volume / 729)
      if before < 0, now >= 0 {
        crossings.append(Double($0.integrator.completedSteps) - now / (now - before))
      }
      before = now
    }
    #expect(crossings.count == 5)
    #expect(abs((crossings[4] - crossings[0]) / (4 * period) - 1) < 1e-3)
    #expect(run.system.kineticEnergy < 1e-20)
  }

  /// N atoms without forces and with their centre of mass at rest: P(V) ~ V^(N-1) exp(-pV/kT), a Gamma distribution of mean
  /// N kT/p and variance N (kT/p)^2.
  @Test func volumesOfAnIdealGasAreThoseOfTheEnsemble() throws {
    var system = gas(count: 10, length: 60)
    system.drawVelocities(temperature: 300, degreesOfFreedom: 27, seed: 3)
    let p = 10 * kT / 216_000
    var run = try Run(
      system, IdealGas(),
      MartynaTobiasKlein(
        timestep: 10, temperature: .constant(300), thermostat: .init(relaxationTime: 200, chainLength: 4),
        pressure: .constant(p), relaxationTime: 1000, system: system))
    try run.expectVolumesOfAnIdealGas(shape: 10, pressure: p, blockLength: 20_000, steps: 2_000_000)
  }

  /// Integrating by parts in the strain, of the ensemble's V^(-1) dV and its like for tensors:
  /// <V (P_int - S)> = -kT for every component that moves (off the diagonal 0), and of the cell <W w : w> = count kT.
  @Test(arguments: [Case.all[1], Case.all[2], Case.all[5]])
  fileprivate
    func pressureIsTheTargetByTheVirialTheorem(_ ensemble: Case) throws
  {
    var run = try ensemble.run(timestep: 4)
    let target = ensemble.target.end
    let modes = ensemble.coupling.modes
    var means = modes.map { _ in BlockAverage(blockLength: 4000) }
    var (kinetic, temperature) = (means[0], means[0])
    let inertia = 81 * kT * 200 * 200 / 3
    try run.advance(10_000)
    try run.advance(400_000) {
      let drive = $0.system.pressureTensor(potential: $0.evaluation.stress) - target
      for (m, mode) in modes.enumerated() {
        means[m].add(doubleDot(drive, mode) * $0.system.cell.volume / kT)
      }
      let w = $0.integrator.strainRate
      kinetic.add(inertia * doubleDot(w, w) / (Double(modes.count) * kT))
      temperature.add($0.system.temperature(degreesOfFreedom: 78) / 300)
    }
    for (mode, mean) in zip(modes, means) {
      // Of 27 atoms the pressure fluctuates by some ten kT / V.
      #expect(mean.standardError < 0.4)
      #expect(abs(mean.mean + mode.trace) < 4 * mean.standardError)
    }
    #expect(kinetic.standardError < 0.05 && temperature.standardError < 0.003)
    #expect(abs(kinetic.mean - 1) < 4 * kinetic.standardError)
    #expect(abs(temperature.mean - 1) < 4 * temperature.standardError)
  }

  @Test func momentumStaysZeroAndAtRestWhatDoesNotMove() throws {
    var run = try Case(name: "", coupling: .components([.zz])).run(timestep: 2)
    let before = run.system.cell.vectors
    try run.advance(2000)
    let after = run.system.cell.vectors
    #expect(length(run.system.momentum) < 1e-11)
    #expect(after.x == before.x && after.y == before.y && after.z.z != before.z.z)
    run = try Case.all[1].run(timestep: 2)
    try run.advance(2000)
    let cell = run.system.cell.vectors
    #expect(cell.x.x == cell.y.y && cell.y.y == cell.z.z && cell.x.y == 0)
  }
}

extension Integrator {
  /// w of a Martyna-Tobias-Klein cell.
  fileprivate var strainRate: Matrix3 {
    guard case .vectors(let w)? = state.values["cell_strain_rate"] else { return .zero }
    return Matrix3(w[0], w[1], w[2])
  }
}

extension StateTree {
  /// The state of the same integrator on its way back.
  fileprivate var reversed: StateTree {
    StateTree(
      Dictionary(
        uniqueKeysWithValues: values.map { name, value in
          switch value {
          case .vectors(let w): (name, .vectors(w.map { -$0 }))
          case .numbers(let w) where name == "chain_velocities": (name, .numbers(w.map { -$0 }))
          case .group(let tree): (name, .group(tree.reversed))
          default: (name, value)
          }
        }))
  }
}
