// Displacements and velocities followed while frames come, against those of all frames and against slow sums.

import Foundation
import Lattice
import Testing

@testable import Analysis

private func schedule(_ frames: [TrajectoryFrame], origins: Int) -> FrameSchedule {
  FrameSchedule(interval: 2, frames: frames.count, origins: origins)
}

/// Largest difference of two curves as far as the shorter one goes, relative to the largest value.
private func difference(_ a: [Double], _ b: [Double]) -> Double {
  zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } / (b.map(abs).max() ?? 1)
}

@Test func withEveryFrameAsAnOriginTheyAreThoseOfAllFrames() throws {
  let frames = wandering(301)
  let composition = Composition(frames[0])
  let every = schedule(frames, origins: 2000)
  for fit in [nil, 20.0...90.0] {
    let all = try findings(MeanSquareDisplacement(composition, fit: fit), frames)
    let run = try findings(RunningMeanSquareDisplacement(composition, every, fit: fit), frames)
    let (exact, table) = (try #require(all.table("msd")), try #require(run.table("msd")))
    // To the end of the fit: 0.06 ps, a tenth of the whole, and 0.09 ps.
    #expect(table[column: "time"]?.count == (fit == nil ? 31 : 46))
    for column in table.columns {
      let (a, b) = (try #require(table[column: column.name]), try #require(exact[column: column.name]))
      #expect(difference(a, Array(b.prefix(a.count))) < 1e-12, "\(column.name)")
    }
    for name in ["D_H", "D_O"] {
      let (a, b) = (run.number(name)?.value, all.number(name)?.value)
      #expect(abs((try #require(a)) - (try #require(b))) < 1e-11 * abs(try #require(b)))
    }
    #expect(run.notes[0].prefix(while: { $0 != ";" }) == all.notes[0].prefix(while: { $0 != ";" }))
  }
  for longest in [nil, 60.0] {
    let all = try findings(VelocityAutocorrelation(composition, longest: longest), frames)
    let run = try findings(RunningVelocityAutocorrelation(composition, every, longest: longest), frames)
    #expect(run.tables.map(\.name) == ["vacf", "vdos"] && run.notes == all.notes)
    for (table, exact) in zip(run.tables, all.tables) {
      #expect(table.columns.map(\.name) == exact.columns.map(\.name))
      for column in table.columns {
        let (a, b) = (try #require(table[column: column.name]), try #require(exact[column: column.name]))
        #expect(a.count == b.count && difference(a, b) < 1e-12, "\(column.name)")
      }
    }
    let (a, b) = (run.number("D_O by Green-Kubo")?.value, all.number("D_O by Green-Kubo")?.value)
    #expect(abs((try #require(a)) - (try #require(b))) < 1e-11)
  }
}

@Test(arguments: [1, 3, 7, 20]) func originsAtIntervalsCountTheirPairs(_ most: Int) throws {
  let frames = wandering(64)
  let composition = Composition(frames[0])
  var origins = try TimeOrigins(composition, .squaredDistance, longest: 19, most: most)
  #expect(origins.slots <= most && origins.spacing == [1: 20, 3: 7, 7: 3, 20: 1][most])
  for (n, frame) in frames.enumerated() {
    origins.append(frame.system.positions)
    guard [0, 5, 20, 63].contains(n) else { continue }
    for element in composition.elements.indices {
      let curve = origins.curve(of: element)
      #expect(curve.count == min(20, n + 1))
      for (m, value) in curve.enumerated() {
        var (sum, count) = (0.0, 0)
        for k in stride(from: 0, through: n - m, by: origins.spacing) {
          count += 1
          for atom in composition.atoms[element] {
            let d = frames[k + m].system.positions[atom] - frames[k].system.positions[atom]
            sum += dot(d, d) / Double(composition.atoms[element].count)
          }
        }
        #expect(abs(value - sum / Double(count)) < 1e-12 * max(1, value) && origins.pairs(at: m) == count)
      }
    }
  }
}

@Test(arguments: [(24, 1), (30_000, 63)]) func byDefaultMemoryIsBounded(_ atoms: Int, _ spacing: Int) throws {
  let origins = try TimeOrigins(Composition(randomFrame(0, atoms: atoms)), .product, longest: 1000, most: nil)
  #expect(origins.spacing == spacing && origins.bytes <= 16e6)
}

@Test func theErrorOfDiffusionIsItsScatter() throws {
  // Walks of one step in all: D = 0.3^2/(6 dt) x 3 of each component. 40 runs, each with an error of its own.
  let exact = 3 * 0.09 / 12 * 1e4
  var (scatter, errors) = (0.0, 0.0)
  for run in 0..<40 {
    let steps = CounterRNG(seed: UInt64(run) + 100)
    var frame = randomFrame(0, atoms: 6, cell: .free)
    let composition = Composition(frame)
    var msd = try RunningMeanSquareDisplacement(
      composition, FrameSchedule(interval: 2, frames: 600, origins: 10), fit: 10...30)
    for n in 0..<600 {
      if n > 0 {
        for atom in 0..<6 {
          frame.system.positions[atom] += steps.normals(step: Int64(n), atom: atom, stream: 3) * 0.3
        }
      }
      frame.time = Double(n) * 2
      msd.add(msd.sample(frame))
    }
    let found = try msd.findings(Conditions(times: [], temperature: nil))
    let (value, error) = (found.number("D_H")?.value, found.number("D_H")?.error)
    scatter += pow(try #require(value) - exact, 2) / 40
    errors += pow(try #require(error), 2) / 40
    #expect(!found.notes[0].contains("a lower bound"))
  }
  let ratio = (errors / scatter).squareRoot()
  #expect(ratio > 0.7 && ratio < 1.4, "error \(errors.squareRoot()), scatter \(scatter.squareRoot())")
}

@Test func aLastFrameBetweenTwoIsLeftOut() throws {
  var frames = wandering(120)
  frames[119].time = 237
  let composition = Composition(frames[0])
  func both(_ frames: [TrajectoryFrame]) throws -> [Findings] {
    let every = schedule(Array(repeating: frames[0], count: 120), origins: 5)
    return try [
      findings(RunningMeanSquareDisplacement(composition, every), frames),
      findings(RunningVelocityAutocorrelation(composition, every), frames),
    ]
  }
  #expect(try both(frames) == both(Array(frames.dropLast())))
}

@Test func stretchesAreConsecutiveAndOfOneLength() throws {
  var sums = BlockSums()
  for n in 0..<4 { sums.add([Double(n)]) }
  #expect(sums.means(ofStretches: 5) == nil)
  for n in 4..<73 { sums.add([Double(n)]) }
  // 36 blocks of two frames and one frame more: the first block is left over, and five times seven blocks follow.
  #expect(sums.means(ofStretches: 5) == (0..<5).map { [8.5 + 14 * Double($0)] })
}

@Test func errorsOfShortRunsAreToldToBeLowerBounds() throws {
  // Little more than five times what the fit takes, every frame an origin.
  let frames = wandering(200)
  let found = try findings(
    RunningMeanSquareDisplacement(Composition(frames[0]), schedule(frames, origins: 200), fit: 40...78),
    frames)
  #expect(
    found.notes[0].contains("5 stretches of 161 time origins, 0.002 ps apart, a lower bound"),
    "\(found.notes)")
}

@Test func tooFewFramesForTheLongestTimeAreTold() throws {
  let frames = wandering(40)
  let msd = try RunningMeanSquareDisplacement(
    Composition(frames[0]), FrameSchedule(interval: 2, frames: 1000, origins: 10))
  do {
    _ = try findings(msd, frames)
    Issue.record("an MSD of 40 frames goes to the hundredth")
  } catch let error as AnalysisError {
    #expect("\(error)".contains("needs at least 101 frames, and there are 40"), "\(error)")
  }
}
