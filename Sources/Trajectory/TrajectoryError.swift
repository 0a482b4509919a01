// What can go wrong with a trajectory, checkpoint or log besides what HDF5 itself reports.

/// An error of an output file of a run.
public enum TrajectoryError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Not enough room for what is to be written next.
  case diskFull(file: String, neededBytes: Int, availableBytes: Int)
  /// A write failed half way; the file keeps what it held at the last flush.
  case notWritten(file: String, bytes: Int, reason: String)
  /// There is something under the name of a file that was to be made.
  case exists(file: String)
  /// Another run holds the lock of these output files.
  case inUse(file: String, by: String)
  /// A file that a run writes to was removed or replaced by somebody else.
  case vanished(file: String)
  /// The file does not fit the run or the checkpoint that wants to go on with it.
  case mismatch(file: String, reason: String)
  /// A checkpoint whose content does not match its checksum, or is no checkpoint.
  case corruptCheckpoint(file: String, reason: String)

  public var description: String {
    switch self {
    case .diskFull(let file, let needed, let available):
      "\(file): the disk is full: \(needed) bytes are needed and \(available) are free"
    case .notWritten(let file, let bytes, let reason):
      "\(file): " + (bytes > 0 ? "\(bytes) bytes could not be written" : "cannot be written") + ": \(reason)"
    case .exists(let file):
      "\(file): exists already and is not replaced; choose another name, or remove it first"
    case .inUse(let file, let holder):
      "\(file): another run, \(holder), writes the files of this name; wait until it ends, or choose another name or folder"
    case .vanished(let file):
      "\(file): this file was removed or replaced while the run was writing to it"
    case .mismatch(let file, let reason): "\(file): \(reason)"
    case .corruptCheckpoint(let file, let reason): "\(file): is not a usable checkpoint: \(reason)"
    }
  }
}
