// What surrounds a run: closed or full standard streams, signals, limits, other runs and readers.

import Foundation
import Testing
import Trajectory

/// Runs `script` by a shell in `folder`; `$BLOCH` is the program, `$DECK` a deck of so many steps.
private func shell(
  _ script: String, steps: Int = 30, in folder: TemporaryFolder, environment: [String: String] = [:]
) throws -> Outcome {
  let deck = try folder.writeDeck(
    "w", steps: steps, trajectory: "{every: 5 steps}", checkpoint: "{every: 1000000 steps}")
  return try BlochProcess.shell(
    script, environment: environment.merging(["DECK": deck]) { $1 }, in: folder.path)
}

private func logSteps(_ folder: TemporaryFolder) throws -> [Int] {
  try folder.text("w.log.tsv").split(separator: "\n").compactMap { line in
    line.split(separator: "\t").first.flatMap { Int($0) }
  }
}

@Suite struct StreamAndSignalTests {
  @Test(arguments: ["2>&-", ">&- 2>&-", "<&- >&- 2>&-", "<&- 2>&-", "2>/dev/full", "2>/dev/null >&-"])
  func standardStreamsThatAreClosedOrFullDoNotTouchTheFiles(_ streams: String) throws {
    let folder = try TemporaryFolder()
    let outcome = try shell("$BLOCH run $DECK \(streams)", in: folder)
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    #expect(try H5MDReader("\(folder.path)/w.trajectory.h5").frameCount == 7)
    #expect(try logSteps(folder) == Array(stride(from: 0, through: 30, by: 2)))
    let resumed = try shell("$BLOCH resume w.checkpoint.h5 --steps 2 \(streams)", in: folder)
    #expect(resumed.exitCode == 0, "\(resumed.errors)")
    #expect(try Checkpoint.read("\(folder.path)/w.checkpoint.h5").step == 32)
  }

  @Test(arguments: [
    "evaluate --model \(BlochProcess.model) \(BlochProcess.structure) --threads 1", "deck", "help",
    "--version",
    "model info \(BlochProcess.model)", "check $DECK",
  ])
  func resultsThatCannotBeWrittenAreAnError(_ command: String) throws {
    let folder = try TemporaryFolder()
    let outcome = try shell("$BLOCH \(command) > /dev/full", in: folder)
    #expect(outcome.exitCode == 3)
    #expect(outcome.errors.contains("standard output: error: cannot be written: no space left"))
    let piped = try shell("set -o pipefail; $BLOCH \(command) | true; echo ${PIPESTATUS[0]}", in: folder)
    #expect(piped.output == "0\n" && piped.errors.isEmpty, "\(piped)")
  }

  @Test func readerThatGoesAwayDoesNotEndARun() throws {
    let folder = try TemporaryFolder()
    let outcome = try shell("$BLOCH run $DECK 2>&1 | true; echo ${PIPESTATUS[0]}", in: folder)
    #expect(outcome.output == "0\n")
    #expect(try Checkpoint.read("\(folder.path)/w.checkpoint.h5").step == 30)
    let evaluation = try shell(
      "$BLOCH evaluate --model \(BlochProcess.model) \(BlochProcess.structure) --output r.xyz | true; echo ${PIPESTATUS[0]}",
      in: folder)
    #expect(evaluation.output == "0\n")
    #expect(try ExtendedXYZ.read("\(folder.path)/r.xyz").energy != nil)
  }

  @Test(arguments: [SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU, SIGTERM, SIGINT])
  func signalsEndARunWithACheckpointOfItsLastStep(_ signal: Int32) throws {
    let folder = try TemporaryFolder()
    let deck = try folder.writeDeck("w", steps: 1_000_000, checkpoint: "{every: 1000000 steps}")
    let process = try BlochProcess.start(["run", deck], in: folder.path)
    while !folder.exists("w.checkpoint.h5"), process.isRunning { usleep(1000) }
    usleep(100_000)
    kill(process.processIdentifier, signal)
    let outcome = try BlochProcess.outcome(of: process, in: folder.path)
    #expect(outcome.exitCode == 0)
    #expect(outcome.output.contains("Interrupted by "))
    let step = try Checkpoint.read("\(folder.path)/w.checkpoint.h5").step
    #expect(step > 0)
    // The last configuration is in trajectory and log, whatever the intervals.
    #expect(try logSteps(folder).last == Int(step))
    let reader = try H5MDReader("\(folder.path)/w.trajectory.h5")
    #expect(try reader.frame(reader.frameCount - 1).step == step)
  }

  @Test func nohupIsHonoured() throws {
    let folder = try TemporaryFolder()
    let outcome = try shell(
      "nohup $BLOCH run $DECK > out 2>&1 & p=$!; while ! [ -e w.checkpoint.h5 ]; do sleep 0.01; done; kill -HUP $p; wait $p; echo $?",
      steps: 300, in: folder)
    #expect(outcome.output == "0\n", "\(outcome)")
    #expect(try Checkpoint.read("\(folder.path)/w.checkpoint.h5").step == 300)
  }

  @Test func limitOfFileSizesIsAnErrorThatKeepsTheCheckpoint() throws {
    let folder = try TemporaryFolder()
    let outcome = try shell("ulimit -f 300; $BLOCH run $DECK", steps: 100_000, in: folder)
    #expect(outcome.exitCode == 3, "\(outcome)")
    #expect(outcome.errors.contains("file too large"), "\(outcome.errors)")
    #expect(outcome.errors.contains("bloch resume \(folder.path)/w.checkpoint.h5"))
    let resumed = try shell("$BLOCH resume w.checkpoint.h5 --steps 10", in: folder)
    #expect(resumed.exitCode == 0, "\(resumed.errors)")
  }

  @Test func runThatEndsBeforeItsFirstCheckpointLeavesNothingInTheWay() throws {
    let folder = try TemporaryFolder()
    let outcome = try shell("ulimit -f 4; $BLOCH run $DECK", in: folder)
    #expect(outcome.exitCode == 3)
    #expect(outcome.errors.contains("run again"), "\(outcome.errors)")
    #expect(
      Set(try FileManager.default.contentsOfDirectory(atPath: folder.path)) == ["w.yaml", "stdout", "stderr"])
    #expect(try shell("$BLOCH run $DECK", in: folder).exitCode == 0)
  }

  @Test func overwriteDoesNotTouchTheFilesOfALivingRun() throws {
    let folder = try TemporaryFolder()
    let deck = try folder.writeDeck("w", steps: 1_000_000)
    let process = try BlochProcess.start(["run", deck], in: folder.path)
    while !folder.exists("w.checkpoint.h5"), process.isRunning { usleep(1000) }
    for command in ["run \(deck) --overwrite", "run \(deck)", "resume w.checkpoint.h5 --steps 1"] {
      _ = try BlochProcess.shell(
        "$BLOCH \(command) >> words 2>&1; echo $? >> codes", in: folder.path, streams: "other")
    }
    kill(process.processIdentifier, SIGTERM)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    #expect(try folder.text("codes") == "3\n3\n3\n")
    #expect(try folder.text("words").contains("another run, process \(process.processIdentifier) on"))
    #expect(try shell("$BLOCH resume w.checkpoint.h5 --steps 1", in: folder).exitCode == 0)
    #expect(!folder.exists("w.lock"))
  }

  @Test func commandsInMessagesCanBePasted() throws {
    let folder = try TemporaryFolder()
    let odd = "it's a \"run\" $1"
    let outcome = try shell(
      "mkdir \"$ODD\"; cp $DECK \"$ODD/my water.yaml\"; cd \"$ODD\"; $BLOCH run 'my water.yaml' --output-dir . | tail -n 1 | sh; ls | wc -l",
      in: folder, environment: ["ODD": odd])
    #expect(outcome.output.contains("frames written"), "\(outcome)")
    #expect(folder.exists("\(odd)/my water.xyz"))
  }
}
