// A run that was broken off, whatever the way, ends with the bits of an unbroken one.

import Foundation
import Lattice
import Testing
import Trajectory

private let motions = [
  "ensemble: nve", "ensemble: nvt\nthermostat: {type: langevin, friction: 1 1/ps}",
  "ensemble: nvt\nthermostat: {tau: 50 fs}", "ensemble: npt\npressure: 1 bar",
  "ensemble: npt\npressure: [1 bar, 0 bar, 1 kbar]\nbarostat: {type: mtk, coupling: triclinic}",
]

/// Every number of a trajectory, with all its bits.
private func frames(_ path: String) throws -> [[UInt64]] {
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

private func expectSameRun(_ a: String, _ b: String, in folder: TemporaryFolder) throws {
  #expect(try folder.text("\(a).log.tsv") == folder.text("\(b).log.tsv"))
  #expect(try frames("\(folder.path)/\(a).trajectory.h5") == frames("\(folder.path)/\(b).trajectory.h5"))
  let ends = try [a, b].map { try Checkpoint.read("\(folder.path)/\($0).checkpoint.h5") }
  #expect(ends[0].step == ends[1].step)
  #expect(ends[0].system.positions == ends[1].system.positions)
  #expect(ends[0].system.velocities == ends[1].system.velocities)
  #expect(ends[0].system.cell == ends[1].system.cell)
  #expect(ends[0].motion == ends[1].motion && ends[0].plan == ends[1].plan)
}

private func expectSuccess(_ arguments: [String], in folder: TemporaryFolder) throws {
  let outcome = try BlochProcess.run(arguments, in: folder.path)
  #expect(outcome.exitCode == 0, "\(outcome.errors)")
}

@Suite(.serialized) struct RestartTests {
  /// Motions know nothing of threads, which are the force field's.
  @Test(arguments: zip(motions, [1, 2, 1, 2, 1]))
  func twoHalvesAreTheWhole(_ motion: String, threads: Int) throws {
    let folder = try TemporaryFolder()
    try expectSuccess(["run", folder.writeDeck("whole", steps: 60, motion, threads: threads)], in: folder)
    try expectSuccess(["run", folder.writeDeck("half", steps: 31, motion, threads: threads)], in: folder)
    try expectSuccess(["resume", "half.checkpoint.h5", "--steps", "29"], in: folder)
    try expectSameRun("whole", "half", in: folder)
  }

  /// A film whose open axis has no vector, as ASE writes it.
  @Test func aSlabIsWhatItSaysFromCheckToResume() throws {
    let folder = try TemporaryFolder()
    var water = try ExtendedXYZ.read(BlochProcess.structure)
    let vectors = water.system.cell.vectors
    water.system.cell = Cell(
      vectors: Matrix3(vectors.x, vectors.y, .zero), isPeriodic: [true, true, false])
    let writer = try ExtendedXYZWriter(creating: "\(folder.path)/slab.xyz")
    try writer.append(water)
    try writer.close()
    func deck(_ name: String, steps: Int) throws -> String {
      try folder.writeDeck(name, steps: steps, "ensemble: nve\nreplicate: [3, 3, 1]", structure: "slab.xyz")
    }
    let check = try BlochProcess.run(["check", deck("whole", steps: 30)], in: folder.path)
    #expect(check.output.contains("Angstrom, periodic along a and b, open otherwise"), "\(check.output)")
    try expectSuccess(["run", deck("whole", steps: 30)], in: folder)
    try expectSuccess(["run", deck("half", steps: 17)], in: folder)
    try expectSuccess(["resume", "half.checkpoint.h5", "--steps", "13"], in: folder)
    try expectSameRun("whole", "half", in: folder)
    try expectSuccess(["export", "whole.trajectory.h5", "whole.xyz"], in: folder)
    let last = try #require(try ExtendedXYZ.readAll("\(folder.path)/whole.xyz").last)
    #expect(last.system.cell.given.z == .zero && last.system.cell.isPeriodic == [true, true, false])
    #expect(abs(last.system.cell.given.x.x - 3 * vectors.x.x) < 1e-6)
  }

  /// Every frame, in any order, by the plan in the run's last checkpoint.
  @Test(arguments: [1, 2]) func evaluateByThePlanOfARunGivesItsBits(threads: Int) throws {
    let folder = try TemporaryFolder()
    try expectSuccess(["run", folder.writeDeck("run", steps: 60, threads: threads)], in: folder)
    try expectSuccess(["export", "run.trajectory.h5", "run.xyz"], in: folder)
    let evaluate = ["evaluate", "--model", BlochProcess.model, "--plan-of", "run.checkpoint.h5"]
    let frames = try ExtendedXYZ.readAll("\(folder.path)/run.xyz")
    let writer = try ExtendedXYZWriter(creating: "\(folder.path)/back.xyz")
    for frame in frames.reversed() { try writer.append(frame) }
    try writer.close()
    for (name, expected) in [("run", frames), ("back", frames.reversed())] {
      try expectSuccess(evaluate + ["\(name).xyz", "--output", "\(name)-new.xyz"], in: folder)
      let found = try ExtendedXYZ.readAll("\(folder.path)/\(name)-new.xyz")
      #expect(found.count == expected.count && found.count > 5)
      for (a, b) in zip(found, expected) {
        #expect(a.energy == b.energy)
        // The trajectory has its forces in other units.
        for (f, g) in try zip(#require(a.forces), #require(b.forces)) { #expect(length(f - g) < 1e-14) }
      }
    }
    let (forth, back) = try (
      ExtendedXYZ.readAll("\(folder.path)/run-new.xyz"), ExtendedXYZ.readAll("\(folder.path)/back-new.xyz")
    )
    #expect(forth.map(\.forces) == back.reversed().map(\.forces))
    let other = try BlochProcess.run(evaluate + [BlochProcess.structure, "--threads", "1"], in: folder.path)
    #expect(other.exitCode == 0)
    try "1\nProperties=species:S:1:pos:R:3\nO 0 0 0\n".write(
      toFile: "\(folder.path)/one.xyz", atomically: true, encoding: .utf8)
    let foreign = try BlochProcess.run(evaluate + ["one.xyz"], in: folder.path)
    #expect(foreign.exitCode == 3 && foreign.errors.contains("frame 1 is not of the run"))
  }

  @Test(arguments: [SIGINT, SIGTERM]) func interruptedRunResumes(_ signal: Int32) throws {
    let folder = try TemporaryFolder()
    try expectSuccess(["run", folder.writeDeck("whole", steps: 200)], in: folder)
    let process = try BlochProcess.start(["run", folder.writeDeck("broken", steps: 200)], in: folder.path)
    while !folder.exists("broken.checkpoint.previous.h5"), process.isRunning { usleep(1000) }
    kill(process.processIdentifier, signal)
    let outcome = try BlochProcess.outcome(of: process, in: folder.path)
    #expect(outcome.exitCode == 0)
    #expect(outcome.output.contains("bloch resume \(folder.path)/broken.checkpoint.h5"))
    try expectSuccess(["resume", "broken.checkpoint.h5"], in: folder)
    try expectSameRun("whole", "broken", in: folder)
  }

  @Test func runsKilledAtTenRandomMomentsResume() throws {
    let folder = try TemporaryFolder()
    let motion =
      "ensemble: nvt\nthermostat: {type: langevin, friction: 1 1/ps}\n"
      + "analysis: {quantities: [rdf, hbonds], every: 2 steps}"
    let deck = try folder.writeDeck("whole", steps: 100, motion)
    let start = ContinuousClock.now
    try expectSuccess(["run", deck], in: folder)
    let duration = (ContinuousClock.now - start) / Duration.microseconds(1)
    // BLOCH_SEED repeats the moments of a run of this test that failed.
    let seed =
      ProcessInfo.processInfo.environment["BLOCH_SEED"].flatMap { UInt64($0) } ?? .random(in: 0...999_999)
    let random = CounterRNG(seed: seed)
    for round in 0..<10 {
      let name = "killed\(round)"
      let share = random.uniforms(step: 0, atom: round, stream: 0).x
      let process = try BlochProcess.start(
        ["run", folder.writeDeck(name, steps: 100, motion)], in: folder.path)
      while !folder.exists("\(name).checkpoint.h5"), process.isRunning { usleep(500) }
      usleep(UInt32(share * duration))
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      let resumed = try BlochProcess.run(["resume", "\(name).checkpoint.h5"], in: folder.path)
      #expect(resumed.exitCode == 0, "BLOCH_SEED=\(seed), kill \(round): \(resumed.errors)")
      try expectSameRun("whole", name, in: folder)
      for table in ["rdf", "hbonds", "numbers"] {
        #expect(try folder.text("whole.\(table).tsv") == folder.text("\(name).\(table).tsv"))
      }
    }
  }
}
