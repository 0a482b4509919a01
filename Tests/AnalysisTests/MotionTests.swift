// Motion against slow double sums, free flight, random walks and harmonic oscillators.

import Foundation
import Lattice
import Testing

@testable import Analysis

/// 1/(T - m) sum_k 1/N sum_i f(x_i(k), x_i(k + m)), as it is written.
private func slowCorrelation(_ series: [[Vector3]], _ f: (Vector3, Vector3) -> Double) -> [Double] {
  series.indices.map { m in
    var sum = 0.0
    for k in 0..<series.count - m {
      for i in series[k].indices { sum += f(series[k][i], series[k + m][i]) }
    }
    return sum / Double((series.count - m) * series[0].count)
  }
}

private func centered(_ frames: [TrajectoryFrame], _ numbers: [Int]) -> [[Vector3]] {
  frames.map { frame in
    let masses = frame.system.masses
    var center = Vector3.zero
    for i in masses.indices { center += masses[i] * frame.system.positions[i] }
    center /= masses.reduce(0, +)
    return masses.indices.filter { numbers.contains(frame.system.atomicNumbers[$0]) }.map {
      frame.system.positions[$0] - center
    }
  }
}

@Test(arguments: [1, 3])
func meanSquareDisplacementIsThatOfASlowDoubleSum(threads: Int) throws {
  let frames = wandering(61)
  let found = try findings(MeanSquareDisplacement(Composition(frames[0])), frames, threads: threads)
  let table = try #require(found.table("msd"))
  for (number, symbol) in [(1, "H"), (8, "O")] {
    let exact = slowCorrelation(centered(frames, [number])) { dot($1 - $0, $1 - $0) }
    let values = try #require(table[column: "msd_\(symbol)"])
    #expect(values.count == 31 && values[0] == 0)
    for (value, exact) in zip(values, exact) { #expect(abs(value - exact) < 1e-10 * max(1, exact)) }
  }
}

@Test func freeFlightIsBallisticWhereverTheCellIs() throws {
  var frames = wandering(60)
  let start = frames[0].system.positions
  for n in frames.indices {
    // The whole flies, too: that is no diffusion.
    for atom in 0..<12 {
      frames[n].system.positions[atom] =
        start[atom] + (Vector3(Double(atom), 0, 0) * 0.01 + Vector3(0, 5, 0)) * (2 * Double(n))
        + Vector3(1e3, -2e3, 5e2)
    }
  }
  let found = try findings(MeanSquareDisplacement(Composition(frames[0])), frames)
  let masses = frames[0].system.masses
  let drift = (0..<12).reduce(0) { $0 + masses[$1] * Double($1) * 0.01 } / masses.reduce(0, +)
  let speeds = [0, 3, 6, 9].map { pow(Double($0) * 0.01 - drift, 2) }
  let square = speeds.reduce(0, +) / 4
  let table = try #require(found.table("msd"))
  for (time, msd) in zip(try #require(table[column: "time"]), try #require(table[column: "msd_O"])) {
    #expect(abs(msd - square * pow(time * 1e3, 2)) < 1e-6)
  }
  #expect(found.notes.contains { $0.contains("O: MSD grows as t^2.00") })
}

@Test func diffusionOfARandomWalkIsThatOfItsSteps() throws {
  let frames = wandering(3000, atoms: 30, step: 0.1)
  let found = try findings(
    MeanSquareDisplacement(Composition(frames[0]), fit: 20...200), frames)
  let diffusion = try #require(found.number("D_H"))
  // <step^2>/(6 dt) in 1e-9 m^2/s: 0.03/12 Angstrom^2/fs; the centre of mass holds a part, that of equal weights here 1/30.
  let exact = 0.03 / 12 * 1e4
  let (value, error) = (try #require(diffusion.value), try #require(diffusion.error))
  #expect(abs(value - exact) < 0.15 * exact, "\(value) +- \(error), exactly \(exact)")
  #expect(error > 0.005 * exact && error < 0.15 * exact)
}

@Test func yehAndHummersCorrectionIsTheirs() throws {
  var frames = wandering(60)
  for n in frames.indices { frames[n].system.cell = Cell(vectors: .identity * 12.4) }
  let found = try findings(
    MeanSquareDisplacement(Composition(frames[0]), viscosity: 0.9 * 6.241509074), frames, temperature: 300)
  let (plain, infinite) = (found.number("D_O")?.value, found.number("D_O of infinite size")?.value)
  // 2.837297 k_B T/(6 pi eta L) of 0.9 mPa s and 12.4 Angstrom: 5.587e-10 m^2/s.
  let exact = 2.837297 * 1.380649e-23 * 300 / (6 * .pi * 0.9e-3 * 12.4e-10) * 1e9
  #expect(abs((try #require(infinite)) - (try #require(plain)) - exact) < 1e-6 * exact)
  #expect(throws: AnalysisError.self) {
    try MeanSquareDisplacement(Composition(wandering(1)[0]), viscosity: 5)
  }
}

@Test func velocityAutocorrelationIsThatOfASlowDoubleSum() throws {
  let frames = wandering(50)
  let found = try findings(VelocityAutocorrelation(Composition(frames[0]), longest: 40), frames)
  let values = try #require(found.table("vacf")?[column: "vacf_H"])
  let velocities = frames.map { frame in
    (0..<12).filter { frame.system.atomicNumbers[$0] == 1 }.map { frame.system.velocities[$0] }
  }
  let exact = slowCorrelation(velocities, dot)
  #expect(values.count == 21)
  for (value, exact) in zip(values, exact) { #expect(abs(value - exact) < 1e-15) }
  let integral = (1..<20).reduce((values[0] + values[20]) / 2) { $0 + values[$1] } * 2
  #expect(abs((try #require(found.number("D_H by Green-Kubo")?.value)) - integral / 3 * 1e4) < 1e-9)
}

@Test func oscillatorsStandInTheDensityOfStatesAtTheirWavenumber() throws {
  // O at 500 and H at 3000 1/cm, any phases; equal energies.
  var frames = wandering(4000)
  for n in frames.indices {
    frames[n].time = Double(n)
    for atom in 0..<12 {
      let isOxygen = atom % 3 == 0
      let omega = 2 * Double.pi * 2.99792458e-5 * (isOxygen ? 500 : 3000)
      let u = random.uniforms(step: 0, atom: atom, stream: 20)
      for axis in 0..<3 {
        frames[n].system.velocities[atom][axis] =
          cos(omega * Double(n) + 2 * .pi * u[axis]) / frames[n].system.masses[atom].squareRoot()
      }
    }
  }
  let found = try findings(VelocityAutocorrelation(Composition(frames[0])), frames)
  let table = try #require(found.table("vdos"))
  let wavenumbers = try #require(table[column: "wavenumber"])
  let spacing = wavenumbers[1]
  func peak(_ name: String) throws -> Double {
    let values = try #require(table[column: name])
    return wavenumbers[values.indices.max { values[$0] < values[$1] } ?? 0]
  }
  let (oxygen, hydrogen) = (try peak("vdos_O"), try peak("vdos_H"))
  #expect(abs(oxygen - 500) < spacing && abs(hydrogen - 3000) < spacing)
  for name in ["vdos", "vdos_O", "vdos_H"] {
    let values = try #require(table[column: name])
    let integral =
      spacing * (values.dropFirst().dropLast().reduce(0, +) + (values[0] + values[values.count - 1]) / 2)
    #expect(abs(integral - 1) < 1e-9)
  }
  // A third of the atoms are O: as much of the energy lies below 1000 1/cm.
  let total = try #require(table[column: "vdos"])
  let low = zip(wavenumbers, total).reduce(0) { $0 + ($1.0 < 1000 ? $1.1 : 0) } * spacing
  #expect(abs(low - 1 / 3.0) < 0.01)
}

@Test func threadsChangeNoBit() throws {
  let frames = wandering(64)
  let composition = Composition(frames[0])
  func all(_ threads: Int) throws -> [Findings] {
    try [
      findings(RadialDistribution(composition), frames, threads: threads),
      findings(MeanSquareDisplacement(composition), frames, threads: threads),
      findings(VelocityAutocorrelation(composition), frames, threads: threads),
      findings(StructureFactor(composition, largest: 2), frames, threads: threads),
      findings(LongitudinalSusceptibility(composition, charges: .frames), frames, threads: threads),
    ]
  }
  let alone = try all(1)
  for threads in [2, 5] { #expect(try all(threads) == alone) }
}

@Test func framesThatAreNotEvenlySpacedAreRefusedButForTheLast() throws {
  var frames = wandering(40)
  frames[39].time = 77.5
  let last = try findings(MeanSquareDisplacement(Composition(frames[0])), frames)
  let without = try findings(MeanSquareDisplacement(Composition(frames[0])), Array(frames.dropLast()))
  #expect(last.number("D_O") == without.number("D_O"))
  frames[20].time = 41
  do {
    _ = try findings(MeanSquareDisplacement(Composition(frames[0])), frames)
    Issue.record("uneven frames are correlated")
  } catch let error as AnalysisError { #expect("\(error)".contains("needs evenly spaced frames")) }
  for n in frames.indices { frames[n].time = nil }
  do {
    _ = try findings(MeanSquareDisplacement(Composition(frames[0])), frames)
    Issue.record("frames without times are correlated")
  } catch let error as AnalysisError { #expect("\(error)".contains("--interval")) }
}
