// Checkpoints on disk: trees of values in HDF5 files closed by a seal, so that a damaged one is recognised whatever the damage.
//
// Writing never leaves the run without a good checkpoint: a temporary file is written, synchronised to disk
// and read back against its seal; only then the newest checkpoint becomes the previous one and the temporary
// file the newest.

import Foundation
import HDF5
import Lattice

/// A kind of checkpoint: what its file calls itself.
public struct CheckpointFormat: Sendable, Hashable {
  public let name: String
  public let version: Int
  /// How what it belongs to goes on, for who hands in a checkpoint of another kind.
  let command: String

  /// The state of a simulation between two steps: `Checkpoint`.
  public static let run = CheckpointFormat(name: "bloch-checkpoint", version: 4, command: "bloch resume")
  /// The state of a training.
  public static let training = CheckpointFormat(
    name: "bloch-training-checkpoint", version: 1, command: "bloch train --resume")

  // MARK: - Writing

  /// Writes a checkpoint to `path` and keeps the one that was there as the previous one.
  ///
  /// - Throws: `TrajectoryError`, `HDF5Error`; whatever happens, the checkpoints that were there are left.
  public func write(_ tree: StateTree, to path: String) throws {
    let temporary = path + ".tmp"
    let content = FileSeal.sealed(try image(of: tree))
    do {
      try Disk.requireSpace(content.count, for: path)
      try Disk.writeWhole(content, to: temporary)
      try FileSeal.verify(temporary)
      // A damaged checkpoint must not take the place of a good previous one.
      if (try? FileSeal.verify(path)) != nil { try Self.keepPrevious(path) }
      try Disk.rename(temporary, to: path)
      try Disk.synchronizeFolder(of: path)
    } catch {
      unlink(temporary)
      throw error
    }
  }

  /// The HDF5 file, made in memory: on a full disk HDF5 could not be left in peace.
  private func image(of tree: StateTree) throws -> [UInt8] {
    let file = try HDF5File(inMemory: "checkpoint in memory")
    try file.setAttribute("format", name)
    try file.setAttribute("version", version)
    try tree.write(to: file)
    let bytes = try file.image()
    try file.close()
    return bytes
  }

  /// Gives the checkpoint at `path` its second name. A hard link leaves no moment without a newest checkpoint; file
  /// systems without links get a plain renaming.
  private static func keepPrevious(_ path: String) throws {
    let previous = Checkpoint.previousPath(of: path)
    // Not by renaming a link: between two names of one file that does nothing.
    unlink(previous)
    if link(path, previous) != 0 { try Disk.rename(path, to: previous) }
  }

  // MARK: - Reading

  /// Reads the checkpoint at `path` and lets `body` make of its tree what it stands for.
  ///
  /// - Throws: `TrajectoryError.corruptCheckpoint`, also where `body` throws a `StateError`.
  public func read<Result>(_ path: String, _ body: (StateTree) throws -> Result) throws -> Result {
    do {
      try FileSeal.verify(path)
      return try body(readTree(path))
    } catch let error as HDF5Error {
      throw TrajectoryError.corruptCheckpoint(file: path, reason: error.pathAndReason)
    } catch let error as StateError {
      throw TrajectoryError.corruptCheckpoint(file: path, reason: "\(error)")
    }
  }

  private func readTree(_ path: String) throws -> StateTree {
    let file = try HDF5File(reading: path)
    let found = try (file.stringAttribute("format"), file.integerAttribute("version"))
    if let other = [Self.run, .training].first(where: { $0.name == found.0 }), other.name != name {
      throw TrajectoryError.corruptCheckpoint(
        file: path, reason: "it is for another command: `\(other.command)`")
    }
    guard found == (name, version) else {
      throw TrajectoryError.corruptCheckpoint(
        file: path,
        reason:
          "it is \(found.0) version \(found.1); this program reads \(name) version \(version): finish the run "
          + "with the Bloch that began it")
    }
    let tree = try StateTree(reading: file)
    try tree.requirePlausibleNumbers()
    return tree
  }
}

extension StateTree {
  /// Whatever the part, no number of a checkpoint is infinite, and no vector beyond what atoms can have. A seal tells that
  /// nothing was changed since, not that it was sound.
  fileprivate func requirePlausibleNumbers() throws {
    for (name, value) in values.sorted(by: { $0.key < $1.key }) {
      switch value {
      case .numbers(let numbers):
        guard numbers.allSatisfy(\.isFinite) else {
          throw StateError(name, "holds a number that is not finite")
        }
      case .vectors(let vectors):
        if let v = vectors.first(where: { !Plausibility.isPlausible($0) }) {
          throw StateError(name, "holds (\(v.x), \(v.y), \(v.z))")
        }
      case .group(let group): try StateError.inside(name) { try group.requirePlausibleNumbers() }
      case .integers, .text: break
      }
    }
  }
}
