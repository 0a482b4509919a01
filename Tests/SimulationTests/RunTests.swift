// What a run writes and refuses.

import Foundation
import Lattice
import Testing
import Trajectory

@testable import Deck
@testable import Simulation

@Test func runWritesItsFilesAndNoMore() throws {
  let folder = try TemporaryFolder()
  var simulation = try Simulation(
    deck: argonDeck("ensemble: nve", steps: 6, in: folder.path), forceField: ForceField.lennardJones)
  try simulation.run(overwrite: false)
  let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0 != "argon.xyz" }
  #expect(
    Set(names).subtracting(["argon.checkpoint.previous.h5"]) == [
      "argon.trajectory.h5", "argon.log.tsv", "argon.checkpoint.h5", "argon.resolved.yaml",
      "argon.timings.tsv",
    ])
  #expect(try H5MDReader(simulation.files.trajectory).frameCount == 3)
  let lines = try String(contentsOfFile: simulation.files.log, encoding: .utf8).split(separator: "\n")
  #expect(lines.count { !$0.hasPrefix("#") } >= 4)
  let resolved = try Deck(path: simulation.files.resolvedDeck)
  #expect(resolved.resolvedText == simulation.deck.resolvedText)
}

@Test func earlierFilesAreKeptUnlessOverwriteIsAsked() throws {
  let folder = try TemporaryFolder()
  let deck = try argonDeck("ensemble: nve", steps: 6, in: folder.path)
  var first = try Simulation(deck: deck, forceField: ForceField.lennardJones)
  try first.run(overwrite: false)
  let before = try folder.bytes("argon.trajectory.h5")
  let refusal = failure {
    var second = try Simulation(deck: deck, forceField: ForceField.lennardJones)
    try second.run(overwrite: false)
  }
  #expect(refusal?.exitCode == 3)
  #expect(refusal?.message.contains("--overwrite") == true)
  #expect(try folder.bytes("argon.trajectory.h5") == before)
  var third = try Simulation(deck: deck, forceField: ForceField.lennardJones)
  try third.run(overwrite: true)
}

@Test func explodingRunEndsWithItsLastGoodCheckpoint() throws {
  let folder = try TemporaryFolder()
  let deck = try argonDeck("ensemble: nve", steps: 60, in: folder.path)
  let potential = LennardJones()
  potential.failingEvaluation = 20
  let exploding = ForceField(potential: potential, species: [18], hash: "lennard-jones")
  let end = failure {
    var simulation = try Simulation(deck: deck, forceField: { _ in exploding })
    try simulation.run(overwrite: false)
  }
  #expect(end?.exitCode == 4)
  #expect(end?.message.contains("argon.checkpoint.h5") == true)
  let rest = try Simulation(
    checkpoint: "\(folder.path)/argon.checkpoint.h5", forceField: ForceField.lennardJones)
  #expect(rest.motion.completedSteps == 14)
}

@Test func resumeNeedsTheSameForceField() throws {
  let folder = try TemporaryFolder()
  var simulation = try Simulation(
    deck: argonDeck("ensemble: nve", steps: 6, in: folder.path), forceField: ForceField.lennardJones)
  try simulation.run(overwrite: false)
  let other = ForceField(potential: LennardJones(), species: [18], hash: "another")
  let refusal = failure {
    _ = try Simulation(
      checkpoint: simulation.files.checkpoint, options: ResumeOptions(steps: 1), forceField: { _ in other })
  }
  #expect(refusal?.exitCode == 3)
  #expect(refusal?.message.contains("model") == true)
}

@Test func corruptCheckpointFallsBackToThePreviousOne() throws {
  let folder = try TemporaryFolder()
  var simulation = try Simulation(
    deck: argonDeck("ensemble: nve", steps: 14, in: folder.path), forceField: ForceField.lennardJones)
  try simulation.run(overwrite: false)
  var bytes = try folder.bytes("argon.checkpoint.h5")
  bytes[bytes.count / 2] ^= 0xFF
  bytes[bytes.count / 3] ^= 0xFF
  try bytes.prefix(bytes.count - 100).write(to: URL(fileURLWithPath: simulation.files.checkpoint))
  var rest = try Simulation(
    checkpoint: simulation.files.checkpoint, forceField: ForceField.lennardJones)
  #expect(rest.motion.completedSteps == 7)
  try rest.resume()
  #expect(try Checkpoint.read(simulation.files.checkpoint).step == 14)
}

@Test func replicatedStructureRepeatsAtomsAndFixedOnes() throws {
  let folder = try TemporaryFolder()
  var deck = try argonDeck("ensemble: nve\nfixed: [2]", steps: 1, in: folder.path)
  deck = try Deck(
    text: deck.resolvedText, file: "argon.yaml", folder: folder.path, overrides: ["steps": "2"])
  let system = try AtomicSystem(deck.readStructure(), deck: deck, forceField: ForceField.lennardJones(deck))
    .replicated([1, 2, 3])
  #expect(system.count == 32 * 6)
  #expect(system.fixedAtoms == (0..<6).map { 32 * $0 + 1 })
  #expect(system.cell.vectors.z.z == 3 * 10.8)
  #expect(abs(system.positions[32].z - system.positions[0].z - 10.8) < 1e-12)
}

@Test func timingsAddUpOverTheSessionsOfARun() throws {
  let folder = try TemporaryFolder()
  let deck = try argonDeck("ensemble: nve", steps: 6, in: folder.path)
  var first = try Simulation(deck: deck, forceField: ForceField.lennardJones)
  try first.run(overwrite: false)
  let alone = try #require(try RunTimings(reading: first.files.timings))
  var second = try Simulation(
    checkpoint: first.files.checkpoint, options: ResumeOptions(steps: 4), forceField: ForceField.lennardJones)
  try second.resume()
  let both = try #require(try RunTimings(reading: first.files.timings))
  #expect(alone.steps == 6 && both.steps == 10)
  #expect(both.parts.map(\.part) == alone.parts.map(\.part))
  for (sum, part) in zip(both.parts, alone.parts) { #expect(sum.seconds >= part.seconds) }
  let none = try RunTimings(reading: folder.path + "/none.tsv")
  #expect(none == nil)
  try "wrong\n1\n".write(toFile: first.files.timings, atomically: true, encoding: .utf8)
  #expect(throws: TrajectoryError.self) { try RunTimings(reading: first.files.timings) }
}
