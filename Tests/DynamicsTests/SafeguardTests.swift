import Lattice
import Testing

@testable import Dynamics

@Suite struct SafeguardTests {
  func threeAtoms() -> AtomicSystem {
    AtomicSystem(
      cell: .free, atomicNumbers: [1, 1, 1], masses: [1, 1, 1], positions: [.zero, [2, 0, 0], [4, 0, 0]])
  }

  func error(_ change: (inout Run, PrescribedForces) -> Void) throws -> DynamicsError? {
    let potential = PrescribedForces(forces: [.zero, .zero, .zero])
    var run = try Run(threeAtoms(), potential, VelocityVerlet(timestep: 1))
    try run.advance(4)
    change(&run, potential)
    var step = run
    return #expect(throws: DynamicsError.self) { try step.advance(1) }
  }

  @Test func aRunThatBlowsUpNamesAtomAndStep() throws {
    #expect(try error { _, potential in potential.energy = .nan } == .nonFiniteEnergy(step: 5))
    #expect(
      try error { _, potential in potential.energy = -9e6 }
        == .energyTooLarge(step: 5, perAtom: 3e6, limit: 2e6))
    #expect(try error { _, potential in potential.stress.y.x = .nan } == .nonFiniteStress(step: 5))
    #expect(
      try error { _, potential in potential.forces[1].y = .infinity } == .nonFiniteForce(atom: 1, step: 5))
    #expect(
      try error { run, _ in run.system.positions[2].x = .nan } == .nonFinitePosition(atom: 2, step: 5))
    #expect(
      try error { _, potential in potential.forces[2] = [0, 3000, 4000] }
        == .forceTooLarge(atom: 2, step: 5, magnitude: 5000, limit: 1000))
    #expect(
      try error { run, _ in run.system.velocities[0] = [0, 0.6, 0.8] }
        == .displacementTooLarge(atom: 0, step: 5, magnitude: 1, limit: 0.5))
  }

  @Test func wordsCountAtomsFromOneAndKeepThreeDigits() {
    let move = DynamicsError.displacementTooLarge(atom: 1, step: 0, magnitude: 0.971198962759472, limit: 0.5)
    #expect(
      move.description.hasPrefix("atom 2 moves 0.971 Angstrom in one step, beyond the limit of 0.5 Angstrom"))
    let force = DynamicsError.forceTooLarge(atom: 0, step: nil, magnitude: 1234.5678, limit: 1000)
    #expect(
      force.description.hasPrefix(
        "the force on atom 1 is 1.23e+03 eV/Angstrom, beyond the limit of 1e+03 eV/Angstrom; check the structure"
      ))
    // Outside a run there is no timestep to shorten.
    #expect(!force.description.contains("timestep") && move.description.contains("timestep"))
  }

  @Test func theStartingConfigurationIsChecked() throws {
    let potential = PrescribedForces(forces: [.zero, .zero, [.nan, 0, 0]])
    #expect(throws: DynamicsError.nonFiniteForce(atom: 2, step: 0)) {
      try Run(threeAtoms(), potential, VelocityVerlet(timestep: 1))
    }
  }

  @Test func thePotentialNeverSeesAPositionThatIsNotFinite() throws {
    final class Recorder: Potential {
      var calls = 0
      func evaluate(_ system: AtomicSystem, into result: inout Evaluation) {
        calls += 1
        result.forces = Array(repeating: .zero, count: system.count)
      }
    }
    let potential = Recorder()
    var run = try Run(threeAtoms(), potential, VelocityVerlet(timestep: 1))
    run.system.velocities[1].z = .nan
    #expect(throws: DynamicsError.nonFinitePosition(atom: 1, step: 1)) { try run.advance(1) }
    #expect(potential.calls == 1)
  }

  @Test func settingsOutOfRangeAreRefused() throws {
    func refuses(_ make: () throws -> any Integrator, _ word: String) {
      let error = #expect(throws: DynamicsError.self) { _ = try make() }
      #expect(error?.description.contains(word) == true)
    }
    refuses({ try VelocityVerlet(timestep: 0) }, "timestep")
    refuses({ try VelocityVerlet(timestep: .nan) }, "timestep")
    func langevin(_ temperature: TemperatureSchedule, friction: Double = 1) throws -> any Integrator {
      try LangevinBAOAB(timestep: 1, temperature: temperature, friction: friction, seed: 0)
    }
    refuses({ try langevin(.constant(-1)) }, "temperature")
    refuses({ try langevin(.constant(1), friction: -1) }, "friction")
    refuses({ try langevin(.ramp(from: 1, to: 2, steps: 0)) }, "ramp")
    refuses({ try langevin(.ramp(from: 1, to: .infinity, steps: 9)) }, "ramp")
    func chain(_ kelvin: Double, tau: Double = 50, length: Int = 3, n: Int = 3) throws -> any Integrator {
      try NoseHooverVerlet(
        timestep: 1, temperature: .constant(kelvin), relaxationTime: tau, chainLength: length,
        degreesOfFreedom: n)
    }
    refuses({ try chain(0) }, "temperature of 0.001 K or more, not 0 K")
    refuses({ try chain(300, tau: 5) }, "tau")
    refuses({ try chain(300, length: 0) }, "link")
    refuses({ try chain(300, n: 0) }, "no atom")
  }
}
