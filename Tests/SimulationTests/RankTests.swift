// Runs on several ranks, which are threads of this process: rank 0 runs the deck, the others follow.

import Domains
import Foundation
import Lattice
import Testing
import ThreadRanks
import Trajectory

@testable import Deck
@testable import Simulation

private let water = root.appending(path: "Inputs/water-64.xyz").path
private let model = root.appending(path: "Models/water.h5").path

/// What `program` makes on rank 0 of so many.
private func onTeam<Value: Sendable>(
  _ ranks: Int, _ program: @escaping @Sendable (RankTeam) throws -> Value
) throws -> Value {
  let values = try onRanks(ranks) { communicator -> Value? in
    let team = RankTeam(communicator)
    guard communicator.isLeader else {
      try team.follow()
      return nil
    }
    defer { team.end() }
    return try program(team)
  }
  return try #require(values[0])
}

private func deck(_ keys: String, in folder: TemporaryFolder, name: String = "water") throws -> Deck {
  try Deck(
    text: """
      structure: \(water)
      model: \(model)
      threads: 1
      output: {folder: ., name: \(name)}
      \(keys)
      """, file: "water.yaml", folder: folder.path)
}

private let short = "ensemble: nve\ntemperature: 300 K\ntimestep: 0.5 fs\nsteps: 4\nlog: {every: 1 step}"

/// Runs a deck on so many ranks, or on one process; returns what was said.
private func run(_ deck: Deck, ranks: Int) throws -> [String] {
  guard ranks > 1 else {
    var simulation = try Simulation(deck: deck)
    try simulation.run(overwrite: true)
    return []
  }
  return try onTeam(ranks) { team in
    var words: [String] = []
    var simulation = try Simulation(
      deck: deck, events: { words.append($0.description) }, forceField: { try .lrmace($0, on: team) })
    try simulation.run(overwrite: true)
    return words
  }
}

private func lastPositions(_ name: String, in folder: TemporaryFolder) throws -> [Vector3] {
  try Checkpoint.read("\(folder.path)/\(name).checkpoint.h5").system.positions
}

@Suite struct RankTests {
  @Test func aRunSaysItsBricksAndHasTheTrajectoryOfOneProcess() throws {
    let folder = try TemporaryFolder()
    let words = try run(deck("\(short)\ngrid: [1, 1, 2]", in: folder, name: "two"), ranks: 2)
    #expect(
      words.contains {
        $0.hasPrefix("2 ranks, bricks 1 x 1 x 2, the thinnest 12.4 x 12.4 x ")
          && $0.hasSuffix(" Angstrom, where cut at least 5.3")
      }, "\(words)")
    _ = try run(deck(short, in: folder, name: "one"), ranks: 1)
    for (a, b) in zip(try lastPositions("one", in: folder), try lastPositions("two", in: folder)) {
      #expect(length(a - b) < 1e-6)
    }
    let checked = try deck(short, in: folder)
    let report = try onTeam(2) { team in
      var simulation = try Simulation(deck: checked, forceField: { try .lrmace($0, on: team) })
      return try simulation.check()
    }
    #expect(report.contains("division        2 ranks, bricks 2 x 1 x 1, the thinnest"), "\(report)")
  }

  @Test func bricksThatAreNotAsManyAsTheRanksAreAMistakeOfTheDeck() throws {
    let folder = try TemporaryFolder()
    let four = try deck("\(short)\ngrid: [2, 2, 1]", in: folder)
    let alone = failure { _ = try Simulation(deck: four) }
    #expect(alone?.exitCode == 2)
    #expect(
      alone?.message.contains("water.yaml:10:7: error: 4 bricks need 4 ranks, there is 1") == true,
      "\(alone?.message ?? "")")
    let two = try onTeam(2) { team in
      failure { _ = try Simulation(deck: four, forceField: { try .lrmace($0, on: team) }) }?.message
    }
    #expect(two?.contains("4 bricks need 4 ranks, there are 2") == true, "\(two ?? "")")
    // Bricks of one are those of one process.
    _ = try Simulation(deck: deck("\(short)\ngrid: [1, 1, 1]", in: folder))
  }

  /// A run of a grid goes on with other ranks only when told to.
  @Test func aRunGoesOnWithOtherBricksWhereTheyAreNamed() throws {
    let folder = try TemporaryFolder()
    _ = try run(deck("\(short)\ngrid: [1, 1, 2]", in: folder), ranks: 2)
    let checkpoint = "\(folder.path)/water.checkpoint.h5"
    let refusal = failure { _ = try Simulation(checkpoint: checkpoint, options: ResumeOptions(steps: 1)) }
    #expect(
      refusal?.message.contains("2 bricks need 2 ranks, there is 1") == true, "\(refusal?.message ?? "")")
    #expect(refusal?.message.contains("--grid auto") == true)
    var alone = try Simulation(checkpoint: checkpoint, options: ResumeOptions(steps: 1, grid: .auto))
    try alone.resume()
    let step = try onTeam(4) { team in
      var four = try Simulation(
        checkpoint: checkpoint, options: ResumeOptions(steps: 1, grid: .counts(SIMD3(2, 1, 2))),
        forceField: { try .lrmace($0, on: team) })
      try four.resume()
      return four.motion.completedSteps
    }
    #expect(step == 6)
  }

  /// A cell that is pressed together until its bricks are thinner than atoms see: the run ends, and goes on on fewer ranks.
  @Test func aCellThatShrinksBelowItsBricksEndsTheRunWithItsCheckpoint() throws {
    let folder = try TemporaryFolder()
    let squeezed = """
      ensemble: npt
      temperature: 300 K
      pressure: {from: 0 bar, to: 150 GPa, over: 100 steps}
      barostat: {tau: 100 fs}
      timestep: 0.5 fs
      steps: 400
      checkpoint: {every: 2 steps}
      """
    let deck = try deck(squeezed, in: folder)
    let end = try onTeam(2) { team in
      failure {
        var simulation = try Simulation(deck: deck, forceField: { try .lrmace($0, on: team) })
        try simulation.run(overwrite: false)
      }?.message
    }
    let words = try #require(end)
    #expect(words.contains("bricks are too thin in a system of"), "\(words)")
    #expect(words.contains("take 1 rank and more threads in it"), "\(words)")
    #expect(words.contains("fewer ranks, or other bricks by --grid, go on: "), "\(words)")
    #expect(words.contains("water.checkpoint.h5"), "\(words)")
    var rest = try Simulation(
      checkpoint: "\(folder.path)/water.checkpoint.h5", options: ResumeOptions(steps: 1))
    try rest.resume()
  }

  @Test func aFrameThatIsTooSmallForTheRanksIsNamed() throws {
    let folder = try TemporaryFolder()
    let frames = "\(folder.path)/frames.xyz"
    let small = root.appending(path: "Tests/EndToEndTests/water-8.xyz").path
    try (String(contentsOfFile: water, encoding: .utf8) + String(contentsOfFile: small, encoding: .utf8))
      .write(toFile: frames, atomically: true, encoding: .utf8)
    let (lines, end) = try onTeam(2) { team -> (Int, String?) in
      var lines = 0
      let end = failure {
        let forceField = try ForceField.lrmace(path: model, precision: .double, threads: 1, on: team)
        try evaluateStructures(in: frames, with: forceField, output: nil) { _ in lines += 1 }
      }
      return (lines, end.map { "\($0.exitCode) \($0.message)" })
    }
    // The heading and the first frame.
    #expect(lines == 2)
    #expect(end?.hasPrefix("2 error: frame 2 of \(frames): 2 ranks are too many") == true, "\(end ?? "")")
  }

  @Test func aBenchmarkHasTheBytesOfEveryRank() throws {
    let result = try onTeam(2) { team in
      let forceField = try ForceField.lrmace(
        path: model, precision: .mixed, threads: 1, on: team, grid: .counts(SIMD3(2, 1, 1)))
      return try Benchmark.results(
        structure: water, copies: [1, 1, 1], forceFields: [(1, forceField)], precision: "mixed")[0]
    }
    let ranks = try #require(result.ranks)
    #expect(ranks.count == 2 && ranks.peakMemoryBytes.count == 2)
    // The plane that has as many atoms on either side, and what lies within 5.3 Angstrom of the faces of the other half; atoms
    // move by less than half an Angstrom meanwhile.
    let system = try #require(try ExtendedXYZ.readAll(water).first).system
    let edge = system.cell.vectors.x.x
    let x = system.positions.map { $0.x - ($0.x / edge).rounded(.down) * edge }
    let plane = x.sorted()[95...96].reduce(0, +) / 2
    func copies(_ reach: Double) -> Double {
      Double(
        x.reduce(0) { sum, x in
          sum + (x < plane ? [x, plane - x] : [x - plane, edge - x]).count { $0 < reach }
        })
    }
    let balance = ranks.balance
    #expect(2 * balance.copies.mean > copies(4.8) && 2 * balance.copies.mean < copies(5.8))
    #expect(balance.ownAtoms.mean == 96 && balance.ownAtoms.largest == 96)
    #expect(balance.workingSeconds.mean > 0 && balance.waitingSeconds.mean > 0)
    #expect(result.table.contains("ms waiting"), "\(result.table)")
    for cargo in ["positions", "features", "gradients", "forces", "columns", "places", "sums", "system"] {
      let volume = try #require(ranks.bytesPerAtomStep[cargo])
      #expect(volume.mean > 0 && volume.largest >= volume.mean, "\(cargo)")
    }
    #expect(result.table.contains("bytes received per step and own atom"), "\(result.table)")
  }

  @Test func aRunSaysWhereOneRankWorksLongerThanTheMean() {
    func balance(_ working: [Double], atoms: [Int]) -> RankBalance {
      func reports(_ seconds: [Double]) -> [RankReport] {
        zip(seconds, atoms).map {
          RankReport(
            traffic: Traffic(), peakMemoryBytes: 0, ownAtoms: $1, copies: 0, workingSeconds: $0,
            waitingSeconds: 9 - $0)
        }
      }
      return RankBalance(reports(working.map { _ in 1 }), reports(working.map { 1 + $0 }))
    }
    let even = balance([1, 1.05, 1, 0.95], atoms: [10, 11, 10, 9])
    #expect(even.imbalance == nil && even.ownAtoms.largest == 11)
    #expect(abs(even.workingSeconds.ratio - 1.05) < 1e-9)
    let uneven = balance([2, 1, 0.5, 0.5], atoms: [20, 10, 5, 5])
    let words = "the busiest of 4 ranks worked 2.00 times as long as the mean, the fullest has 2.00 times"
    #expect(uneven.imbalance?.contains(words) == true, "\(uneven.imbalance ?? "")")
    #expect(balance([0, 0], atoms: [0, 0]).imbalance == nil)
  }
}
