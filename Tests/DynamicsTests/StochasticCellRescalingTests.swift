import Foundation
import Lattice
import Testing

@testable import Dynamics

@Suite struct StochasticCellRescalingTests {
  let kT = Units.boltzmann * 300

  func barostat(
    timestep: Double, pressure: Double, compressibility: Double, tau: Double = 500,
    coupling: CellCoupling = .isotropic, seed: UInt64 = 1, for system: AtomicSystem
  ) throws -> StochasticCellRescaling {
    try StochasticCellRescaling(
      timestep: timestep, pressure: .constant(pressure), relaxationTime: tau,
      compressibility: compressibility,
      coupling: coupling, seed: seed, system: system)
  }

  /// N atoms without forces, each with three momenta: P(V) ~ V^N exp(-pV/kT), of mean (N+1) kT/p and variance
  /// (N+1) (kT/p)^2.
  @Test func volumesOfAnIdealGasAreThoseOfTheEnsemble() throws {
    var system = gas(count: 30, length: 60)
    system.drawVelocities(temperature: 300, degreesOfFreedom: 90, seed: 3)
    let p = 31 * kT / 216_000
    var run = try Run(
      system, IdealGas(),
      LangevinBAOAB(
        timestep: 5, temperature: .constant(300), friction: 0.01, seed: 2,
        barostat: barostat(timestep: 5, pressure: p, compressibility: 1 / p, tau: 2500, for: system)))
    try run.expectVolumesOfAnIdealGas(shape: 31, pressure: p, blockLength: 5000, steps: 600_000)
  }

  enum Bath: CaseIterable { case langevin, noseHoover }

  func crystal(
    _ bath: Bath, timestep: Double = 4, coupling: CellCoupling = .isotropic, pressure: Double = 1e-3,
    seed: UInt64 = 1
  ) throws -> Run {
    var (system, potential) = try springCrystal()
    let barostat = try barostat(
      timestep: timestep, pressure: pressure, compressibility: 20, coupling: coupling, seed: seed, for: system
    )
    let n = bath == .langevin ? 81 : 78
    system.drawVelocities(temperature: 300, degreesOfFreedom: n, seed: 4)
    switch bath {
    case .langevin:
      return try Run(
        system, potential,
        LangevinBAOAB(
          timestep: timestep, temperature: .constant(300), friction: 0.01, seed: seed, barostat: barostat))
    case .noseHoover:
      return try Run(
        system, potential,
        NoseHooverVerlet(
          timestep: timestep, temperature: .constant(300), relaxationTime: 50, degreesOfFreedom: n,
          barostat: barostat))
    }
  }

  /// <V (P_int - p)> = -kT for every mode that moves, as for Martyna-Tobias-Klein. The barostat is told more than the
  /// compressibility of the crystal, 9 Angstrom^3/eV. Standard errors below 3 kT are 1% of pV.
  @Test(arguments: [CellCoupling.isotropic, .semiIsotropic], Bath.allCases)
  func pressureIsTheTargetByTheVirialTheorem(_ coupling: CellCoupling, _ bath: Bath) throws {
    let p = 0.01
    var run = try crystal(bath, coupling: coupling, pressure: p)
    var means = coupling.modes.map { _ in BlockAverage(blockLength: 4000) }
    try run.advance(10_000)
    try run.advance(200_000) {
      let drive = $0.system.pressureTensor(potential: $0.evaluation.stress) - Matrix3.identity * p
      for (m, mode) in coupling.modes.enumerated() {
        means[m].add(doubleDot(drive, mode) * $0.system.cell.volume / kT)
      }
    }
    for (mode, mean) in zip(coupling.modes, means) {
      #expect(mean.standardError < 3)
      #expect(abs(mean.mean + mode.trace) < 4 * mean.standardError)
    }
    let cell = run.system.cell.vectors
    #expect(cell.x.x == cell.y.y && (cell.x.x == cell.z.z) == (coupling == .isotropic))
  }

  /// var(V) = kT V beta_T, with beta_T from the volumes at two pressures, by both barostats.
  @Test func volumesFluctuateByTheCompressibility() throws {
    func volumes(_ run: Run) throws -> (mean: BlockAverage, variance: Double) {
      var run = run
      var mean = BlockAverage(blockLength: 5000)
      var samples: [Double] = []
      try run.advance(10_000)
      try run.advance(300_000) {
        mean.add($0.system.cell.volume)
        samples.append($0.system.cell.volume)
      }
      let deviation = rootMeanSquareFluctuation(samples)
      return (mean, deviation * deviation)
    }
    func inertial(_ p: Double) throws -> Run {
      var (system, potential) = try springCrystal()
      system.drawVelocities(temperature: 300, degreesOfFreedom: 78, seed: 4)
      return try Run(
        system, potential,
        MartynaTobiasKlein(
          timestep: 4, temperature: .constant(300), thermostat: .init(relaxationTime: 50),
          pressure: .constant(p), relaxationTime: 200, system: system))
    }
    let (low, high, between) = (0.0, 4e-3, 2e-3)
    let rescaled = try [low, high, between].map { try volumes(crystal(.noseHoover, pressure: $0)) }
    let withInertia = try [low, high, between].map { try volumes(inertial($0)) }
    for (a, b) in zip(rescaled, withInertia) {
      let error = (a.mean.standardError * a.mean.standardError + b.mean.standardError * b.mean.standardError)
        .squareRoot()
      #expect(abs(a.mean.mean - b.mean.mean) < 4 * error && error < 0.4)
    }
    for runs in [rescaled, withInertia] {
      let slope = (runs[0].mean.mean - runs[1].mean.mean) / (high - low)
      #expect(abs(runs[2].variance / (kT * slope) - 1) < 0.1)
    }
  }

  /// 100 ps in which the barostat does work of some eV.
  @Test(arguments: Bath.allCases) func energyLessTheWorkOfBarostatAndBathIsConserved(_ bath: Bath) throws {
    let drifts = try [4.0, 1.0].map { timestep in
      var run = try crystal(bath, timestep: timestep)
      let start = run.conserved
      var worst = 0.0
      try run.advance(Int(100_000 / timestep)) { worst = max(worst, abs($0.conserved - start)) }
      return worst
    }
    #expect(drifts[0] < 27 * 2e-3 && drifts[1] < 27 * 5e-4)
  }

  @Test(arguments: Bath.allCases) func twoHalvesEndWithTheBitsOfTheWhole(_ bath: Bath) throws {
    var whole = try crystal(bath)
    try whole.advance(200)
    var first = try crystal(bath)
    try first.advance(100)
    var second = try first.resumed(with: springCrystal().1, crystal(bath).integrator)
    try second.advance(100)
    #expect(bits(second) == bits(whole) && second.integrator.state == whole.integrator.state)
    #expect(second.system.cell == whole.system.cell && second.system.cell != first.system.cell)
    var other = try crystal(bath, seed: 2)
    try other.advance(200)
    #expect(other.system.cell != whole.system.cell)
  }
}
