import Foundation
import Lattice
import Testing

@testable import Dynamics

@Suite struct ThermodynamicsTests {
  func box(_ count: Int, isFixed: [Bool]? = nil, moveMask: [Vector3]? = nil) -> AtomicSystem {
    AtomicSystem(
      cell: Cell(vectors: Matrix3([10, 0, 0], [2, 11, 0], [1, -1, 12])),
      atomicNumbers: Array(repeating: 1, count: count), masses: (0..<count).map { 1 + Double($0 % 5) },
      positions: Array(repeating: .zero, count: count),
      moveMask: moveMask ?? isFixed?.map { $0 ? .zero : .one })
  }

  @Test func initialTemperatureIsExactAndTheCentreOfMassAtRest() {
    var system = box(100)
    system.drawVelocities(temperature: 321, degreesOfFreedom: 297, seed: 11)
    #expect(abs(system.temperature(degreesOfFreedom: 297) - 321) < 1e-10)
    #expect(length(system.momentum) < 1e-13)
  }

  @Test func initialVelocitiesAreMaxwellBoltzmann() {
    // Each momentum in units of its thermal width is a standard normal: second moment 1, fourth moment 3,
    // whatever the mass. Standard errors of the moments over n: sqrt(2/n), sqrt(96/n).
    var system = box(20_000)
    system.drawVelocities(temperature: 300, degreesOfFreedom: 59_997, seed: 5)
    for mass in 1...5 {
      var n = 0.0
      var (second, fourth) = (0.0, 0.0)
      for i in 0..<system.count where system.masses[i] == Double(mass) {
        for axis in 0..<3 {
          let v = system.velocities[i][axis]
          let square = v * v * Double(mass) / (Units.accelerationPerForce * Units.boltzmann * 300)
          second += square
          fourth += square * square
          n += 1
        }
      }
      #expect(abs(second / n - 1) < 4 * (2 / n).squareRoot())
      #expect(abs(fourth / n - 3) < 4 * (96 / n).squareRoot())
    }
  }

  @Test func initialVelocitiesDependOnTheSeedAlone() {
    var (a, b, c) = (box(10), box(10), box(10))
    a.drawVelocities(temperature: 300, degreesOfFreedom: 27, seed: 1)
    b.drawVelocities(temperature: 300, degreesOfFreedom: 27, seed: 1)
    c.drawVelocities(temperature: 300, degreesOfFreedom: 27, seed: 2)
    #expect(a.velocities == b.velocities)
    #expect(a.velocities != c.velocities)
  }

  @Test func fixedAtomsStartAtRestAndCountNoDegreeOfFreedom() {
    var system = box(10, isFixed: (0..<10).map { $0 < 3 })
    system.drawVelocities(temperature: 300, degreesOfFreedom: 21, seed: 1)
    for i in 0..<10 { #expect((system.velocities[i] == .zero) == (i < 3)) }
    #expect(abs(system.temperature(degreesOfFreedom: 21) - 300) < 1e-10)
  }

  @Test func degreesOfFreedomCountWhatCanMove() {
    #expect(box(10).degreesOfFreedom(conservingMomentum: true) == 27)
    #expect(box(10).degreesOfFreedom(conservingMomentum: false) == 30)
    let pinned = box(10, isFixed: (0..<10).map { $0 < 3 })
    #expect(pinned.degreesOfFreedom(conservingMomentum: true) == 21)
    #expect(pinned.degreesOfFreedom(conservingMomentum: false) == 21)
    // One atom has no motion but that of the centre of mass, which is not taken from it.
    #expect(box(1).degreesOfFreedom(conservingMomentum: true) == 3)
    #expect(box(2, isFixed: [true, true]).degreesOfFreedom(conservingMomentum: false) == 0)
  }

  @Test func momentumIsConservedAlongTheAxesAlongWhichNoAtomIsFixed() {
    // A layer held in its plane, and one atom held along x and y.
    var system = box(10, moveMask: (0..<10).map { $0 == 0 ? [0, 0, 1] : $0 < 4 ? [1, 1, 0] : [1, 1, 1] })
    #expect(system.degreesOfFreedom(conservingMomentum: true) == 30 - 5)
    system = box(10, moveMask: (0..<10).map { $0 < 4 ? [1, 1, 0] : [1, 1, 1] })
    #expect(system.degreesOfFreedom(conservingMomentum: false) == 26)
    #expect(system.degreesOfFreedom(conservingMomentum: true) == 24)
    system.drawVelocities(temperature: 300, degreesOfFreedom: 24, seed: 1)
    #expect(abs(system.temperature(degreesOfFreedom: 24) - 300) < 1e-10)
    #expect(abs(system.momentum.x) < 1e-13 && abs(system.momentum.y) < 1e-13 && abs(system.momentum.z) > 1e-3)
    for i in 0..<10 { #expect((system.velocities[i].z == 0) == (i < 4) && system.velocities[i].x != 0) }
  }

  /// A bath between two removals of the drift gives the centre of mass some motion back.
  @Test func theMotionOfTheCentreOfMassIsNoHeatWhereItIsNotCounted() {
    var system = box(10)
    system.drawVelocities(temperature: 300, degreesOfFreedom: 27, seed: 1)
    for i in 0..<10 { system.velocities[i] += [0.01, -0.02, 0.005] }
    #expect(abs(system.temperature(degreesOfFreedom: 27) - 300) < 1e-9)
    #expect(system.temperature(degreesOfFreedom: 30) > 301)
  }

  @Test func aSingleAtomKeepsItsThermalMotion() {
    var system = box(1)
    system.drawVelocities(temperature: 300, degreesOfFreedom: 3, seed: 1)
    #expect(abs(system.temperature(degreesOfFreedom: 3) - 300) < 1e-10)
    let drawn = system.velocities
    #expect(system.removeCenterOfMassMotion() == .zero)
    #expect(system.velocities == drawn)
  }

  @Test func kineticEnergyIsHalfTheMassTimesTheSquareOfTheVelocity() {
    // 18 u at 0.01 Angstrom/fs = 1000 m/s: 1.49448515994e-20 J = 0.0932784259 eV.
    let system = AtomicSystem(
      cell: .free, atomicNumbers: [8], masses: [18], positions: [.zero], velocities: [[0, 0.006, 0.008]])
    #expect(abs(system.kineticEnergy - 0.0932784259) < 1e-9)
  }

  @Test func pressureOfAnIdealGasIsNkTOverV() {
    var system = box(100)
    system.drawVelocities(temperature: 300, degreesOfFreedom: 300, seed: 1)
    let expected = 100 * Units.boltzmann * 300 / system.cell.volume
    #expect(abs(system.pressure(potential: .zero) / expected - 1) < 1e-12)
    // Under a potential that pulls inwards by 0.01 eV/Angstrom^3 along x.
    let pulled = system.pressure(potential: Matrix3([0.03, 0, 0], .zero, .zero))
    #expect(abs(pulled - (expected - 0.01)) < 1e-14)
  }

  @Test func thePressureTensorHoldsTheFlowOfMomentum() {
    var system = box(1)
    system.velocities[0] = [0.01, 0.02, -0.03]
    let pressure = system.pressureTensor(potential: .zero)
    let scale = 1 / (Units.accelerationPerForce * system.cell.volume)
    #expect(abs(pressure.x.y - scale * 0.0002) < 1e-18)
    #expect(abs(pressure.z.y - scale * -0.0006) < 1e-18)
    #expect(pressure.x.z == pressure.z.x)
  }
}
