// `bloch train` as a user runs it: frames of a run become a model that runs, and what ends a training in mid-course does not
// change its result by a bit.

import Foundation
import Testing
import Trajectory

@testable import LRMACEModel

/// A small training on frames of eight water molecules, labelled by the model that ships.
private func writeTraining(in folder: TemporaryFolder, epochs: Int) throws {
  let run = try folder.writeDeck(
    "w", steps: 60, trajectory: "{every: 3 steps, forces: true, precision: double}")
  for arguments in [["run", run], ["export", "w.trajectory.h5", "frames.xyz"]] {
    let outcome = try BlochProcess.run(arguments, in: folder.path)
    try #require(outcome.exitCode == 0, "\(outcome.errors)")
  }
  try """
  train: frames.xyz
  isolated_energies: {H: -13.6 eV, O: -440.5 eV}
  model: {cutoff: 4 A, layers: 2, channels: 8, l_max: 1, correlation: 2, radial: [16]}
  long_range: {charges: {H2O: 0}, columns: 4}
  epochs: \(epochs)
  threads: 1

  """.write(toFile: "\(folder.path)/t.yaml", atomically: true, encoding: .utf8)
}

private func bytes(_ folder: TemporaryFolder, _ name: String) throws -> Data {
  try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/\(name)"))
}

@Suite struct TrainingTests {
  @Test func trainedModelRuns() throws {
    let folder = try TemporaryFolder()
    try writeTraining(in: folder, epochs: 3)
    let check = try BlochProcess.run(["check", "t.yaml"], in: folder.path)
    #expect(check.exitCode == 0 && check.output.contains("energy forces"), "\(check)")
    let training = try BlochProcess.run(["train", "t.yaml"], in: folder.path)
    #expect(training.exitCode == 0, "\(training.errors)")
    for name in ["t.model.h5", "t.report.html", "t.training.tsv", "t.checkpoint.h5", "t.resolved.yaml"] {
      #expect(training.output.contains(name) && folder.exists(name))
    }
    let deck = try folder.text("w.yaml").replacingOccurrences(of: BlochProcess.model, with: "t.model.h5")
    try deck.replacingOccurrences(of: "steps: 60", with: "steps: 5")
      .write(toFile: "\(folder.path)/w.yaml", atomically: true, encoding: .utf8)
    let run = try BlochProcess.run(["run", "w.yaml", "--overwrite"], in: folder.path)
    #expect(run.exitCode == 0, "\(run.errors)")
    let info = try BlochProcess.run(["model", "info", "t.model.h5"], in: folder.path)
    #expect(info.output.contains("trained by Bloch") && info.output.contains(" O: runs tell"), "\(info)")
    #expect(run.output.contains("farther from the training data than"), "\(run)")
    let evaluation = try BlochProcess.run(
      ["evaluate", "--model", "t.model.h5", "frames.xyz"], in: folder.path)
    let grades = evaluation.output.split(separator: "\n").dropFirst().compactMap {
      $0.split(separator: " ").last.flatMap { Double($0) }
    }
    // Nine of ten frames were learned: the farthest of them is the unit.
    #expect(grades.count == 21 && grades.contains(1) && grades.count { $0 <= 1 } >= 18, "\(grades)")
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGKILL])
  func signalsDoNotChangeAResult(_ signal: Int32) throws {
    let whole = try TemporaryFolder()
    try writeTraining(in: whole, epochs: 60)
    #expect(try BlochProcess.run(["train", "t.yaml"], in: whole.path).exitCode == 0)
    let parts = try TemporaryFolder()
    for name in ["t.yaml", "frames.xyz"] {
      try bytes(whole, name).write(to: URL(fileURLWithPath: "\(parts.path)/\(name)"))
    }
    let process = try BlochProcess.start(["train", "t.yaml"], in: parts.path)
    func epochs() -> Int { (try? parts.text("t.training.tsv").split(separator: "\n").count - 1) ?? 0 }
    while epochs() < 10, process.isRunning { usleep(1000) }
    kill(process.processIdentifier, signal)
    let outcome = try BlochProcess.outcome(of: process, in: parts.path)
    #expect(outcome.exitCode == (signal == SIGKILL ? -SIGKILL : 0))
    #expect(signal == SIGKILL || outcome.output.contains("train --resume"), "\(outcome.output)")
    #expect(epochs() < 60, "it was through before the signal came")
    let rest = try BlochProcess.run(["train", "--resume", "t.checkpoint.h5"], in: parts.path)
    #expect(rest.exitCode == 0, "\(rest.errors)")
    #expect(try bytes(parts, "t.training.tsv") == bytes(whole, "t.training.tsv"))
    #expect(try bytes(parts, "t.model.h5") == bytes(whole, "t.model.h5"))
  }

  @Test func modelToGoOnFromIsExactlyItselfBeforeTheFirstStep() throws {
    let folder = try TemporaryFolder()
    try writeTraining(in: folder, epochs: 1)
    let deck =
      try folder.text("t.yaml").split(separator: "\n").filter {
        !$0.hasPrefix("model") && !$0.hasPrefix("long") && !$0.hasPrefix("isolated")
      }
      .joined(separator: "\n")
      + "\nstart: \(BlochProcess.model)\nprecision: double\noptimizer: {rate: 1e-12, ema: 0}\n"
    try deck.write(toFile: "\(folder.path)/t.yaml", atomically: true, encoding: .utf8)
    let training = try BlochProcess.run(["train", "t.yaml"], in: folder.path)
    #expect(training.exitCode == 0, "\(training.errors)")
    func energies(_ model: String, _ result: String) throws -> [Double] {
      let outcome = try BlochProcess.run(
        ["evaluate", "--model", model, "frames.xyz", "--output", result], in: folder.path)
      #expect(outcome.exitCode == 0, "\(outcome.errors)")
      return try (0..<20).map { try #require(ExtendedXYZ.read("\(folder.path)/\(result)", frame: $0).energy) }
    }
    for (a, b) in try zip(energies("t.model.h5", "a.xyz"), energies(BlochProcess.model, "b.xyz")) {
      #expect(abs(a - b) < 1e-9 * 24)
    }
  }
}
