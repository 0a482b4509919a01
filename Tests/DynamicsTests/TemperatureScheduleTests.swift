import Lattice
import Testing

@testable import Dynamics

@Suite struct TemperatureScheduleTests {
  @Test func temperatureIsAFunctionOfTheStep() {
    let ramp = TemperatureSchedule.ramp(from: 100, to: 300, steps: 1000)
    #expect([0, 250, 1000, 5000].map { ramp.temperature(at: $0) } == [100, 150, 300, 300])
    #expect(TemperatureSchedule.constant(77).temperature(at: 1 << 40) == 77)
  }

  /// The atoms' temperature less the bath's, over the second half of a slow ramp and after its end.
  @Test(arguments: [Ensemble.langevin, .noseHoover])
  func atomsFollowARamp(_ ensemble: Ensemble) throws {
    let steps = 200_000
    let schedule = TemperatureSchedule.ramp(from: 100, to: 900, steps: Int64(steps))
    var (system, potential) = springCube(stiffness: 0.5)
    let integrator = try ensemble.integrator(schedule, degreesOfFreedom: 21, seed: 4)
    let n = system.degreesOfFreedom(conservingMomentum: type(of: integrator).conservesMomentum)
    system.drawVelocities(temperature: 100, degreesOfFreedom: n, seed: 4)
    var run = try Run(system, potential, integrator)

    try run.advance(steps / 2)
    for _ in 0..<2 {
      var difference = BlockAverage(blockLength: 1000)
      try run.advance(steps / 2) {
        let bath = schedule.temperature(at: $0.integrator.completedSteps)
        difference.add($0.system.temperature(degreesOfFreedom: n) - bath)
      }
      #expect(difference.standardError < 15)
      #expect(abs(difference.mean) < 4 * difference.standardError)
    }
    #expect(schedule.temperature(at: run.integrator.completedSteps) == 900)
  }
}
