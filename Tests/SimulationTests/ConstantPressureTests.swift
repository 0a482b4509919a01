// Runs whose cell changes: what they write, how they end where it runs away, and when wavevectors are chosen anew.

import Foundation
import Lattice
import Testing
import Trajectory

@testable import Deck
@testable import Simulation

private let rescaled = "ensemble: npt\npressure: 100 bar\nbarostat: {tau: 200 fs}"

@Test func logAndTrajectoryHoldTheCellOfEveryFrame() throws {
  let folder = try TemporaryFolder()
  var simulation = try Simulation(
    deck: argonDeck(rescaled, steps: 60, in: folder.path), forceField: ForceField.lennardJones)
  try simulation.run(overwrite: false)
  let log = try String(contentsOfFile: simulation.files.log, encoding: .utf8).split(separator: "\n")
  let columns = log[0].dropFirst(2).split(separator: "\t").map(String.init)
  #expect(
    columns.dropFirst(6) == [
      "pressure [bar]", "volume [Angstrom3]", "density [g cm-3]", "pressure_xx [bar]", "pressure_yy [bar]",
      "pressure_zz [bar]", "pressure_yz [bar]", "pressure_xz [bar]", "pressure_xy [bar]",
    ])
  let last = log[log.count - 1].split(separator: "\t").compactMap { Double($0) }
  #expect(abs((last[9] + last[10] + last[11]) / 3 - last[6]) < 1e-9 * abs(last[6]))
  // 32 atoms of 39.95 u.
  #expect(abs(last[8] * last[7] / (32 * 39.95 * 1.66053906660) - 1) < 1e-4)
  let reader = try H5MDReader(simulation.files.trajectory)
  var volumes: [Double] = []
  for index in 0..<reader.frameCount {
    let frame = try reader.frame(index)
    let volume = try #require(frame.observables["volume"])
    #expect(abs(frame.system.cell.volume - volume) < 1e-12 * volume)
    volumes.append(volume)
  }
  #expect(Set(volumes).count == volumes.count && abs(volumes[0] - 10.8 * 10.8 * 10.8) < 1e-9)
  #expect(last[7] == volumes.last)
}

@Test func progressTellsTheDensityOfACellThatChangesAndOfNoOther() throws {
  func lines(_ motion: String) throws -> [String] {
    let folder = try TemporaryFolder()
    var told: [String] = []
    var simulation = try Simulation(
      deck: argonDeck(motion, steps: 3, in: folder.path),
      events: { if case .progress(let progress) = $0 { told.append(progress.description) } },
      forceField: ForceField.lennardJones)
    try simulation.run(overwrite: false)
    return told
  }
  // 32 atoms of 39.95 u in a cube of 10.8 A, before it has changed by much.
  let changing = try lines(rescaled)
  let densities = changing.compactMap { $0.firstMatch(of: /([0-9.]+) g\/cm\^3/).flatMap { Double($0.1) } }
  #expect(densities.count == changing.count && !changing.isEmpty, "\(changing)")
  #expect(densities.allSatisfy { abs($0 - 1.6852) < 0.05 }, "\(changing)")
  #expect(try lines("ensemble: nve").allSatisfy { !$0.contains("g/cm^3") })
}

@Test func aCellThatRunsAwayLeavesItsLastCheckpoint() throws {
  let folder = try TemporaryFolder()
  let squeezed =
    "ensemble: npt\npressure: {from: 0 bar, to: 500 GPa, over: 30 steps}\nbarostat: {tau: 200 fs}"
  let end = failure {
    var simulation = try Simulation(
      deck: argonDeck(squeezed, steps: 60, in: folder.path), forceField: ForceField.lennardJones)
    try simulation.run(overwrite: false)
  }
  #expect(end?.exitCode == 4)
  for words in ["the cell changes by", "give the barostat a longer `tau`", "argon.checkpoint.h5"] {
    #expect(end?.message.contains(words) == true, "\(end?.message ?? "")")
  }
  _ = try Simulation(checkpoint: "\(folder.path)/argon.checkpoint.h5", forceField: ForceField.lennardJones)
}

/// Says after every run that its plan has served its time.
private final class Outgrown: Potential {
  private let inner = LennardJones()
  func evaluate(_ system: AtomicSystem, into result: inout Evaluation) throws {
    try inner.evaluate(system, into: &result)
  }
  func reasonToRenew(_ plan: EvaluationPlan, for system: AtomicSystem) -> String? { "the cell is another" }
}

@Test func aPlanThatIsOutgrownIsRenewedWhereARunGoesOn() throws {
  let folder = try TemporaryFolder()
  let deck = try argonDeck(rescaled, steps: 20, in: folder.path)
  let forceField = ForceField(potential: Outgrown(), species: [18], hash: "lennard-jones")
  var first = try Simulation(deck: deck, forceField: { _ in forceField })
  try first.run(overwrite: false)
  #expect(first.frame.evaluation.plan?.cell.volume == 10.8 * 10.8 * 10.8)
  var words: [String] = []
  var second = try Simulation(
    checkpoint: first.files.checkpoint, options: ResumeOptions(steps: 10),
    events: { words.append($0.description) }, forceField: { _ in forceField })
  let start = second.system.cell
  try second.resume()
  #expect(words.contains { $0.contains("the cell is another; new ones are chosen here") })
  #expect(second.frame.evaluation.plan?.cell == start)
}
