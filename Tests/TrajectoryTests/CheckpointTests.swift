import Foundation
import HDF5
import Lattice
import Testing

@testable import Trajectory

private func sampleCheckpoint(step: Int64 = 1000) -> Checkpoint {
  Checkpoint(
    step: step, system: sampleSystem(isPeriodic: [true, false, true]),
    neighborListPositions: [[1, 2, 3], [1 / 3, -0.0, 5e-324], [7, 8, 9]],
    arrays: ["nose_hoover.position": [0.1, 1e-300], "nose_hoover.velocity": [], "box": [.infinity]],
    counters: ["seed": Int64.min, "trajectory.frames": 17, "log.bytes": 1 << 40], deck: "timestep: 0.5 fs\n",
    modelHash: "abc", engineVersion: "0.1.0")
}

@Test func checkpointsComeBackBitForBit() throws {
  let scratch = try Scratch()
  let path = Checkpoint.path(of: scratch.path("run"))
  let written = sampleCheckpoint()
  try written.write(to: path)
  let read = try Checkpoint.read(path)
  #expect(read == written)
  #expect(read.neighborListPositions[1].y.sign == .minus)
  #expect(read.system.isFixed == [true, false, false])
  #expect(try HDF5File(reading: path).stringAttribute("format") == "bloch-checkpoint")
  #expect(FileManager.default.fileExists(atPath: path + ".tmp") == false)
}

@Test func notANumberKeepsItsBits() throws {
  let scratch = try Scratch()
  var checkpoint = sampleCheckpoint()
  let odd = Double(bitPattern: 0x7ff8_0000_dead_beef)
  checkpoint.arrays = ["odd": [odd]]
  try checkpoint.write(to: scratch.path("a.h5"))
  #expect(try Checkpoint.read(scratch.path("a.h5")).arrays["odd"]?[0].bitPattern == odd.bitPattern)
}

@Test func theSameStateGivesTheSameFile() throws {
  let scratch = try Scratch()
  try sampleCheckpoint().write(to: scratch.path("a.h5"))
  try sampleCheckpoint().write(to: scratch.path("b.h5"))
  let a = try Data(contentsOf: URL(fileURLWithPath: scratch.path("a.h5")))
  #expect(try a == Data(contentsOf: URL(fileURLWithPath: scratch.path("b.h5"))))
}

@Test func theCheckpointBeforeTheNewestIsKept() throws {
  let scratch = try Scratch()
  let path = scratch.path("run.checkpoint.h5")
  for step in 1...3 { try sampleCheckpoint(step: Int64(step)).write(to: path) }
  #expect(Checkpoint.previousPath(of: path) == scratch.path("run.checkpoint.previous.h5"))
  #expect(try Checkpoint.read(path).step == 3)
  #expect(try Checkpoint.read(Checkpoint.previousPath(of: path)).step == 2)
  let (newest, warning) = try Checkpoint.readNewestValid(path)
  #expect(newest.step == 3)
  #expect(warning == nil)
  #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.url.path).count == 2)
}

/// Cut off at every twentieth, a byte flipped at every fiftieth, emptied, replaced: each falls back with a
/// warning.
@Test func damagedCheckpointsFallBackToThePreviousOne() throws {
  let scratch = try Scratch()
  let path = scratch.path("run.checkpoint.h5")
  try sampleCheckpoint(step: 1).write(to: path)
  try sampleCheckpoint(step: 2).write(to: path)
  let good = try Data(contentsOf: URL(fileURLWithPath: path))

  var damaged = (0..<20).map { good.prefix(good.count * $0 / 20) }
  for fiftieth in 0..<50 {
    var flipped = good
    flipped[good.count * fiftieth / 50] ^= 1
    damaged.append(flipped)
  }
  damaged.append(good + Data([0]))
  damaged.append(Data("not HDF5 at all".utf8))
  for content in damaged {
    try content.write(to: URL(fileURLWithPath: path))
    #expect(throws: TrajectoryError.self) { try Checkpoint.read(path) }
    let (checkpoint, warning) = try Checkpoint.readNewestValid(path)
    #expect(checkpoint.step == 1)
    #expect(warning?.contains("going on from step 1") == true)
  }
  try FileManager.default.removeItem(atPath: path)
  #expect(try Checkpoint.readNewestValid(path).checkpoint.step == 1)
}

@Test func aDamagedCheckpointDoesNotReplaceTheGoodPreviousOne() throws {
  let scratch = try Scratch()
  let path = scratch.path("run.checkpoint.h5")
  for step in 1...2 { try sampleCheckpoint(step: Int64(step)).write(to: path) }
  try Data("damaged".utf8).write(to: URL(fileURLWithPath: path))
  try sampleCheckpoint(step: 3).write(to: path)
  #expect(try Checkpoint.read(path).step == 3)
  #expect(try Checkpoint.read(Checkpoint.previousPath(of: path)).step == 1)
}

@Test func twoDamagedCheckpointsAreAnErrorThatNamesTheNewest() throws {
  let scratch = try Scratch()
  let path = scratch.path("run.checkpoint.h5")
  #expect(throws: TrajectoryError.corruptCheckpoint(file: path, reason: "there is no such file")) {
    try Checkpoint.readNewestValid(path)
  }
  try Data().write(to: URL(fileURLWithPath: path))
  try Data("x".utf8).write(to: URL(fileURLWithPath: Checkpoint.previousPath(of: path)))
  #expect(throws: TrajectoryError.corruptCheckpoint(file: path, reason: "the file is empty")) {
    try Checkpoint.readNewestValid(path)
  }
}

/// A file with a right seal and another content: made by hand, or by a version to come.
@Test func sealedFilesThatAreNoCheckpointAreRefused() throws {
  let scratch = try Scratch()
  let file = try HDF5File(inMemory: "model")
  try file.setAttribute("format", "bloch-model")
  try file.setAttribute("version", 1)
  let image = try file.image()
  let path = scratch.path("a.h5")
  try Data(FileSeal.sealed(image)).write(to: URL(fileURLWithPath: path))
  #expect(
    throws: TrajectoryError.corruptCheckpoint(
      file: path, reason: "it is bloch-model version 1; this program reads bloch-checkpoint version 1")
  ) { try Checkpoint.read(path) }
}

@Test func unwritableFoldersAreExplained() throws {
  let scratch = try Scratch()
  #expect(throws: TrajectoryError.self) {
    try sampleCheckpoint().write(to: scratch.path("absent/run.checkpoint.h5"))
  }
}
