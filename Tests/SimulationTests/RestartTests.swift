// 2N steps = N steps + resume + N steps, bit for bit.

import Foundation
import Testing
import Trajectory

@testable import Deck
@testable import Simulation

private let motions = [
  "ensemble: nve",
  "ensemble: nvt\nthermostat: {type: langevin, friction: 1 1/ps}",
  "ensemble: nvt\nthermostat: {type: nose-hoover, tau: 100 fs}",
  "ensemble: nvt\nthermostat: {type: langevin}\nfixed: [1, 5-6]",
  "ensemble: npt\npressure: 100 bar",
  "ensemble: npt\npressure: 100 bar\nthermostat: {type: langevin}\nbarostat: {coupling: semi-isotropic}",
  "ensemble: npt\npressure: {from: 0 bar, to: 1 kbar, over: 50 steps}\nbarostat: {type: mtk}",
  "ensemble: npt\npressure: [1 bar, 2 bar, 3 bar, 0 bar, 1 kbar, 0 bar]\nbarostat: {type: mtk, coupling: triclinic}",
  "ensemble: nph\npressure: 1 kbar\nbarostat: {tau: 500 fs, coupling: orthorhombic, components: [xx, zz]}",
  "ensemble: nve\n"
    + "restraints: [{type: distance, atoms: [1, 2], from: 3.8 A, to: 4.2 A, over: 50 steps, k: 5 eV/A^2}]",
  "ensemble: npt\npressure: 100 bar\nrestraints: [{type: position, atoms: [5-8], k: 1 eV/A^2}, "
    + "{type: angle, atoms: [1, 2, 3], center: 70 deg, k: 1 eV/rad^2}]",
]

/// Every frame of a trajectory, with all its bits.
func frames(_ path: String) throws -> [[UInt64]] {
  let reader = try H5MDReader(path)
  return try (0..<reader.frameCount).map { index in
    let frame = try reader.frame(index)
    let cell = frame.system.cell.vectors
    let vectors =
      frame.system.positions + frame.system.velocities + (frame.forces ?? []) + [cell.x, cell.y, cell.z]
    return [UInt64(frame.step)] + vectors.flatMap { [$0.x, $0.y, $0.z] }.map(\.bitPattern)
      + frame.observables.sorted { $0.key < $1.key }.map(\.value.bitPattern)
  }
}

func expectSameRun(_ a: Simulation, _ b: Simulation) throws {
  #expect(a.system.positions == b.system.positions)
  #expect(a.system.velocities == b.system.velocities && a.system.cell == b.system.cell)
  #expect(try frames(a.files.trajectory) == frames(b.files.trajectory))
  let logs = try [a, b].map { try String(contentsOfFile: $0.files.log, encoding: .utf8) }
  #expect(logs[0] == logs[1])
}

private func run(_ deck: Deck) throws -> Simulation {
  var simulation = try Simulation(deck: deck, forceField: ForceField.lennardJones)
  try simulation.run(overwrite: false)
  return simulation
}

@Test(arguments: motions) func halfRunsAddUpToAWholeRun(_ motion: String) throws {
  let folder = try TemporaryFolder()
  let whole = try run(argonDeck(motion, steps: 60, in: folder.path, name: "whole"))
  let half = try run(argonDeck(motion, steps: 30, in: folder.path, name: "half"))
  var rest = try Simulation(
    checkpoint: half.files.checkpoint, options: ResumeOptions(steps: 30), forceField: ForceField.lennardJones)
  try rest.resume()
  try expectSameRun(whole, rest)
}

@Test(arguments: motions) func rowsAfterTheCheckpointAreWrittenAgain(_ motion: String) throws {
  let folder = try TemporaryFolder()
  let whole = try run(argonDeck(motion, steps: 60, in: folder.path, name: "whole"))
  let killed = try run(argonDeck(motion, steps: 60, in: folder.path, name: "killed"))
  // The run "died" after its last step with only the checkpoint before the last one on disk.
  try FileManager.default.removeItem(atPath: killed.files.checkpoint)
  var rest = try Simulation(
    checkpoint: killed.files.checkpoint, forceField: ForceField.lennardJones)
  #expect(rest.motion.completedSteps == 56)
  try rest.resume()
  try expectSameRun(whole, rest)
}

@Test func rampContinuesThroughARestart() throws {
  let folder = try TemporaryFolder()
  let ramp = "ensemble: nvt\nthermostat: {tau: 100 fs}"
  func deck(_ name: String, steps: Int) throws -> Deck {
    let text = try argonDeck(ramp, steps: steps, in: folder.path, name: name).resolvedText
      .replacingOccurrences(
        of: "temperature: 120 K", with: "temperature: {from: 120 K, to: 60 K, over: 60 steps}")
    return try Deck(text: text, file: "argon.yaml", folder: folder.path)
  }
  let whole = try run(deck("whole", steps: 60))
  let half = try run(deck("half", steps: 31))
  var rest = try Simulation(
    checkpoint: half.files.checkpoint, options: ResumeOptions(steps: 29), forceField: ForceField.lennardJones)
  try rest.resume()
  try expectSameRun(whole, rest)
}
