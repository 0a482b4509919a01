// Lights against series whose faults are known, and what a page shows.

import Analysis
import Foundation
import Lattice
import Page
import Testing

@testable import Report

private let random = CounterRNG(seed: 3)

private func noise(_ count: Int, stream: UInt32 = 0) -> [Double] {
  (0..<count).map { random.normals(step: Int64($0), atom: 0, stream: stream).x }
}

@Test(arguments: [(1e-6, Page.Light.good), (3e-5, .doubtful), (-3e-4, .bad)])
func driftIsJudgedByItsSizeForEachAtom(_ drift: Double, _ light: Page.Light) {
  let times = (0..<1000).map { Double($0) * 0.01 }
  let energies = zip(times, noise(1000)).map { -3e4 + 192 * drift * $0 + 1e-4 * $1 }
  let check = RunChecks.drift(energies, times: times, atoms: 192)
  #expect(check.light == light, "\(check.text)")
  #expect(check.text.contains(String(format: "drift %.1e", drift)) || abs(drift) < 1e-5)
}

@Test func driftThatNoiseHidesIsNoFault() {
  // A slope of 2e-5 eV/ps/atom within an error that is larger.
  let times = (0..<200).map { Double($0) * 0.001 }
  let energies = zip(times, noise(200)).map { 192 * 2e-5 * $0 + 0.05 * $1 }
  #expect(RunChecks.drift(energies, times: times, atoms: 192).light == .good)
  #expect(RunChecks.drift([1, 2], times: [0, 1], atoms: 1).light == .unknown)
}

@Test(arguments: [(300.0, Page.Light.good), (306, .doubtful), (330, .bad)])
func temperatureIsJudgedByItsErrorAndByWhatWasAsked(_ mean: Double, _ light: Page.Light) {
  let series = noise(5000).map { mean + 17 * $0 }
  #expect(RunChecks.level("Temperature", series, target: 300, unit: "K").light == light)
}

@Test(arguments: [(1.0, Page.Light.good), (0.5, .bad)])
func fluctuationsAreThoseOfTheCanonicalEnsembleOrNot(_ share: Double, _ light: Page.Light) {
  // var(T) = 2 T^2/n.
  let freedom = 573.0
  let deviation = share * 300 * (2 / freedom).squareRoot()
  let temperature = noise(5000).map { 300 + deviation * $0 }
  let kinetic = temperature.map { $0 * Units.boltzmann * freedom / 2 }
  let check = RunChecks.canonical(temperature, kinetic)
  #expect(check.light == light && check.text.contains("573 degrees of freedom"), "\(check.text)")
}

@Test(arguments: [(300.0, Page.Light.good), (340, .bad)])
func elementsAreAsHotAsTheWholeOrNot(_ hydrogen: Double, _ light: Page.Light) throws {
  // One O and many H with velocities drawn at two temperatures.
  let numbers = (0..<90).map { $0 % 3 == 0 ? 8 : 1 }
  let masses = numbers.map { Elements.mass($0) ?? 1 }
  let frames = (0..<200).map { step in
    let velocities = (0..<90).map { atom in
      let temperature = numbers[atom] == 1 ? hydrogen : 300
      return random.normals(step: Int64(step), atom: atom, stream: 5)
        * (Units.boltzmann * temperature / masses[atom] * Units.accelerationPerForce).squareRoot()
    }
    let system = AtomicSystem(
      cell: Cell(vectors: .identity * 10), atomicNumbers: numbers, masses: masses,
      positions: numbers.map { _ in .zero }, velocities: velocities)
    let mean = (2 * hydrogen + 300) / 3
    return TrajectoryFrame(
      time: Double(step), system: system, hasVelocities: true, observables: ["temperature": mean])
  }
  var means = ObservableMeans(Composition(frames[0]), units: [:])
  for frame in frames { means.add(means.sample(frame)) }
  let found = try means.findings(Conditions(times: frames.map(\.time), temperature: nil))
  let oxygen = try #require(found.number("temperature of O"))
  #expect(abs((oxygen.value ?? 0) - 300) < 4 * (oxygen.error ?? 0))
  #expect(RunChecks.equipartition(found).light == light)
}

/// In a layer that is held in its plane atoms have two degrees of freedom each.
@Test func temperaturesOfElementsCountTheAxesAlongWhichAtomsMove() throws {
  let system = AtomicSystem(
    cell: Cell(vectors: .identity * 10), atomicNumbers: [8, 8, 1], masses: [16, 16, 1],
    positions: [.zero, [3, 0, 0], [0, 3, 0]],
    velocities: [[0.001, 0.002, 0], [0.003, -0.001, 0], [0.01, 0.02, 0.03]])
  let frame = TrajectoryFrame(time: 0, system: system, hasVelocities: true, observables: [:])
  let sample = ObservableMeans(Composition(frame), units: [:]).sample(frame)
  let square = 16 * (0.001 * 0.001 + 0.002 * 0.002 + 0.003 * 0.003 + 0.001 * 0.001)
  let expected = square / Units.accelerationPerForce / (Units.boltzmann * 4)
  #expect(abs((sample["temperature of O"] ?? 0) / expected - 1) < 1e-12)
}

@Test func thinnedCurvesKeepTheirExtremes() {
  var y = noise(20_000)
  (y[777], y[15_000]) = (50, -60)
  let (x, kept) = RunPage.thinned(y.indices.map(Double.init), y)
  #expect(kept.count <= 600 && kept.max() == 50 && kept.min() == -60)
  #expect(zip(x, kept).allSatisfy { y[Int($0)] == $1 } && x == x.sorted())
  #expect(RunPage.thinned([1, 2], [3, 4]).1 == [3, 4])
}
