// Several models as one, as a user runs them: the mean moves the atoms, disagreement is told, marked and ends a run.

import Foundation
import LRMACEModel
import Testing
import Trajectory

/// A deck of the shipped model and of one that differs a little from it.
private func committeeDeck(
  _ folder: TemporaryFolder, _ name: String, steps: Int, _ keys: String = "ensemble: nvt"
) throws -> String {
  let other = "\(folder.path)/other.h5"
  if !FileManager.default.fileExists(atPath: other) {
    var model = try Model(contentsOf: BlochProcess.model)
    model.weights = model.weights.map { $0 * 1.002 }
    try model.write(to: other)
  }
  let deck = try folder.writeDeck(name, steps: steps, keys)
  try String(contentsOfFile: deck, encoding: .utf8)
    .replacingOccurrences(
      of: "model: \(BlochProcess.model)", with: "model: [\(BlochProcess.model), other.h5]"
    )
    .write(toFile: deck, atomically: true, encoding: .utf8)
  return deck
}

@Test func halvesOfACommitteesRunAreTheWholeAndItsSpreadIsWritten() throws {
  let folder = try TemporaryFolder()
  for arguments in [
    ["run", try committeeDeck(folder, "whole", steps: 12)],
    ["run", try committeeDeck(folder, "half", steps: 7)], ["resume", "half.checkpoint.h5", "--steps", "5"],
  ] {
    let outcome = try BlochProcess.run(arguments, in: folder.path)
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
  }
  #expect(try folder.text("whole.log.tsv") == folder.text("half.log.tsv"))
  #expect(try folder.text("whole.log.tsv").contains("force_spread"))
  let readers = try ["whole", "half"].map { try H5MDReader("\(folder.path)/\($0).trajectory.h5") }
  let frames = try readers.map { try $0.frame($0.frameCount - 1) }
  #expect(frames[0].forceSpreads == frames[1].forceSpreads && frames[0].forces == frames[1].forces)
  let spread = try #require(frames[0].forceSpreads?.max())
  #expect(spread > 1e-4)
  #expect(abs(spread - (frames[0].observables["force_spread"] ?? .nan)) < 1e-9 * spread)

  // Of two models the spread is half of their distance: `evaluate` of each alone says the same.
  let export = try BlochProcess.run(["export", "whole.trajectory.h5", "whole.xyz"], in: folder.path)
  #expect(export.exitCode == 0, "\(export.errors)")
  var forces: [[SIMD3<Double>]] = []
  for (name, models) in [
    ("a", [BlochProcess.model]), ("b", ["other.h5"]), ("both", [BlochProcess.model, "other.h5"]),
  ] {
    let outcome = try BlochProcess.run(
      ["evaluate"] + models.flatMap { ["--model", $0] } + ["whole.xyz", "--output", "\(name).xyz"],
      in: folder.path)
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("models apart") == (models.count == 2))
    forces.append(try #require(ExtendedXYZ.read("\(folder.path)/\(name).xyz").forces))
  }
  let spreads = try ["both", "whole"].map { name in
    try ExtendedXYZReader("\(folder.path)/\(name).xyz", keeping: [.columns]).next()?.columns.first {
      $0.name == "force_spread"
    }
  }
  let both = try #require(spreads[0])
  #expect(spreads[1]?.texts.count == forces[0].count)
  for i in forces[0].indices {
    let half = 0.5 * (forces[0][i] - forces[1][i])
    #expect(abs((half * half).sum().squareRoot() - (Double(both.texts[i]) ?? .nan)) < 1e-9)
    let mean = 0.5 * (forces[0][i] + forces[1][i])
    #expect(((forces[2][i] - mean) * (forces[2][i] - mean)).sum() < 1e-20)
  }
}

@Test func aRunEndsWhereItsModelsDisagreeWithAllThatItNeedsToGoOn() throws {
  let folder = try TemporaryFolder()
  let deck = try committeeDeck(
    folder, "apart", steps: 20, "ensemble: nve\ncommittee: {mark: 0.01 meV/A, stop: 0.02 meV/A}")
  let outcome = try BlochProcess.run(["run", deck], in: folder.path)
  #expect(outcome.exitCode == 4)
  #expect(outcome.errors.contains("spread by") && outcome.errors.contains("as `committee.stop` asks"))
  #expect(outcome.output.contains("logged frames are marked"))
  let checkpoint = try Checkpoint.read("\(folder.path)/apart.checkpoint.h5")
  // The first logged frame is that of the start.
  #expect(checkpoint.step == 0 && checkpoint.plan.values["members"] != nil)
  let lines = try folder.text("apart.log.tsv").split(separator: "\n").map { $0.split(separator: "\t") }
  let column = try #require(
    lines.first { $0.contains { $0.hasPrefix("marked") } }?.firstIndex { $0.hasPrefix("marked") })
  #expect(lines.last?[column] == "1.0" || lines.last?[column] == "1")
  // Still apart at the next logged frame.
  let again = try BlochProcess.run(["resume", "apart.checkpoint.h5"], in: folder.path)
  #expect(again.exitCode == 4)
  #expect(try Checkpoint.read("\(folder.path)/apart.checkpoint.h5").step == 2)
}

@Test func committeeThatIsNoneIsAMistakeInTheDeck() throws {
  let folder = try TemporaryFolder()
  for (keys, words) in [
    ("committee: {stop: 1 eV/A}", "there is one model"),
    ("committee: {stop: 1 eV}", "eV/A"),
  ] {
    let deck =
      words == "eV/A"
      ? try committeeDeck(folder, "wrong", steps: 1, "ensemble: nve\n" + keys)
      : try folder.writeDeck("wrong", steps: 1, "ensemble: nve\n" + keys)
    let outcome = try BlochProcess.run(["check", deck], in: folder.path)
    #expect(outcome.exitCode == 2 && outcome.errors.contains(words), "\(outcome.errors)")
  }
  let deck = try committeeDeck(folder, "twice", steps: 1)
  try String(contentsOfFile: deck, encoding: .utf8).replacingOccurrences(
    of: ", other.h5]", with: ", \(BlochProcess.model)]"
  )
  .write(toFile: deck, atomically: true, encoding: .utf8)
  let outcome = try BlochProcess.run(["check", deck], in: folder.path)
  #expect(outcome.exitCode == 2 && outcome.errors.contains("stands here twice"), "\(outcome.errors)")
}
