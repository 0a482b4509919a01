// A disk that fills up while a run goes on.

import Foundation
import HDF5
import LRMACEModel
import Testing
import Trajectory

/// A small disk in memory; nil where this process may not mount one.
private final class SmallDisk {
  static let isAvailable = (try? SmallDisk(megabytes: 1)) != nil

  let folder: TemporaryFolder

  init?(megabytes: Int) throws {
    folder = try TemporaryFolder()
    guard SmallDisk.call("mount", ["-t", "tmpfs", "-o", "size=\(megabytes)m", "bloch", folder.path]) else {
      return nil
    }
  }

  deinit { _ = SmallDisk.call("umount", [folder.path]) }

  private static func call(_ tool: String, _ arguments: [String]) -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [tool] + arguments
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }
}

@Test(.enabled(if: SmallDisk.isAvailable, "needs root on Linux to mount a small disk"))
func fullDiskEndsARunCleanlyWithItsCheckpointIntact() throws {
  let disk = try #require(try SmallDisk(megabytes: 3))
  let folder = disk.folder
  let deck = try folder.writeDeck("water", steps: 100_000)
  let text = try folder.text("water.yaml").replacingOccurrences(of: "every: 3 steps", with: "every: 1 step")
  try text.write(toFile: deck, atomically: true, encoding: .utf8)
  let outcome = try BlochProcess.run(["run", deck], in: folder.path)
  #expect(outcome.exitCode == 3)
  #expect(outcome.errors.contains("disk is full"))
  let checkpoint = try Checkpoint.read("\(folder.path)/water.checkpoint.h5")
  #expect(checkpoint.step > 0)
  let mark = try OutputMark(try #require(checkpoint.observers["trajectory"]))
  #expect(try H5MDReader("\(folder.path)/water.trajectory.h5").frameCount >= mark.count)
}

@Test(.enabled(if: SmallDisk.isAvailable, "needs root on Linux to mount a small disk"))
func fullDiskLeavesTheModelThatWasThere() throws {
  let disk = try #require(try SmallDisk(megabytes: 1))
  let path = "\(disk.folder.path)/model.h5"
  var model = try Model(contentsOf: BlochProcess.model)
  try model.write(to: path)
  let size = try Data(contentsOf: URL(fileURLWithPath: path)).count
  try Data(count: (1 << 20) - 3 * size / 2).write(to: URL(fileURLWithPath: "\(disk.folder.path)/filler"))
  let hash = model.hash
  model.name = "another"
  let error = try #require(throws: HDF5Error.self) { try model.write(to: path) }
  #expect(error.file == path && error.reason.contains("no space left"))
  #expect(try Model(contentsOf: path).hash == hash)
  #expect(
    try FileManager.default.contentsOfDirectory(atPath: disk.folder.path).sorted() == ["filler", "model.h5"])
}
