import Foundation
import HDF5
import Lattice
import Testing

@testable import Trajectory

private func sampleCheckpoint(step: Int64 = 1000) -> Checkpoint {
  Checkpoint(
    step: step, system: sampleSystem(isPeriodic: [true, false, true]),
    motion: [
      "position": .numbers([0.1, 1e-300]), "velocity": .numbers([]),
      "box": .numbers([.greatestFiniteMagnitude]),
      "images": .group(["first": .vectors([]), "number": .integers([.min, .max])]),
    ],
    plan: ["places": .vectors([[1, 2, 3], [1 / 3, -0.0, 5e-324], [7, 8, 9]]), "nothing": .group([:])],
    observers: [
      "trajectory": OutputMark(count: 17, digest: "0a").state,
      "log": OutputMark(count: 1 << 40, digest: "").state,
    ],
    deck: "timestep: 0.5 fs\n",
    modelHash: "abc", engineVersion: "0.1.0")
}

@Test func checkpointsComeBackBitForBit() throws {
  let scratch = try Scratch()
  let path = Checkpoint.path(of: scratch.path("run"))
  let written = sampleCheckpoint()
  try written.write(to: path)
  let read = try Checkpoint.read(path)
  #expect(read == written)
  guard case .vectors(let places)? = read.plan.values["places"] else {
    Issue.record("\(read.plan)")
    return
  }
  #expect(places[1].y.sign == .minus && places[1].z == .leastNonzeroMagnitude)
  #expect(read.system.moveMask == [[0, 0, 0], [1, 1, 1], [1, 0, 1]])
  #expect(try HDF5File(reading: path).stringAttribute("format") == "bloch-checkpoint")
  #expect(FileManager.default.fileExists(atPath: path + ".tmp") == false)
}

@Test func oddNumbersKeepTheirBits() throws {
  let scratch = try Scratch()
  var checkpoint = sampleCheckpoint()
  let odd = [-0.0, 5e-324, -.leastNormalMagnitude, .greatestFiniteMagnitude, 0.1.nextUp]
  checkpoint.motion = ["odd": .numbers(odd)]
  try checkpoint.write(to: scratch.path("a.h5"))
  let read = try Checkpoint.read(scratch.path("a.h5")).motion.read { try $0.numbers("odd") }
  #expect(read.map(\.bitPattern) == odd.map(\.bitPattern))
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
  #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.url.path).count == 2)
}

/// Cut off at every twentieth, a byte flipped at every fiftieth, emptied, replaced: each is refused.
@Test func damagedCheckpointsAreRefused() throws {
  let scratch = try Scratch()
  let path = scratch.path("run.checkpoint.h5")
  try sampleCheckpoint().write(to: path)
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
  }
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

@Test func whatIsNoCheckpointIsNamed() throws {
  let scratch = try Scratch()
  let path = scratch.path("run.checkpoint.h5")
  #expect(throws: TrajectoryError.corruptCheckpoint(file: path, reason: "there is no such file")) {
    try Checkpoint.read(path)
  }
  try Data().write(to: URL(fileURLWithPath: path))
  #expect(throws: TrajectoryError.corruptCheckpoint(file: path, reason: "the file is empty")) {
    try Checkpoint.read(path)
  }
}

/// A run killed between two system calls of a checkpoint leaves a second name of the newest one, and a file half written.
@Test func whatAKilledRunLeavesBesideACheckpointIsReplaced() throws {
  let scratch = try Scratch()
  let path = scratch.path("run.checkpoint.h5")
  try sampleCheckpoint(step: 1).write(to: path)
  #expect(link(path, Checkpoint.previousPath(of: path)) == 0)
  try Data("half".utf8).write(to: URL(fileURLWithPath: path + ".tmp"))
  try sampleCheckpoint(step: 2).write(to: path)
  #expect(try Checkpoint.read(path).step == 2)
  #expect(try Checkpoint.read(Checkpoint.previousPath(of: path)).step == 1)
  #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.url.path).count == 2)
}

/// A link under a name that a checkpoint uses meanwhile leads to somebody's file.
@Test func noLinkIsFollowed() throws {
  let scratch = try Scratch()
  let path = scratch.path("run.checkpoint.h5")
  let precious = try scratch.write("precious", to: "precious")
  for name in [path + ".tmp", path] { #expect(symlink(precious, name) == 0) }
  try sampleCheckpoint(step: 1).write(to: path)
  #expect(try String(contentsOfFile: precious, encoding: .utf8) == "precious")
  #expect(try Checkpoint.read(path).step == 1)
  #expect(symlink(scratch.path("nowhere"), scratch.path("a.xyz")) == 0)
  #expect(throws: TrajectoryError.exists(file: scratch.path("a.xyz"))) {
    try ExtendedXYZWriter(creating: scratch.path("a.xyz"))
  }
  #expect(throws: TrajectoryError.exists(file: scratch.path("a.xyz"))) {
    try LogTable(creating: scratch.path("a.xyz"), columns: [])
  }
}

@Test func filesGetThePermissionsThatTheUmaskLeaves() throws {
  let scratch = try Scratch()
  let before = umask(0o027)
  defer { umask(before) }
  try sampleCheckpoint().write(to: scratch.path("run.checkpoint.h5"))
  _ = try LogTable(creating: scratch.path("run.log.tsv"), columns: [.init(name: "step", unit: "1")])
  try Disk.replace(scratch.path("run.resolved.yaml"), with: [1])
  let writer = try ExtendedXYZWriter(creating: scratch.path("run.xyz"))
  try writer.close()
  for name in ["run.checkpoint.h5", "run.log.tsv", "run.resolved.yaml", "run.xyz"] {
    var status = stat()
    #expect(stat(scratch.path(name), &status) == 0)
    #expect(status.st_mode & 0o777 == 0o640, "\(name)")
  }
}

/// A file with a right seal and another content: made by hand, or by a version to come.
@Test(arguments: [
  ("bloch-model", 1), ("bloch-checkpoint", 1), ("bloch-checkpoint", 2), ("bloch-checkpoint", 5),
])
func sealedFilesOfAnotherFormatOrVersionAreRefused(format: String, version: Int) throws {
  let scratch = try Scratch()
  let file = try HDF5File(inMemory: "other")
  try file.setAttribute("format", format)
  try file.setAttribute("version", version)
  let image = try file.image()
  let path = scratch.path("a.h5")
  try Data(FileSeal.sealed(image)).write(to: URL(fileURLWithPath: path))
  #expect(
    throws: TrajectoryError.corruptCheckpoint(
      file: path,
      reason:
        "it is \(format) version \(version); this program reads bloch-checkpoint version 4: finish the run with the Bloch "
        + "that began it")
  ) { try Checkpoint.read(path) }
}

@Test func unwritableFoldersAreExplained() throws {
  let scratch = try Scratch()
  #expect(throws: TrajectoryError.self) {
    try sampleCheckpoint().write(to: scratch.path("absent/run.checkpoint.h5"))
  }
}
