// Checkpoints on disk: HDF5 files closed by a seal, so that a damaged one is recognised whatever the damage.
//
// Writing never leaves the run without a good checkpoint: a temporary file is written, synchronised to disk
// and read back against its seal; only then the newest checkpoint becomes the previous one and the temporary
// file the newest.

import Foundation
import HDF5
import Lattice

extension Checkpoint {
  /// The name of the newest checkpoint of a run: `NAME.checkpoint.h5`.
  public static func path(of name: String) -> String { name + ".checkpoint.h5" }

  /// The name under which the checkpoint before the one at `path` is kept: `NAME.checkpoint.previous.h5`.
  public static func previousPath(of path: String) -> String {
    (path.hasSuffix(".h5") ? String(path.dropLast(3)) : path) + ".previous.h5"
  }

  private static let format = "bloch-checkpoint"
  private static let version = 3

  // MARK: - Writing

  /// Writes the checkpoint to `path` and keeps the one that was there as the previous one.
  ///
  /// - Throws: `TrajectoryError`, `HDF5Error`; whatever happens, the checkpoints that were there are left.
  public func write(to path: String) throws { try Self.write(tree, to: path) }

  static func write(_ tree: StateTree, to path: String) throws {
    let temporary = path + ".tmp"
    let image = try image(of: tree)
    let content = FileSeal.sealed(image)
    do {
      try Disk.requireSpace(content.count, for: path)
      try Disk.writeWhole(content, to: temporary)
      try FileSeal.verify(temporary)
      // A damaged checkpoint must not take the place of a good previous one.
      if (try? FileSeal.verify(path)) != nil { try Checkpoint.keepPrevious(path) }
      try Disk.rename(temporary, to: path)
      try Disk.synchronizeFolder(of: path)
    } catch {
      unlink(temporary)
      throw error
    }
  }

  /// The HDF5 file, made in memory: on a full disk HDF5 could not be left in peace.
  private static func image(of tree: StateTree) throws -> [UInt8] {
    let file = try HDF5File(inMemory: "checkpoint in memory")
    try file.setAttribute("format", Checkpoint.format)
    try file.setAttribute("version", Checkpoint.version)
    try tree.write(to: file)
    let bytes = try file.image()
    try file.close()
    return bytes
  }

  /// Gives the checkpoint at `path` its second name. A hard link leaves no moment without a newest checkpoint; file
  /// systems without links get a plain renaming.
  private static func keepPrevious(_ path: String) throws {
    let previous = previousPath(of: path)
    // Not by renaming a link: between two names of one file that does nothing.
    unlink(previous)
    if link(path, previous) != 0 { try Disk.rename(path, to: previous) }
  }

  /// Removes what a run that was killed while it wrote may have left beside the checkpoint at `path`.
  public static func removeLeftovers(of path: String) { unlink(path + ".tmp") }

  // MARK: - Reading

  /// Reads the checkpoint at `path`.
  ///
  /// - Throws: `TrajectoryError.corruptCheckpoint`.
  public static func read(_ path: String) throws -> Checkpoint {
    do {
      try FileSeal.verify(path)
      return try readContent(path)
    } catch let error as HDF5Error {
      throw TrajectoryError.corruptCheckpoint(file: path, reason: error.pathAndReason)
    } catch let error as StateError {
      throw TrajectoryError.corruptCheckpoint(file: path, reason: "\(error)")
    }
  }

  /// Runs `body`, a part that reads its group of the checkpoint at `path`.
  ///
  /// - Throws: `TrajectoryError.corruptCheckpoint` where the group is not the part's.
  public static func reading<Result>(
    _ group: String, of path: String, _ body: () throws -> Result
  ) throws -> Result {
    do { return try StateError.inside(group, body) } catch let error as StateError {
      throw TrajectoryError.corruptCheckpoint(file: path, reason: "\(error)")
    }
  }

  private static func readContent(_ path: String) throws -> Checkpoint {
    let file = try HDF5File(reading: path)
    let found = try (file.stringAttribute("format"), file.integerAttribute("version"))
    guard found == (format, version) else {
      throw TrajectoryError.corruptCheckpoint(
        file: path,
        reason:
          "it is \(found.0) version \(found.1); this program reads \(format) version \(version): finish the run "
          + "with the Bloch that began it")
    }
    return try Checkpoint(StateTree(reading: file))
  }
}
