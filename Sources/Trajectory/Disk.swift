// Free space, whole writes and synchronisation, by POSIX calls that tell why they fail.

import Foundation

enum Disk {
  /// Left over for the metadata of HDF5 and for the next checkpoint.
  private static let margin = 1 << 20

  /// Throws `TrajectoryError.diskFull` unless `bytes` and a margin fit on the disk that holds `file`.
  static func requireSpace(_ bytes: Int, for file: String) throws {
    var status = statvfs()
    let folder = (file as NSString).deletingLastPathComponent
    // A file system that does not tell (some network ones) is taken at its word when writing fails.
    guard statvfs(folder.isEmpty ? "." : folder, &status) == 0, status.f_blocks > 0 else { return }
    let product = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
    let available = product.overflow ? Int.max : Int(clamping: product.partialValue)
    let needed = bytes + margin
    guard available >= needed else {
      throw TrajectoryError.diskFull(file: file, neededBytes: needed, availableBytes: available)
    }
  }

  /// Whether there is anything under this name, be it a link that leads nowhere.
  static func isTaken(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  /// Creates a file for writing, with the permissions that the umask leaves. Never follows a link and never opens what
  /// is there already; with `replacingLeftover` that is removed first.
  ///
  /// - Throws: `TrajectoryError`.
  static func create(_ path: String, replacingLeftover: Bool = false) throws -> Int32 {
    if replacingLeftover { unlink(path) }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw errno == EEXIST ? TrajectoryError.exists(file: path) : failure(path, bytes: 0)
    }
    return descriptor
  }

  /// Writes all of `bytes` at the descriptor's position.
  static func write(_ bytes: [UInt8], to descriptor: Int32, path: String) throws {
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw failure(path, bytes: bytes.count) }
      written += count
    }
  }

  /// Waits until the disk holds what was written to the file or, for a folder, the names in it.
  static func synchronize(_ path: String) throws {
    let descriptor = open(path.isEmpty ? "." : path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(path, bytes: 0) }
    defer { close(descriptor) }
    // File systems that cannot synchronise say EINVAL; there is nothing to wait for.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure(path, bytes: 0) }
  }

  static func rename(_ old: String, to new: String) throws {
    guard Foundation.rename(old, new) == 0 else { throw failure(new, bytes: 0) }
  }

  /// The error of the system call that failed last.
  static func failure(_ path: String, bytes: Int) -> TrajectoryError {
    .notWritten(file: path, bytes: bytes, reason: String(cString: strerror(errno)).lowercased())
  }
}
