// What can go wrong with a trajectory, checkpoint or log besides what HDF5 itself reports.

import Foundation

/// An error of an output file of a run.
public enum TrajectoryError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Not enough room for what is to be written next.
  case diskFull(file: String, neededBytes: Int, availableBytes: Int)
  /// A write failed half way; the file keeps what it held at the last flush.
  case notWritten(file: String, bytes: Int, reason: String)
  /// The file does not fit the run or the checkpoint that wants to go on with it.
  case mismatch(file: String, reason: String)
  /// A checkpoint whose content does not match its checksum, or is no checkpoint.
  case corruptCheckpoint(file: String, reason: String)

  public var description: String {
    switch self {
    case .diskFull(let file, let needed, let available):
      "\(file): the disk is full: \(needed) bytes are needed and \(available) are free; make room and resume"
    case .notWritten(let file, let bytes, let reason):
      "\(file): \(bytes) bytes could not be written: \(reason); make room if the disk is full, and resume"
    case .mismatch(let file, let reason): "\(file): \(reason)"
    case .corruptCheckpoint(let file, let reason): "\(file): is not a usable checkpoint: \(reason)"
    }
  }
}

/// Free room on the disk of a file.
enum DiskSpace {
  /// Left over for the metadata of HDF5 and for the next checkpoint.
  private static let margin = 1 << 20

  /// Throws `TrajectoryError.diskFull` unless `bytes` and a margin fit on the disk that holds `file`.
  static func require(_ bytes: Int, for file: String) throws {
    var status = statvfs()
    let folder = (file as NSString).deletingLastPathComponent
    // A file system that does not tell (some network ones) is taken at its word when writing fails.
    guard statvfs(folder.isEmpty ? "." : folder, &status) == 0, status.f_blocks > 0 else { return }
    let available = Int(clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue)
    let needed = bytes + margin
    if available < needed { throw TrajectoryError.diskFull(file: file, neededBytes: needed, availableBytes: available) }
  }
}
