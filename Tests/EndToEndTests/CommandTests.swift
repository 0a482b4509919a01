// Each command, from its arguments to its exit code.

import Foundation
import Testing
import Trajectory

private let snapshots = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
  "Help"
).path

@Test(arguments: [
  "", "run", "resume", "minimize", "neb", "modes", "serve", "train", "check", "evaluate", "model", "analyze",
  "report",
  "export", "benchmark", "deck",
])
func helpIsAsRecorded(_ command: String) throws {
  let folder = try TemporaryFolder()
  let outcome = try BlochProcess.run(["help"] + (command.isEmpty ? [] : [command]), in: folder.path)
  let file = "\(snapshots)/\(command.isEmpty ? "bloch" : command).txt"
  if ProcessInfo.processInfo.environment["BLOCH_RECORD"] != nil {
    try outcome.output.write(toFile: file, atomically: true, encoding: .utf8)
  }
  #expect(outcome.exitCode == 0)
  #expect(outcome.output == (try String(contentsOfFile: file, encoding: .utf8)))
}

@Test(arguments: [[], ["--training"], ["--minimize"], ["--neb"], ["--modes"], ["--serve"]])
func referenceOfKeysIsAsRecorded(_ kind: [String]) throws {
  let folder = try TemporaryFolder()
  let outcome = try BlochProcess.run(["deck"] + kind, in: folder.path)
  let file = "\(snapshots)/\(kind.first.map { $0.dropFirst(2) + "-" } ?? "")keys.txt"
  if ProcessInfo.processInfo.environment["BLOCH_RECORD"] != nil {
    try outcome.output.write(toFile: file, atomically: true, encoding: .utf8)
  }
  #expect(outcome.output == (try String(contentsOfFile: file, encoding: .utf8)))
}

@Test func everyKindOfFailureHasItsExitCode() throws {
  let folder = try TemporaryFolder()
  let wrong = "\(folder.path)/wrong.yaml"
  try "timestep: 1\n".write(toFile: wrong, atomically: true, encoding: .utf8)
  let cases: [([String], Int32, String)] = [
    (["run", wrong], 2, "wrong.yaml:1:11: error:"),
    (["run"], 2, "Missing expected argument"),
    (["run", "deck.yaml", "--thread", "2"], 2, "Did you mean '--threads'"),
    (["run", "nowhere.yaml"], 3, "nowhere.yaml: error:"),
    (["resume", "nowhere.checkpoint.h5"], 3, "nowhere.checkpoint.h5"),
    (["model", "info", "nowhere.h5"], 3, "nowhere.h5: error:"),
    (["export", "nowhere.h5", "out.xyz"], 3, "nowhere.h5"),
    (["evaluate", "--model", BlochProcess.model, "nowhere.xyz"], 3, "nowhere.xyz"),
    (["benchmark", "--model", BlochProcess.model, "--structure", "nowhere.xyz"], 3, "nowhere.xyz"),
  ]
  for (arguments, code, words) in cases {
    let outcome = try BlochProcess.run(arguments, in: folder.path)
    #expect(outcome.exitCode == code, "\(arguments)")
    #expect(outcome.errors.contains(words), "\(arguments): \(outcome.errors)")
  }
}

@Test func runNamesItsFilesAndTheNextThingToTry() throws {
  let folder = try TemporaryFolder()
  let outcome = try BlochProcess.run(["run", folder.writeDeck("water", steps: 10)], in: folder.path)
  #expect(outcome.exitCode == 0, "\(outcome.errors)")
  for ending in ["trajectory.h5", "log.tsv", "checkpoint.h5", "resolved.yaml"] {
    #expect(outcome.output.contains("\(folder.path)/water.\(ending)"))
    #expect(folder.exists("water.\(ending)"))
  }
  #expect(outcome.output.contains("bloch export") && outcome.output.contains("bloch report"))
  #expect(outcome.errors.contains("step 10/10"))
  #expect(outcome.errors.contains("ns/day"))

  let export = try BlochProcess.run(
    ["export", "water.trajectory.h5", "water.xyz", "--every", "2"], in: folder.path)
  #expect(export.exitCode == 0, "\(export.errors)")
  let trajectory = try H5MDReader("\(folder.path)/water.trajectory.h5")
  let exported = try ExtendedXYZ.readAll("\(folder.path)/water.xyz")
  // Steps 0, 3, 6, 9 and the last, 10; of these every second.
  #expect(exported.count == 3)
  #expect(exported[1].system.positions == (try trajectory.frame(2).system.positions))
  #expect(exported[2].info["step"] == "10")
}

@Test func checkTellsWhatTheRunWouldBeAndWritesNothing() throws {
  let folder = try TemporaryFolder()
  let outcome = try BlochProcess.run(["check", folder.writeDeck("water", steps: 10)], in: folder.path)
  #expect(outcome.exitCode == 0, "\(outcome.errors)")
  for words in ["24 (O8 H16)", "1.0000 g/cm^3", "memory", "4 frames", "free"] {
    #expect(outcome.output.contains(words))
  }
  let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
  #expect(Set(files) == ["water.yaml", "stdout", "stderr"])
}

@Test func trainRefusesWhatIsNoTrainingAndRunWhatIs() throws {
  let folder = try TemporaryFolder()
  let training = "\(folder.path)/train.yaml"
  try "train: none.xyz\nepochs: 1\n".write(toFile: training, atomically: true, encoding: .utf8)
  let run = try folder.writeDeck("water", steps: 1)
  let cases: [([String], Int32, String)] = [
    (["train", training], 2, "train.yaml:1:8: error: there is no file"),
    (["check", training], 2, "train.yaml:1:8: error: there is no file"),
    (["run", training], 2, "this is the deck of a training, not of a run"),
    (["train", run], 2, "`bloch run "),
    (["train"], 2, "Give a deck, or a checkpoint with --resume."),
    (["train", training, "--allow-changes"], 2, "--allow-changes belongs to --resume."),
    (["train", "--resume", "none.h5", "--overwrite"], 2, "--overwrite is for a new training"),
    (["train", "--resume", "none.h5"], 3, "none.h5: error: is not a usable checkpoint"),
  ]
  for (arguments, code, words) in cases {
    let outcome = try BlochProcess.run(arguments, in: folder.path)
    #expect(outcome.exitCode == code, "\(arguments): \(outcome.errors)")
    #expect(outcome.errors.contains(words), "\(arguments): \(outcome.errors)")
  }
}

@Test func evaluateWritesWhatItReadsBackAsLabels() throws {
  let folder = try TemporaryFolder()
  let arguments = ["evaluate", "--model", BlochProcess.model, "--threads", "1"]
  let first = try BlochProcess.run(
    arguments + [BlochProcess.structure, "--output", "labelled.xyz"], in: folder.path)
  #expect(first.exitCode == 0, "\(first.errors)")
  let labelled = try ExtendedXYZ.read("\(folder.path)/labelled.xyz")
  #expect(labelled.energy != nil && labelled.forces?.count == 24 && labelled.stress != nil)
  let second = try BlochProcess.run(arguments + ["labelled.xyz"], in: folder.path)
  #expect(second.output.contains("energy 0.000 meV/atom, forces 0.00 meV/Angstrom"))
}

@Test func benchmarkGivesTheKeysThatToolsRead() throws {
  let folder = try TemporaryFolder()
  let outcome = try BlochProcess.run(
    ["benchmark", "--model", BlochProcess.model, "--structure", BlochProcess.structure, "--json"]
      + ["--replicate", "1", "1", "2"], in: folder.path)
  #expect(outcome.exitCode == 0, "\(outcome.errors)")
  let json = try #require(
    JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
  #expect(json["atoms"] as? Int == 48)
  #expect(json["threads"] as? Int == 1)
  #expect((json["microseconds_per_atom_step"] as? Double ?? 0) > 0)
  #expect((json["peak_memory_bytes"] as? Int ?? 0) > 1_000_000)
  let parts = try #require(json["parts"] as? [String: Double])
  #expect(parts.keys.contains("neighbors") && parts.keys.contains("motion"))
  let speeds = try #require(json["gigaflops"] as? [String: Double])
  #expect(Set(speeds.keys) == ["linear", "convolution", "contraction"])
  // Parts and peak are timed at different moments of a shared machine.
  let peak = try #require(json["peak_gigaflops"] as? Double)
  #expect(speeds.values.allSatisfy { $0 > 0 && $0 < 2 * peak })
}

@Test func benchmarkComparesNumbersOfThreadsInTurns() throws {
  let folder = try TemporaryFolder()
  let arguments =
    [
      "benchmark", "--model", BlochProcess.model, "--structure", BlochProcess.structure, "--threads", "1",
      "2",
    ]
  let outcome = try BlochProcess.run(arguments + ["--json"], in: folder.path)
  #expect(outcome.exitCode == 0, "\(outcome.errors)")
  let json = try #require(
    JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [[String: Any]])
  #expect(json.map { $0["threads"] as? Int } == [1, 2])
  #expect(json.first?["speedup"] as? Double == 1)
  #expect((json.last?["speedup"] as? Double ?? 0) > 0)
  let none = try BlochProcess.run(arguments.dropLast(2) + ["0"], in: folder.path)
  #expect(none.exitCode == 2 && none.errors.contains("--threads takes numbers from 1 to 1024"))
}

@Test func aMeshIsTakenWhereOneIsDescribedAndRefusedBesideAnotherEvaluation() throws {
  let folder = try TemporaryFolder()
  let arguments =
    ["benchmark", "--model", BlochProcess.model, "--structure", BlochProcess.structure]
    + ["--mesh-order", "6", "--mesh-spacing", "0.5"]
  // So few atoms would have an exact sum.
  let outcome = try BlochProcess.run(arguments, in: folder.path)
  #expect(outcome.exitCode == 0 && outcome.output.contains("attention by mesh, 6 points at 0.5 sigma"))
  let refused = try BlochProcess.run(arguments + ["--attention", "pairwise"], in: folder.path)
  #expect(refused.exitCode == 2 && refused.errors.contains("--attention pairwise has none"))
}

@Test func modelInfoNamesElementsCutOffAndLongRange() throws {
  let folder = try TemporaryFolder()
  let outcome = try BlochProcess.run(["model", "info", BlochProcess.model], in: folder.path)
  #expect(outcome.exitCode == 0, "\(outcome.errors)")
  for words in ["H (E0", "O (E0", "cut-off", "long range", "sha256"] {
    #expect(outcome.output.contains(words))
  }
}

/// A job in a queue has some of its node's processors; threads beyond them would take turns.
@Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/taskset")))
func aRunTakesTheProcessorsThatItMayUse() throws {
  let folder = try TemporaryFolder()
  let deck = try folder.writeDeck("water", steps: 1)
  let text = try String(contentsOfFile: deck, encoding: .utf8).replacingOccurrences(
    of: "threads: 1\n", with: "")
  try text.write(toFile: deck, atomically: true, encoding: .utf8)
  let process = try BlochProcess.start(
    ["-c", "0", BlochProcess.executable().path, "run", deck], in: folder.path,
    program: URL(fileURLWithPath: "/usr/bin/taskset"))
  let outcome = try BlochProcess.outcome(of: process, in: folder.path)
  #expect(outcome.exitCode == 0, "\(outcome.errors)")
  let resolved = try String(contentsOfFile: "\(folder.path)/water.resolved.yaml", encoding: .utf8)
  #expect(resolved.contains("threads: 1\n"), "\(resolved)")
}

@Test func structuresAndResultsGoThroughPipes() throws {
  let folder = try TemporaryFolder()
  let outcome = try BlochProcess.shell(
    """
    gzip -c \(BlochProcess.structure) > w.xyz.gz
    gunzip -c w.xyz.gz | $BLOCH evaluate --model \(BlochProcess.model) --threads 1 - --output - > out.xyz
    $BLOCH evaluate --model \(BlochProcess.model) --threads 1 w.xyz.gz --output packed.xyz > table.txt
    cmp out.xyz packed.xyz
    """, in: folder.path)
  #expect(outcome.exitCode == 0, "\(outcome.errors)")
  // The table makes room for the frames.
  #expect(outcome.errors.contains("largest force") && !outcome.output.contains("largest force"))
  #expect(try folder.text("table.txt").contains("largest force"))
  #expect(try ExtendedXYZ.readAll("\(folder.path)/out.xyz").count == 1)
}
