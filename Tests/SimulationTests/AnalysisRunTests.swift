// Analyses while a run goes on: the numbers of `bloch analyze`, bit for bit, and the same through restarts.

import Analysis
import Foundation
import Testing

@testable import Deck
@testable import Simulation

private let everything = """
  analysis:
    quantities: [means, rdf, profile, dipole, chi, sk, cell, viscosity]
    charges: {Ar: 0}
    k_max: 3 1/A
    shell: 0.1 A
    max_lag: 40 fs

  """

private func run(_ deck: Deck) throws -> Simulation {
  var simulation = try Simulation(deck: deck, forceField: ForceField.lennardJones)
  try simulation.run(overwrite: false)
  return simulation
}

/// What the run's analyses wrote.
private func found(_ simulation: Simulation) throws -> TrajectoryAnalysis {
  let data = try Data(contentsOf: URL(fileURLWithPath: simulation.files.analyses[0]))
  return try JSONDecoder().decode(TrajectoryAnalysis.self, from: data)
}

@Test(arguments: ["single", "double"], ["nve", "npt\npressure: 100 bar"])
func analysesOfARunAreThoseOfItsTrajectoryToTheBit(_ precision: String, _ ensemble: String) throws {
  let folder = try TemporaryFolder()
  let text = try argonDeck("ensemble: \(ensemble)", steps: 310, in: folder.path).resolvedText
    .replacingOccurrences(of: "precision: double", with: "precision: \(precision)")
    .replacingOccurrences(of: "  every: 7 steps", with: "  every: 150 steps")
  // Resolved decks say that there is nothing to analyse.
  let deck = try Deck(
    text: text.replacing(/analysis:\n( .*\n)+/, with: "") + everything, file: "argon.yaml",
    folder: folder.path)
  let simulation = try run(deck)
  var settings = AnalysisSettings()
  settings.quantities = [.means, .rdf, .profile, .dipole, .chi, .sk, .cell, .viscosity]
  settings.charges = .elements([18: 0])
  (settings.largestWavevector, settings.shell, settings.longestLag) = (3, 0.1, 40)
  let later = try TrajectoryAnalysis(of: FrameSource(simulation.files.trajectory), settings)
  let during = try found(simulation)
  #expect(later.frames == 105 && during.frames == 105)
  #expect(during.findings == later.findings && during.leftOut.isEmpty, "\(during.leftOut)")
  #expect(during.temperature == later.temperature && during.end == later.end)
  // Every file is that of `bloch analyze`.
  let files = try later.write(to: folder.path + "/later", overwrite: false)
  #expect(files.count == simulation.files.analyses.count)
  for file in files where !file.hasSuffix(".json") {
    let name = URL(fileURLWithPath: file).lastPathComponent
    #expect(try folder.bytes(name) == folder.bytes("later/\(name)"), "\(name)")
  }
}

@Test(arguments: ["nve", "npt\npressure: 100 bar"])
func motionFollowedInARunIsThatOfItsTrajectory(_ ensemble: String) throws {
  let folder = try TemporaryFolder()
  let deck = try argonDeck(
    """
    ensemble: \(ensemble)
    analysis:
      quantities: [msd, vacf]
      every: 3 steps
      fit: [120 fs, 240 fs]
      max_lag: 120 fs
      origins: 1000
      viscosity: 0.3 mPa s

    """, steps: 400, in: folder.path)
  let simulation = try run(deck)
  var settings = AnalysisSettings()
  settings.quantities = [.msd, .vacf]
  (settings.fit, settings.longestLag, settings.viscosity) = (120...240, 120, deck.analyses?.viscosity)
  let later = try TrajectoryAnalysis(of: FrameSource(simulation.files.trajectory), settings)
  let during = try found(simulation)
  // 134 frames and the last step, which comes too early for another.
  #expect(later.frames == 135 && during.frames == 135 && during.leftOut.isEmpty, "\(during.leftOut)")
  for quantity in [Quantity.msd, .vacf] {
    let (run, file) = (try #require(during[quantity]), try #require(later[quantity]))
    #expect(run.numbers.map(\.name) == file.numbers.map(\.name))
    for (a, b) in zip(run.numbers, file.numbers) {
      let (a, b) = (try #require(a.value), try #require(b.value))
      #expect(abs(a - b) < 1e-9 * abs(b), "\(a) \(b)")
    }
    for (table, exact) in zip(run.tables, file.tables) {
      #expect(table.name == exact.name && table.columns.map(\.name) == exact.columns.map(\.name))
      for column in table.columns {
        let (a, b) = (try #require(table[column: column.name]), try #require(exact[column: column.name]))
        let size = b.map(abs).max() ?? 1
        #expect(quantity == .msd ? a.count == 21 && b.count == 68 : a.count == b.count)
        for (x, y) in zip(a, b) { #expect(abs(x - y) < 1e-9 * size, "\(column.name)") }
      }
    }
  }
}

@Test func motionIsFollowedThroughRestartsAndKills() throws {
  let folder = try TemporaryFolder()
  let motion = """
    ensemble: nvt
    thermostat: {type: langevin}
    analysis: {quantities: [msd, vacf], skip: 20 fs, every: 2 steps, fit: [16 fs, 40 fs], max_lag: 60 fs, origins: 3}
    """
  func texts(_ simulation: Simulation) throws -> [String] {
    #expect(simulation.files.analyses.count == 5)
    return try simulation.files.analyses.dropFirst().map { try String(contentsOfFile: $0, encoding: .utf8) }
  }
  let whole = try run(argonDeck(motion, steps: 80, in: folder.path, name: "whole"))
  let expected = try found(whole)
  #expect(expected.frames == 38 && expected.findings.count == 2)

  // Interrupted before the first frame that counts, and at a step with origins of every age.
  for steps in [3, 51] {
    var half = try Simulation(
      deck: argonDeck(motion, steps: 80, in: folder.path, name: "half\(steps)"),
      forceField: ForceField.lennardJones)
    var asked = 0
    try half.run(overwrite: false) {
      asked += 1
      return asked > steps ? "a test" : nil
    }
    var rest = try Simulation(checkpoint: half.files.checkpoint, forceField: ForceField.lennardJones)
    #expect(rest.motion.completedSteps == steps)
    try rest.resume()
    #expect(try found(rest).findings == expected.findings && texts(rest) == texts(whole))
  }

  // Killed: the checkpoint before the last one, and newer files beside it.
  let killed = try run(argonDeck(motion, steps: 80, in: folder.path, name: "killed"))
  try FileManager.default.removeItem(atPath: killed.files.checkpoint)
  var rest = try Simulation(checkpoint: killed.files.checkpoint, forceField: ForceField.lennardJones)
  #expect(rest.motion.completedSteps == 77)
  try rest.resume()
  #expect(try found(rest).findings == expected.findings && texts(rest) == texts(whole))

  // N steps and as many more: the times are those of the deck.
  let short = try run(argonDeck(motion, steps: 70, in: folder.path, name: "short"))
  var long = try Simulation(
    checkpoint: short.files.checkpoint, options: ResumeOptions(steps: 10), forceField: ForceField.lennardJones
  )
  try long.resume()
  #expect(try found(long).findings == expected.findings && texts(long) == texts(whole))
}

@Test func checkCountsTheMemoryOfTimeOrigins() throws {
  let folder = try TemporaryFolder()
  func report(_ keys: String) throws -> String {
    var simulation = try Simulation(
      deck: argonDeck("ensemble: nve\n\(keys)", steps: 100_000, in: folder.path),
      forceField: ForceField.lennardJones)
    return try simulation.check()
  }
  #expect(try !report("").contains("time origins"))
  let atoms = try Double(
    Simulation(
      deck: argonDeck("ensemble: nve", steps: 1, in: folder.path), forceField: ForceField.lennardJones
    ).system.count)
  // 33333 frames: a tenth is followed from every 3333 / 50 + 1 = 67th, 167 frames of vacf from every fourth.
  let bytes = bytes(32 * atoms * Double(3333 / 67 + 1 + 166 / 4 + 1))
  let words = try report("analysis: {quantities: [msd, vacf], origins: 50}")
  #expect(words.contains("\(bytes) of time origins of `analysis`"), "\(words) \(bytes)")
}

@Test func analysesGoOnThroughRestartsAndKills() throws {
  let folder = try TemporaryFolder()
  let keys = everything + "  skip: 32 fs\n  every: 2 steps\n"
  let motion = "ensemble: nvt\nthermostat: {type: langevin}\n" + keys
  func texts(_ simulation: Simulation) throws -> [String] {
    // 27 frames are too few for a viscosity.
    let files = simulation.files.analyses.dropFirst().filter(FileManager.default.fileExists(atPath:))
    #expect(files.count == 7)
    return try files.map { try String(contentsOfFile: $0, encoding: .utf8) }
  }
  let whole = try run(argonDeck(motion, steps: 60, in: folder.path, name: "whole"))
  let expected = try found(whole)
  // From step 8 to 60.
  #expect(expected.frames == 27 && abs((expected.start ?? 0) - 0.032) < 1e-12)

  // Before the first frame that counts, and after it.
  for steps in [3, 31] {
    let half = try run(argonDeck(motion, steps: steps, in: folder.path, name: "half\(steps)"))
    var rest = try Simulation(
      checkpoint: half.files.checkpoint, options: ResumeOptions(steps: 60 - steps),
      forceField: ForceField.lennardJones)
    try rest.resume()
    #expect(try found(rest).findings == expected.findings)
    #expect(try texts(rest) == texts(whole))
  }

  // Killed with the checkpoint before the last one on the disk, and newer files beside it.
  let killed = try run(argonDeck(motion, steps: 60, in: folder.path, name: "killed"))
  try FileManager.default.removeItem(atPath: killed.files.checkpoint)
  var rest = try Simulation(checkpoint: killed.files.checkpoint, forceField: ForceField.lennardJones)
  #expect(rest.motion.completedSteps == 56)
  try rest.resume()
  #expect(try found(rest).findings == expected.findings && texts(rest) == texts(whole))
  // The files belong to the run.
  try FileManager.default.removeItem(atPath: killed.files.trajectory)
  for file in [killed.files.log, killed.files.checkpoint, killed.files.resolvedDeck, killed.files.timings] {
    try FileManager.default.removeItem(atPath: file)
  }
  try? FileManager.default.removeItem(atPath: "\(folder.path)/killed.checkpoint.previous.h5")
  let taken = failure { _ = try run(argonDeck(motion, steps: 60, in: folder.path, name: "killed")) }
  #expect(taken?.exitCode == 3 && taken?.message.contains("killed.analysis.json") == true, "\(taken as Any)")
}

@Test(arguments: [
  (
    "quantities: [msd], fit: [1 ps, 16 ns]",
    "the fit of D ends at 16000 ps, and a fifth of the frames reaches 16000 ps",
    "name two shorter times"
  ),
  ("quantities: [msd], fit: [2 ps, 1 ps]", "1 ps is not later than 2 ps", "such as [5 ps, 10 ps]"),
  ("quantities: [msd], viscosity: 1 mPa s, fit: 3 ps", "`3 ps` is not two times", "such as [5 ps, 10 ps]"),
  (
    "quantities: [vacf], fit: [1 ps, 2 ps]", "`fit` has no place here: `analysis.quantities` has no `msd`",
    "remove this key"
  ),
  ("quantities: [rdf], origins: 10", "`origins` has no place here", "has no `msd` or `vacf`"),
  ("quantities: [vacf], max_lag: 100 ns", "100000 ps is longer than the 80000 ps", "name a shorter time"),
  ("quantities: [rfd]", "`rfd` is not known here", "did you mean `rdf`?"),
  ("quantities: [rdf], pairs: [Ar-O]", "there is no O in the trajectory", "its elements are Ar"),
  ("quantities: [rdf], pairs: [Ar]", "`Ar` is no pair of elements", "such as [O-O, O-H]"),
  ("quantities: [rdf], shell: 0.001 A, r_max: 200 A", "of 100000 shells or more", "`analysis.shell`"),
  ("quantities: [hbonds]", "the trajectory lacks hydrogen", "`analysis.donors`"),
  ("quantities: [dipole]", "needs charges", "`analysis.charges` Ar=..."),
  ("quantities: [rdf], donors: [O]", "`donors` has no place here", "remove this key"),
  ("every: 5 steps", "`every` has no place here: `analysis.quantities` names none", "remove this key"),
  (
    "quantities: [cell], every: 1 step", "a checkpoint would hold 10 numbers of each of 20000000 frames",
    "every 20 steps"
  ),
])
func analysesThatCannotBeAreRefusedAtTheirKey(_ keys: String, _ message: String, _ help: String) throws {
  let folder = try TemporaryFolder()
  let failure = failure {
    let deck = try argonDeck("ensemble: nve\nanalysis: {\(keys)}", steps: 20_000_000, in: folder.path)
    _ = try Simulation(deck: deck, forceField: ForceField.lennardJones)
  }
  #expect(failure?.exitCode == 2)
  let words = failure?.message ?? ""
  #expect(words.contains("argon.yaml:11:") && words.contains(message) && words.contains(help), "\(words)")
}
