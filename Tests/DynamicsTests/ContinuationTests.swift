import Foundation
import Lattice
import Testing

@testable import Dynamics

/// The integrators under test, made afresh for each run.
enum Ensemble: String, CaseIterable, Sendable {
  case microcanonical, langevin, noseHoover

  func integrator(_ temperature: TemperatureSchedule, degreesOfFreedom: Int, seed: UInt64) throws
    -> any Integrator
  {
    switch self {
    case .microcanonical:
      try VelocityVerlet(timestep: 1)
    case .langevin:
      try LangevinBAOAB(timestep: 1, temperature: temperature, friction: 0.01, seed: seed)
    case .noseHoover:
      try NoseHooverVerlet(
        timestep: 1, temperature: temperature, relaxationTime: 40, chainLength: 4,
        degreesOfFreedom: degreesOfFreedom)
    }
  }
}

@Suite struct ContinuationTests {
  static let schedules: [TemperatureSchedule] = [.constant(300), .ramp(from: 50, to: 400, steps: 150)]

  func start(
    _ ensemble: Ensemble, _ schedule: TemperatureSchedule, moveMask: [Vector3]? = nil, seed: UInt64 = 9
  )
    throws -> Run
  {
    var (system, potential) = springCube(moveMask: moveMask)
    let integrator = try ensemble.integrator(schedule, degreesOfFreedom: 21, seed: seed)
    let n = system.degreesOfFreedom(conservingMomentum: type(of: integrator).conservesMomentum)
    system.drawVelocities(temperature: 300, degreesOfFreedom: n, seed: seed)
    return try Run(system, potential, integrator)
  }

  @Test(arguments: Ensemble.allCases, schedules)
  func twoHalvesEndWithTheBitsOfTheWhole(_ ensemble: Ensemble, _ schedule: TemperatureSchedule) throws {
    var whole = try start(ensemble, schedule)
    try whole.advance(200)

    var first = try start(ensemble, schedule)
    try first.advance(100)
    var second = try first.resumed(
      with: springCube().1, ensemble.integrator(schedule, degreesOfFreedom: 21, seed: 9))
    try second.advance(100)
    #expect(bits(second) == bits(whole))
    #expect(bits(second) != bits(first))
  }

  @Test(arguments: Ensemble.allCases)
  func sameSeedSameBitsAnotherSeedDiffers(_ ensemble: Ensemble) throws {
    func bitsAfterFifty(seed: UInt64) throws -> [UInt64] {
      var run = try start(ensemble, .constant(300), seed: seed)
      try run.advance(50)
      return bits(run)
    }
    #expect(try bitsAfterFifty(seed: 1) == bitsAfterFifty(seed: 1))
    #expect(try bitsAfterFifty(seed: 1) != bitsAfterFifty(seed: 2))
  }

  @Test(arguments: Ensemble.allCases)
  func fixedAtomsNeverMoveAlongAnyFixedAxis(_ ensemble: Ensemble) throws {
    let masks: [Vector3] = (0..<8).map { $0 == 2 || $0 == 5 ? .zero : $0 == 3 ? [1, 0, 1] : .one }
    var run = try start(ensemble, .constant(300), moveMask: masks)
    let before = run.system.positions
    try run.advance(500)
    for i in 0..<8 {
      for axis in 0..<3 {
        #expect((run.system.positions[i][axis] == before[i][axis]) == (masks[i][axis] == 0))
        #expect((run.system.velocities[i][axis] == 0) == (masks[i][axis] == 0))
      }
    }
    #expect(length(run.evaluation.forces[2]) > 0 && abs(run.evaluation.forces[3].y) > 0)
  }

  @Test func aForeignStateIsRefused() throws {
    let verlet = try start(.microcanonical, .constant(300))
    let langevin = try start(.langevin, .constant(300))
    let chain = try start(.noseHoover, .constant(300))
    var other = try NoseHooverVerlet(
      timestep: 1, temperature: .constant(300), relaxationTime: 40, chainLength: 3, degreesOfFreedom: 21)
    for state in [verlet, langevin, chain].map(\.integrator.state) {
      #expect(throws: StateError.self) { try other.restore(state, at: 0) }
    }
    var run = langevin
    #expect(throws: StateError("bath_heat", "is missing")) {
      try run.integrator.restore(verlet.integrator.state, at: 0)
    }
    run = verlet
    #expect(throws: StateError("bath_heat", "is not known to this program")) {
      try run.integrator.restore(langevin.integrator.state, at: 0)
    }
  }
}
