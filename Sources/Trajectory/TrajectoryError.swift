// What can go wrong with a trajectory, checkpoint or log besides what HDF5 itself reports.

import Diagnostics

/// An error of an output file of a run.
public enum TrajectoryError: DiagnosedError, Hashable, Sendable {
  /// Not enough room for what is to be written next.
  case diskFull(file: String, neededBytes: Int, availableBytes: Int)
  /// A write failed half way; the file keeps what it held at the last flush.
  case notWritten(file: String, bytes: Int, reason: String)
  /// Whoever read the standard output has gone, as behind `| head`.
  case readerIsGone
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

  public var diagnostics: [Diagnostic] { [Diagnostic(file: file, message)] }

  public var file: String {
    switch self {
    case .readerIsGone: StandardOutput.name
    case .diskFull(let file, _, _), .notWritten(let file, _, _), .exists(let file), .inUse(let file, _),
      .vanished(let file), .mismatch(let file, _), .corruptCheckpoint(let file, _):
      file
    }
  }

  /// What went wrong, without the file.
  public var message: String {
    switch self {
    case .diskFull(_, let needed, let available):
      "the disk is full: \(needed) bytes are needed and \(available) are free"
    case .notWritten(_, let bytes, let reason):
      (bytes > 0 ? "\(bytes) bytes could not be written" : "cannot be written") + ": \(reason)"
    case .readerIsGone: "nobody reads it any more"
    case .exists: "exists already and is not replaced; choose another name, or remove it first"
    case .inUse(_, let holder):
      "another run, \(holder), writes the files of this name; wait until it ends, or choose another name or folder"
    case .vanished: "this file was removed or replaced while the run was writing to it"
    case .mismatch(_, let reason): reason
    case .corruptCheckpoint(_, let reason): "is not a usable checkpoint: \(reason)"
    }
  }
}
