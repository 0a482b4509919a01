// Where a run goes on, after its files were moved, renamed, damaged, or when an older checkpoint is given.

import Foundation
import HDF5
import Testing
import Trajectory

@testable import Deck
@testable import Simulation

private func finishedRun(
  steps: Int, in folder: String, name: String = "argon", motion: String = "ensemble: nve"
) throws -> OutputFiles {
  var simulation = try Simulation(
    deck: argonDeck(motion, steps: steps, in: folder, name: name), forceField: ForceField.lennardJones)
  try simulation.run(overwrite: false)
  return simulation.files
}

private func resume(_ checkpoint: String, _ options: ResumeOptions = ResumeOptions()) throws -> Simulation {
  var simulation = try Simulation(
    checkpoint: checkpoint, options: options, forceField: ForceField.lennardJones)
  try simulation.resume()
  return simulation
}

/// What the checkpoint `path` counts on in the file of an observer.
private func mark(_ observer: String, in path: String) throws -> OutputMark {
  try OutputMark(#require(Checkpoint.read(path).observers[observer]))
}

private func lastLogStep(_ files: OutputFiles) throws -> Int? {
  try String(contentsOfFile: files.log, encoding: .utf8).split(separator: "\n").last?
    .split(separator: "\t").first.flatMap { Int($0) }
}

private func frameSteps(_ files: OutputFiles) throws -> [Int64] {
  let reader = try H5MDReader(files.trajectory)
  return try (0..<reader.frameCount).map { try reader.frame($0).step }
}

/// Writes `bytes` over the file's own.
private func overwrite(_ path: String, at offset: Int, _ bytes: [UInt8]) throws {
  let file = try #require(FileHandle(forUpdatingAtPath: path))
  try file.seek(toOffset: UInt64(offset))
  try file.write(contentsOf: Data(bytes))
  try file.close()
}

@Suite struct ResumePointTests {
  @Test func lastConfigurationIsWrittenWhateverTheIntervalAndDroppedByAResume() throws {
    let folder = try TemporaryFolder()
    // Frames every 3, lines every 2 steps.
    let files = try finishedRun(steps: 31, in: folder.path)
    #expect(try frameSteps(files) == Array(stride(from: 0, to: 31, by: 3)) + [31])
    #expect(try lastLogStep(files) == 31)
    _ = try resume(files.checkpoint, ResumeOptions(steps: 4))
    #expect(try frameSteps(files) == Array(stride(from: 0, to: 35, by: 3)) + [35])
    #expect(try lastLogStep(files) == 35)
  }

  @Test func runKilledAfterItsLastCheckpointGetsItsLastConfiguration() throws {
    let folder = try TemporaryFolder()
    let files = try finishedRun(steps: 31, in: folder.path)
    let log = try folder.bytes("argon.log.tsv")
    let file = try HDF5File(updating: files.trajectory)
    for name in ["position/step", "position/time", "position/value", "velocity/value"] {
      try HDF5Rows(opening: "/particles/trajectory/\(name)", in: file)
        .truncate(toCount: mark("trajectory", in: files.checkpoint).count)
    }
    try file.close()
    try log.prefix(mark("log", in: files.checkpoint).count).write(to: URL(fileURLWithPath: files.log))
    _ = try resume(files.checkpoint)
    #expect(try frameSteps(files).last == 31 && folder.bytes("argon.log.tsv") == log)
    // A second time changes nothing.
    _ = try resume(files.checkpoint)
    #expect(try frameSteps(files) == Array(stride(from: 0, to: 31, by: 3)) + [31])
    #expect(try folder.bytes("argon.log.tsv") == log)
  }

  @Test func runGoesOnWhereItsFolderWasMovedAndItsFilesRenamed() throws {
    let folder = try TemporaryFolder()
    let manager = FileManager.default
    let (old, new) = ("\(folder.path)/old", "\(folder.path)/new")
    try manager.createDirectory(atPath: old, withIntermediateDirectories: true)
    try Data("model".utf8).write(to: URL(fileURLWithPath: "\(old)/none.h5"))
    var deck = try argonDeck("ensemble: nve", steps: 14, in: old)
    deck = try Deck(
      text: deck.resolvedText, file: "argon.yaml", folder: old, overrides: ["output.folder": "\(old)/out"])
    var simulation = try Simulation(deck: deck, forceField: ForceField.lennardJones)
    try simulation.run(overwrite: false)

    try manager.moveItem(atPath: old, toPath: new)
    for ending in ["trajectory.h5", "log.tsv", "checkpoint.h5", "checkpoint.previous.h5", "resolved.yaml"] {
      try manager.moveItem(atPath: "\(new)/out/argon.\(ending)", toPath: "\(new)/out/krypton.\(ending)")
    }
    let rest = try resume("\(new)/out/krypton.checkpoint.h5", ResumeOptions(steps: 7))
    #expect(rest.files == OutputFiles(folder: "\(new)/out", name: "krypton"))
    #expect(rest.deck.models == ["\(new)/none.h5"])
    #expect(rest.deck.structure == "\(new)/argon.xyz")
    #expect(try Checkpoint.read(rest.files.checkpoint).step == 21)
    #expect(!manager.fileExists(atPath: old))
  }

  @Test func threadsModelAndStructureMayBeNamedAnew() throws {
    let folder = try TemporaryFolder()
    let files = try finishedRun(steps: 7, in: folder.path)
    let options = ResumeOptions(
      steps: 7, models: ["/elsewhere/other.h5"], structure: "/elsewhere/argon.xyz", threads: 3)
    let deck = try resume(files.checkpoint, options).deck
    #expect(deck.models == ["/elsewhere/other.h5"] && deck.structure == "/elsewhere/argon.xyz")
    #expect(deck.threads == 3)
    #expect(try Deck(path: files.resolvedDeck).threads == 3)
  }

  @Test(arguments: [Int.max, Int.max - 6, Deck.mostSteps, Deck.mostSteps - 6])
  func stepsBeyondReachAreAMistakeOfTheCommandLine(steps: Int) throws {
    let folder = try TemporaryFolder()
    let files = try finishedRun(steps: 7, in: folder.path)
    let end = failure { _ = try resume(files.checkpoint, ResumeOptions(steps: steps)) }
    #expect(end?.exitCode == 2)
    #expect(end?.message.contains("--steps takes 0 to \(Deck.mostSteps - 7)") == true)
  }

  @Test func olderCheckpointAsksBeforeItDropsNewerResults() throws {
    let folder = try TemporaryFolder()
    let files = try finishedRun(steps: 28, in: folder.path)
    let copy = "\(folder.path)/step28.checkpoint.h5"
    try FileManager.default.copyItem(atPath: files.checkpoint, toPath: copy)
    _ = try resume(files.checkpoint, ResumeOptions(steps: 28))
    let before = try (folder.bytes("argon.trajectory.h5"), folder.bytes("argon.log.tsv"))
    let refusal = failure { _ = try resume(copy, ResumeOptions(steps: 4)) }
    #expect(refusal?.exitCode == 3)
    // Frames 30, 33 ... 54 and the last; lines 30, 32 ... 56.
    for words in ["went on to step 56", "--overwrite drops 10 frames and 14 lines"] {
      #expect(refusal?.message.contains(words) == true, "\(refusal?.message ?? "")")
    }
    #expect(try folder.bytes("argon.trajectory.h5") == before.0 && folder.bytes("argon.log.tsv") == before.1)

    let rest = try resume(copy, ResumeOptions(steps: 4, overwrite: true))
    #expect(rest.files == files)
    #expect(try lastLogStep(files) == 32)
    #expect(try Checkpoint.read(files.checkpoint).step == 32)
    // The file that the user named is not touched.
    #expect(try Checkpoint.read(copy).step == 28)
    // And the newest checkpoint is one of this run again.
    _ = try resume(files.checkpoint, ResumeOptions(steps: 4))
    #expect(try lastLogStep(files) == 36)
  }

  @Test func copyWithoutANewerCheckpointAsksWhereTheFilesGoOnFurtherThanAKillLeaves() throws {
    let folder = try TemporaryFolder()
    // Checkpoints every 7 steps.
    let files = try finishedRun(steps: 28, in: folder.path)
    let old = "\(folder.path)/old.checkpoint.h5"
    try FileManager.default.copyItem(atPath: files.checkpoint, toPath: old)
    _ = try resume(files.checkpoint, ResumeOptions(steps: 28))
    for path in [files.checkpoint, Checkpoint.previousPath(of: files.checkpoint)] {
      try FileManager.default.removeItem(atPath: path)
    }
    #expect(failure { _ = try resume(old) }?.message.contains("--overwrite drops") == true)
  }

  @Test(arguments: ["trajectory", "log"]) func bothCheckpointsAreHeldAgainstTheFiles(_ kind: String) throws {
    let folder = try TemporaryFolder()
    let files = try finishedRun(steps: 28, in: folder.path)
    let newest = try mark(kind, in: files.checkpoint)
    let previous = try mark(kind, in: Checkpoint.previousPath(of: files.checkpoint))
    if kind == "log" {
      // Zeros in the place of a line between the two checkpoints, as a power cut may leave them.
      try overwrite(files.log, at: previous.count + 3, [UInt8](repeating: 0, count: 20))
    } else {
      let file = try HDF5File(updating: files.trajectory)
      let rows = try HDF5Rows(opening: "/particles/trajectory/velocity/value", in: file)
      try rows.write([Double](repeating: 0, count: 96), atRow: previous.count)
      try file.close()
    }
    #expect(newest.count > previous.count)
    let rest = try Simulation(checkpoint: files.checkpoint, forceField: ForceField.lennardJones)
    #expect(rest.motion.completedSteps == 21)
  }

  @Test func rollingBothFilesBackBeyondBothCheckpointsIsRefusedWithoutAChange() throws {
    let folder = try TemporaryFolder()
    let files = try finishedRun(steps: 28, in: folder.path)
    try overwrite(files.log, at: 200, [0, 0, 0, 0])
    let before = try (folder.bytes("argon.trajectory.h5"), folder.bytes("argon.log.tsv"))
    let end = failure { _ = try resume(files.checkpoint, ResumeOptions(steps: 7)) }
    #expect(end?.exitCode == 3)
    #expect(end?.message.contains("argon.log.tsv") == true)
    #expect(try folder.bytes("argon.log.tsv") == before.1)
    #expect(try folder.bytes("argon.trajectory.h5") == before.0)
  }

  @Test func trajectoryThatIsShorterThanTheNewestCheckpointSaysFallsBack() throws {
    let folder = try TemporaryFolder()
    let whole = try finishedRun(steps: 42, in: folder.path, name: "whole")
    let files = try finishedRun(steps: 28, in: folder.path)
    let count = try mark("trajectory", in: files.checkpoint).count
    let file = try HDF5File(updating: files.trajectory)
    for name in ["position/step", "position/value", "velocity/value"] {
      try HDF5Rows(opening: "/particles/trajectory/\(name)", in: file).truncate(toCount: count - 1)
    }
    try file.close()
    let rest = try resume(files.checkpoint, ResumeOptions(steps: 21))
    #expect(rest.motion.completedSteps == 42)
    #expect(
      try String(contentsOfFile: whole.log, encoding: .utf8)
        == String(contentsOfFile: files.log, encoding: .utf8))
  }

  private static let misfits: [(change: @Sendable (inout Checkpoint) -> Void, words: String)] = [
    ({ $0.plan.values["positions"] = nil }, "/plan/positions: is missing"),
    ({ $0.plan.values["positions"] = .vectors([[0, 0, 0]]) }, "/plan/positions: holds 1 values, not 32"),
    ({ $0.plan.values["cell"] = .vectors([.zero, .zero, .zero]) }, "/plan/cell: the cell has no volume"),
    ({ $0.plan.values["choices"] = .group(["a": .integers([1])]) }, "/plan/choices"),
    ({ $0.plan.values["other"] = .text("") }, "/plan/other: is not known"),
    ({ $0.observers["other"] = [:] }, "/observers/other: is not known"),
    ({ $0.observers["log"] = nil }, "/observers/log: is missing"),
    ({ $0.observers["log"]?.values["other"] = .integers([1]) }, "/observers/log/other: is not known"),
  ]

  @Test(arguments: misfits.indices) func partsThatDoNotFitLeadToTheCheckpointBefore(_ index: Int) throws {
    let folder = try TemporaryFolder()
    let files = try finishedRun(steps: 14, in: folder.path)
    var checkpoint = try Checkpoint.read(files.checkpoint)
    Self.misfits[index].change(&checkpoint)
    // The sound one becomes the one before.
    try checkpoint.write(to: files.checkpoint)
    var words = ""
    let rest = try Simulation(
      checkpoint: files.checkpoint, events: { words += "\($0)\n" }, forceField: ForceField.lennardJones)
    #expect(rest.motion.completedSteps == 14)
    #expect(words.contains(Self.misfits[index].words) && words.contains("going on from step 14"), "\(words)")
  }

  @Test func statesThatMotionOrPotentialDoNotKnowAreRefusedByName() throws {
    let folder = try TemporaryFolder()
    let files = try finishedRun(steps: 14, in: folder.path)
    let sound = try Checkpoint.read(files.checkpoint)
    let changes: [(change: (inout Checkpoint) -> Void, words: String)] = [
      ({ $0.motion.values["other"] = .numbers([1]) }, "/motion/other: is not known"),
      ({ $0.plan.values["choices"] = .group(["other": .text("1")]) }, "/plan: argon has no choice of other"),
    ]
    for (change, words) in changes {
      var checkpoint = sound
      change(&checkpoint)
      try checkpoint.write(to: files.checkpoint)
      let end = failure { _ = try resume(files.checkpoint) }
      #expect(end?.exitCode == 3 && end?.message.contains(words) == true, "\(end?.message ?? "")")
    }
  }

  @Test(arguments: ["trajectory.h5", "log.tsv"]) func missingFileIsNamed(_ ending: String) throws {
    let folder = try TemporaryFolder()
    let files = try finishedRun(steps: 7, in: folder.path)
    try FileManager.default.removeItem(atPath: "\(folder.path)/argon.\(ending)")
    let end = failure { _ = try resume(files.checkpoint, ResumeOptions(steps: 7)) }
    #expect(end?.exitCode == 3)
    #expect(end?.message.contains("argon.\(ending)") == true)
  }
}
