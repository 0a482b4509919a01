// Files with bytes changed at random, as disks and networks change them, given to the program itself: an error that
// names the file and exit code 3, or a whole result. Never a signal, a hang, memory without bound, or half a file.

import Foundation
import HDF5
import Lattice
import Testing
import Trajectory

private let environment = ProcessInfo.processInfo.environment
private let seed = environment["BLOCH_SEED"].flatMap { UInt64($0) } ?? 11
/// A hundred and more cost some seconds; BLOCH_MUTATIONS asks for others.
private let mutations = 0..<(environment["BLOCH_MUTATIONS"].flatMap { Int($0) } ?? 120)

/// `content` with one to eight bytes changed; a function of the seed and `index` alone. Half of the changes fall on the
/// first tenth, where HDF5 keeps most of its own.
private func damaged(_ content: Data, _ index: Int) -> Data {
  let random = CounterRNG(seed: seed)
  var damaged = content
  for change in 0...(index % 8) {
    let u = random.uniforms(step: Int64(index), atom: change, stream: 2)
    let place = Int(u.x * Double(u.y < 0.5 ? content.count / 10 : content.count))
    let values: [UInt8] = [0, 1, 0x7f, 0x80, 0xff, content[place] ^ UInt8(1 << Int(u.z * 8))]
    damaged[place] = values[Int(u.w * Double(values.count))]
  }
  return damaged
}

/// Exports a file under limits of memory and time, and judges the end.
private func expectErrorOrResult(_ file: String, in folder: TemporaryFolder, _ name: String) throws {
  let outcome = try BlochProcess.run(
    ["export", file, "out.xyz"], in: folder.path, memoryMegabytes: 4096, seconds: 60)
  #expect([0, 3].contains(outcome.exitCode), "\(name): \(outcome.exitCode) \(outcome.errors)")
  if outcome.exitCode == 0 {
    let frames = try ExtendedXYZ.readAll("\(folder.path)/out.xyz")
    #expect(outcome.output.hasPrefix("\(frames.count) frame") && !frames.isEmpty, "\(name)")
  } else {
    #expect(outcome.errors.contains(file), "\(name): \(outcome.errors)")
    #expect(!folder.exists("out.xyz"), "\(name)")
  }
  #expect(!folder.exists("out.xyz.tmp"), "\(name)")
  try? FileManager.default.removeItem(atPath: "\(folder.path)/out.xyz")
}

@Suite(.serialized) struct DamagedFiles {
  @Test func trajectoriesWithChangedBytesEndInAnErrorOrAResult() throws {
    let folder = try TemporaryFolder()
    let run = try BlochProcess.run(["run", folder.writeDeck("water", steps: 12)], in: folder.path)
    #expect(run.exitCode == 0, "\(run.errors)")
    let content = try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/water.trajectory.h5"))
    for index in mutations {
      try damaged(content, index).write(to: URL(fileURLWithPath: "\(folder.path)/damaged.h5"))
      try expectErrorOrResult("damaged.h5", in: folder, "BLOCH_SEED=\(seed), mutation \(index)")
    }
  }

  @Test func modelsWithChangedBytesEndInAnErrorOrAResult() throws {
    let folder = try TemporaryFolder()
    let content = try Data(contentsOf: URL(fileURLWithPath: BlochProcess.model))
    for index in mutations.prefix(mutations.count / 2) {
      try damaged(content, index).write(to: URL(fileURLWithPath: "\(folder.path)/damaged.h5"))
      let outcome = try BlochProcess.run(
        ["model", "info", "damaged.h5"], in: folder.path, memoryMegabytes: 4096, seconds: 60)
      let name = "BLOCH_SEED=\(seed), mutation \(index)"
      #expect([0, 3].contains(outcome.exitCode), "\(name): \(outcome.exitCode) \(outcome.errors)")
      #expect(outcome.exitCode == 0 || outcome.errors.contains("damaged.h5: "), "\(name): \(outcome.errors)")
    }
  }

  /// As if made by hand: the seal is right again.
  @Test func sealedCheckpointsWithChangedBytesEndInAnErrorOrAResult() throws {
    let folder = try TemporaryFolder()
    let run = try BlochProcess.run(["run", folder.writeDeck("water", steps: 5)], in: folder.path)
    #expect(run.exitCode == 0, "\(run.errors)")
    let content = try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/water.checkpoint.h5")).dropLast(
      40)
    for index in mutations.prefix(mutations.count / 2) {
      try Data(FileSeal.sealed(Array(damaged(Data(content), index)))).write(
        to: URL(fileURLWithPath: "\(folder.path)/damaged.h5"))
      try expectErrorOrResult("damaged.h5", in: folder, "BLOCH_SEED=\(seed), mutation \(index)")
    }
  }
}

/// Groups whose index is its own first part: the HDF5 library goes round in it until its stack ends (signal 11).
private func withCycle(_ content: Data) throws -> Data {
  // Nodes of a group's B-tree, version 1 (HDF5 File Format Specification 3.0, section III.A.1): "TREE", type 0 (1 byte),
  // level (1), entries (2), two siblings (16), a key (8), the address of the first child (8).
  let tag = Data("TREE\0".utf8)
  var (cyclic, place) = (content, content.startIndex)
  while let node = content.range(of: tag, in: place..<content.endIndex)?.lowerBound {
    cyclic[node + 5] = 1
    for byte in 0..<8 { cyclic[node + 32 + byte] = UInt8(truncatingIfNeeded: node >> (8 * byte)) }
    place = node + tag.count
  }
  try #require(cyclic != content)
  return cyclic
}

@Test func filesThatWouldCrashHDF5AreRefusedByName() throws {
  let folder = try TemporaryFolder()
  let run = try BlochProcess.run(["run", folder.writeDeck("water", steps: 5)], in: folder.path)
  #expect(run.exitCode == 0, "\(run.errors)")
  func write(_ content: Data, _ name: String) throws {
    try content.write(to: URL(fileURLWithPath: "\(folder.path)/\(name)"))
  }
  func read(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }
  try write(withCycle(read("\(folder.path)/water.trajectory.h5")), "trajectory.h5")
  try write(withCycle(read(BlochProcess.model)), "model.h5")
  for (arguments, file) in [
    (["export", "trajectory.h5", "out.xyz"], "trajectory.h5"), (["model", "info", "model.h5"], "model.h5"),
    (["evaluate", "--model", "model.h5", BlochProcess.structure], "model.h5"),
  ] {
    let outcome = try BlochProcess.run(arguments, in: folder.path, memoryMegabytes: 4096, seconds: 60)
    #expect(outcome.exitCode == 3, "\(arguments): \(outcome.exitCode) \(outcome.errors)")
    #expect(outcome.errors.contains("\(file): "), "\(arguments): \(outcome.errors)")
    #expect(
      outcome.errors.contains("the file is damaged: the HDF5 library crashes on it"), "\(outcome.errors)")
  }
  #expect(!folder.exists("out.xyz") && !folder.exists("out.xyz.tmp"))
}

@Test func theConfigurationOfACheckpointIsExported() throws {
  let folder = try TemporaryFolder()
  let run = try BlochProcess.run(["run", folder.writeDeck("water", steps: 7)], in: folder.path)
  #expect(run.exitCode == 0, "\(run.errors)")
  let export = try BlochProcess.run(["export", "water.checkpoint.h5", "last.xyz"], in: folder.path)
  #expect(export.exitCode == 0, "\(export.errors)")
  #expect(export.output == "1 frame written to last.xyz\n")
  let frame = try ExtendedXYZ.read("\(folder.path)/last.xyz")
  let checkpoint = try Checkpoint.read("\(folder.path)/water.checkpoint.h5")
  #expect(frame.system.positions == checkpoint.system.positions)
  #expect(frame.hasVelocities && frame.energy == nil && frame.forces == nil)
  #expect(frame.info["step"] == "7" && frame.info["time_fs"] == "3.5")

  var bytes = try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/water.checkpoint.h5"))
  bytes[bytes.count / 2] ^= 1
  try bytes.write(to: URL(fileURLWithPath: "\(folder.path)/bad.h5"))
  let refused = try BlochProcess.run(["export", "bad.h5", "bad.xyz"], in: folder.path)
  #expect(refused.exitCode == 3 && refused.errors.contains("bad.h5") && !folder.exists("bad.xyz"))
}

@Test func theTrajectoryOfARunInProgressIsExported() throws {
  let folder = try TemporaryFolder()
  let process = try BlochProcess.start(
    ["run", folder.writeDeck("water", steps: 1_000_000, trajectory: "{every: 1 step}")], in: folder.path)
  defer { kill(process.processIdentifier, SIGKILL) }
  while !folder.exists("water.checkpoint.previous.h5"), process.isRunning { usleep(1000) }
  let other = try TemporaryFolder()
  let export = try BlochProcess.run(
    ["export", "\(folder.path)/water.trajectory.h5", "now.xyz"], in: other.path)
  #expect(export.exitCode == 0, "\(export.errors)")
  #expect(try ExtendedXYZ.readAll("\(other.path)/now.xyz").count >= 10)
  #expect(process.isRunning)
}

@Test func exportGoesAsFarAsTheLargestInterval() throws {
  let folder = try TemporaryFolder()
  let run = try BlochProcess.run(["run", folder.writeDeck("water", steps: 6)], in: folder.path)
  #expect(run.exitCode == 0, "\(run.errors)")
  let export = try BlochProcess.run(
    ["export", "water.trajectory.h5", "one.xyz", "--every", "\(Int.max)"], in: folder.path)
  #expect(export.exitCode == 0 && export.output == "1 frame written to one.xyz\n", "\(export.errors)")
}
