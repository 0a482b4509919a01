// What `export` writes: frames by number and time, atoms where they are asked for, and nothing that a trajectory does not have.

import Foundation
import Lattice
import Testing
import Trajectory

@testable import Deck
@testable import Simulation

/// A run of 12 steps of 4 fs with a frame every third.
private func trajectory(in folder: TemporaryFolder, _ motion: String = "ensemble: nve") throws -> String {
  var run = try Simulation(
    deck: argonDeck(motion, steps: 12, in: folder.path), forceField: ForceField.lennardJones)
  try run.run(overwrite: false)
  return run.files.trajectory
}

private func export(
  _ trajectory: String, in folder: TemporaryFolder, _ change: (inout ExportOptions) -> Void = { _ in }
) throws -> [Configuration] {
  var options = ExportOptions()
  change(&options)
  let output = "\(folder.path)/\(UUID().uuidString).xyz"
  let count = try exportTrajectory(trajectory, to: output, options)
  let frames = try ExtendedXYZ.readAll(output)
  #expect(frames.count == count)
  return frames
}

@Test func framesAreChosenByNumberAndByTime() throws {
  let folder = try TemporaryFolder()
  let path = try trajectory(in: folder)
  func steps(_ change: (inout ExportOptions) -> Void) throws -> [String?] {
    try export(path, in: folder, change).map { $0.info["step"] }
  }
  #expect(try steps { _ in } == ["0", "3", "6", "9", "12"])
  #expect(try steps { $0.every = .frames(2) } == ["0", "6", "12"])
  #expect(try steps { $0.every = .time(24) } == ["0", "6", "12"])
  #expect(try steps { ($0.from, $0.to) = (12, 36) } == ["3", "6", "9"])
  #expect(try steps { ($0.from, $0.to, $0.every) = (12, 36, .time(24)) } == ["3", "9"])
  for (change, words) in [
    ({ $0.every = .time(8) }, "there are no frames 8 fs apart"), ({ $0.from = 1e6 }, "no frame lies between"),
    ({ $0.fields = [.charges] }, "the trajectory has no charges"),
    ({ $0.fields = [.stress] }, "the trajectory has no stress"),
  ] as [((inout ExportOptions) -> Void, String)] {
    let refusal = failure { _ = try export(path, in: folder, change) }
    #expect(refusal?.exitCode == 2 && refusal?.message.contains(words) == true, "\(refusal?.message ?? "")")
  }
}

@Test func fieldsAreThoseThatAreAskedFor() throws {
  let folder = try TemporaryFolder()
  let path = try trajectory(in: folder)
  let all = try export(path, in: folder)
  #expect(
    all.allSatisfy { $0.hasVelocities && $0.forces != nil && $0.stress == nil && $0.info["time_fs"] != nil })
  let some = try export(path, in: folder) { $0.fields = [.forces] }
  #expect(some.allSatisfy { !$0.hasVelocities && $0.forces != nil })
}

@Test func theStressIsThatOfThePotential() throws {
  let folder = try TemporaryFolder()
  var run = try Simulation(
    deck: argonDeck("ensemble: nve", steps: 6, in: folder.path).with("log.pressure_tensor", "true"),
    forceField: ForceField.lennardJones)
  try run.run(overwrite: false)
  let last = try #require(try export(run.files.trajectory, in: folder).last)
  let difference = try #require(last.stress) - run.frame.evaluation.stress
  #expect(doubleDot(difference, difference).squareRoot() < 1e-12)
}

@Test func aMinimisationHasStepsAndNoTimes() throws {
  let folder = try TemporaryFolder()
  try argonStructure().write(toFile: "\(folder.path)/argon.xyz", atomically: true, encoding: .utf8)
  var run = try Simulation(
    deck: Deck(
      text:
        "structure: argon.xyz\nmodel: none.h5\nminimize: {force: 0.001 eV/A}\ntrajectory: {every: 1 step}\noutput: {folder: .}\n",
      file: "rest.yaml", folder: folder.path), forceField: ForceField.lennardJones)
  try run.run(overwrite: false)
  let frames = try export(run.files.trajectory, in: folder)
  #expect(frames.count > 1 && frames.allSatisfy { $0.info["time_fs"] == nil && $0.info["step"] != nil })
  let refusal = failure { _ = try export(run.files.trajectory, in: folder) { $0.every = .time(10) } }
  #expect(refusal?.message.contains("no time passes") == true)
}

@Test func atomsAreUnwrappedWrappedOrInWholeMolecules() throws {
  let folder = try TemporaryFolder()
  // A molecule of argon, as the rule of radii has it, cut by the face of the cell, and one that has left it.
  let cell = Cell(vectors: Matrix3([10, 0, 0], [1, 10, 0], [0, 0, 10]))
  let system = AtomicSystem(
    cell: cell, atomicNumbers: [18, 18, 18], masses: [40, 40, 40],
    positions: [[9.8, 1, 1], [1.7, 1, 1], [25, 5, 5]])
  let path = "\(folder.path)/a.h5"
  let writer = try H5MDWriter(
    creating: path, system: system, observables: [],
    provenance: Provenance(engineVersion: "", modelHash: "", deck: ""))
  try writer.append(step: 0, time: 0, system: system, observables: [])
  try writer.close()
  func positions(_ choice: ExportOptions.Positions) throws -> [Vector3] {
    try export(path, in: folder) { $0.positions = choice }[0].system.positions
  }
  func same(_ a: [Vector3], _ b: [Vector3]) -> Bool { zip(a, b).allSatisfy { length($0 - $1) < 1e-5 } }
  #expect(same(try positions(.unwrapped), system.positions))
  #expect(same(try positions(.wrapped), [[9.8, 1, 1], [1.7, 1, 1], [5, 5, 5]]))
  #expect(same(try positions(.whole), [[-0.2, 1, 1], [1.7, 1, 1], [5, 5, 5]]))
}

@Test func aCheckpointAndADCDHoldWhatTheyCan() throws {
  let folder = try TemporaryFolder()
  let path = try trajectory(in: folder)
  #expect(try exportTrajectory(path, to: "\(folder.path)/a.dcd") == 5)
  let bytes = try folder.bytes("a.dcd")
  #expect(bytes[4..<8] == Data("CORD".utf8) && bytes[8] == 5 && bytes[16] == 3)
  let checkpoint = path.replacingOccurrences(of: "trajectory.h5", with: "checkpoint.h5")
  #expect(try export(checkpoint, in: folder).count == 1)
  #expect(failure { _ = try export(checkpoint, in: folder) { $0.fields = [.forces] } }?.exitCode == 2)
}
