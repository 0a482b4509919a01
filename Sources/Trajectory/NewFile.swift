// A file that is made as a whole: nobody sees it before it is complete, nothing that was there is ever replaced, and
// whoever fails half way leaves nothing behind.

import Foundation

/// Takes bytes one after another.
protocol OutputSink {
  var path: String { get }
  /// - Throws: `TrajectoryError`.
  func write(_ bytes: [UInt8]) throws
  /// All has been written.
  /// - Throws: `TrajectoryError`.
  func publish() throws
}

/// A new file at `path`, packed where its name ends in .gz, or the standard output where that is `-`.
/// - Throws: `TrajectoryError`.
func outputSink(_ path: String) throws -> any OutputSink {
  if path == "-" { return StandardOutput() }
  let file = try NewFile(path)
  return path.lowercased().hasSuffix(".gz") ? try PackedSink(file) : file
}

/// What is written to it is seen at once.
struct StandardOutput: OutputSink {
  static let name = "standard output"
  var path: String { Self.name }

  func write(_ bytes: [UInt8]) throws {
    do { try Disk.write(bytes, to: STDOUT_FILENO, path: path) } catch let error as TrajectoryError {
      guard case .notWritten(_, _, String(cString: strerror(EPIPE)).lowercased()) = error else { throw error }
      throw TrajectoryError.readerIsGone
    }
  }

  func publish() throws {}
}

/// Writes a file under a temporary name beside its place and moves it there when it is complete.
final class NewFile: OutputSink {
  let path: String
  private let temporary: String
  private let descriptor: Int32
  private var isPublished = false

  /// - Throws: `TrajectoryError` if there is something under this name, or if the folder takes no files.
  init(_ path: String) throws {
    self.path = path
    guard !Disk.isTaken(path) else { throw TrajectoryError.exists(file: path) }
    temporary = path + ".tmp"
    descriptor = try Disk.create(temporary, replacingLeftover: true)
  }

  deinit {
    close(descriptor)
    if !isPublished { unlink(temporary) }
  }

  /// - Throws: `TrajectoryError`.
  func write(_ bytes: [UInt8]) throws {
    try Disk.write(bytes, to: descriptor, path: path)
  }

  /// Gives the complete file its name. Called once, at the end.
  /// - Throws: `TrajectoryError`; also where somebody else took the name meanwhile.
  func publish() throws {
    try Disk.synchronize(descriptor, path: path)
    // A link, unlike a renaming, never replaces a file.
    if link(temporary, path) != 0 {
      guard errno != EEXIST, !Disk.isTaken(path) else { throw TrajectoryError.exists(file: path) }
      try Disk.rename(temporary, to: path)
    }
    unlink(temporary)
    isPublished = true
  }
}
