// Normal modes that stop and go on, to the bits of those that do not.

import Foundation
import Testing
import Trajectory

@testable import Deck
@testable import Simulation

private func modes(_ folder: TemporaryFolder, name: String, keys: String = "") throws -> ModesRun {
  try argonStructure().write(toFile: "\(folder.path)/argon.xyz", atomically: true, encoding: .utf8)
  return try ModesRun(
    deck: Deck(
      text: """
        structure: argon.xyz
        model: none.h5
        fixed: [5-32]
        modes: {animated: 1}
        checkpoint: {every: 7 steps}
        output: {folder: ., name: \(name)}
        \(keys)
        """, file: "argon.yaml", folder: folder.path), forceField: ForceField.lennardJones)
}

private func resume(_ path: String, _ options: ResumeOptions = ResumeOptions()) throws -> [Event] {
  var heard: [Event] = []
  var rest = try ModesRun(
    checkpoint: path, options: options, events: { heard.append($0) }, forceField: ForceField.lennardJones)
  try rest.resume()
  return heard
}

@Test func modesThatAreInterruptedOrKilledGoOnBitForBit() throws {
  let folder = try TemporaryFolder()
  var whole = try modes(folder, name: "whole")
  try whole.run(overwrite: false)
  let (table, movies) = try (folder.bytes("whole.modes.tsv"), folder.bytes("whole.modes.xyz"))
  let state = try Checkpoint.read(whole.files.checkpoint)
  // 4 atoms to both sides along three axes.
  #expect(state.step == 24)

  func expectSame(_ name: String) throws {
    #expect(try folder.bytes("\(name).modes.tsv") == table && folder.bytes("\(name).modes.xyz") == movies)
    #expect(try Checkpoint.read("\(folder.path)/\(name).checkpoint.h5").motion == state.motion)
  }
  // After an odd displacement and an even one, at a checkpoint and before the first one.
  for stop in [0, 5, 7, 16] {
    var half = try modes(folder, name: "half")
    var asked = 0
    try half.run(overwrite: true) {
      asked += 1
      return asked > stop ? "a test" : nil
    }
    #expect(
      try Checkpoint.read(half.files.checkpoint).step == stop && ModesRun.isCheckpoint(half.files.checkpoint))
    #expect(!FileManager.default.fileExists(atPath: half.files.table))
    _ = try resume(half.files.checkpoint)
    try expectSame("half")
  }

  // Killed while it wrote the table: a part of that, and a checkpoint that is damaged.
  var killed = try modes(folder, name: "killed")
  try killed.run(overwrite: false)
  try Data("# mode".utf8).write(to: URL(fileURLWithPath: killed.files.table))
  try Data(folder.bytes("killed.checkpoint.h5").dropLast(40)).write(
    to: URL(fileURLWithPath: killed.files.checkpoint))
  let heard = try resume(killed.files.checkpoint)
  #expect(heard.contains { $0.description.contains("going on from step 21 in") })
  try expectSame("killed")

  // Complete ones tell their frequencies again, where they lie now and under their new name.
  let moved = "\(folder.path)/moved"
  try FileManager.default.createDirectory(atPath: moved, withIntermediateDirectories: true)
  for ending in ["checkpoint.h5", "resolved.yaml"] {
    try FileManager.default.moveItem(
      atPath: "\(folder.path)/killed.\(ending)", toPath: "\(moved)/new.\(ending)")
  }
  #expect(try resume("\(moved)/new.checkpoint.h5").contains { $0.description.contains("Zero-point energy") })
  try expectSame("moved/new")
}

@Test func modesRefuseWhatIsNotTheirs() throws {
  let folder = try TemporaryFolder()
  var run = try modes(folder, name: "argon")
  try run.run(overwrite: false)
  let steps = failure { _ = try resume(run.files.checkpoint, ResumeOptions(steps: 3)) }
  #expect(steps?.exitCode == 2 && steps?.message.contains("--steps is for runs") == true)
  var checkpoint = try Checkpoint.read(run.files.checkpoint)
  checkpoint.step = 25
  try checkpoint.write(to: "\(folder.path)/argon.checkpoint.h5")
  try FileManager.default.removeItem(atPath: Checkpoint.previousPath(of: run.files.checkpoint))
  let beyond = failure { _ = try resume(run.files.checkpoint) }
  #expect(beyond?.message.contains("hold 25 of 24 displacements") == true, "\(beyond as Any)")
  let taken = failure {
    var again = try modes(folder, name: "argon")
    try again.run(overwrite: false)
  }
  #expect(taken?.exitCode == 3 && taken?.message.contains("resume") == true)
}
