// Free space, whole writes and synchronisation, by POSIX calls that tell why they fail.

import Foundation

public enum Disk {
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
  public static func isTaken(_ path: String) -> Bool {
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

  /// Puts `content` in the place of the file `path`, which is the old or the new one whatever happens.
  ///
  /// - Throws: `TrajectoryError`.
  public static func replace(_ path: String, with content: [UInt8]) throws {
    let temporary = path + ".tmp"
    do {
      try writeWhole(content, to: temporary)
      try rename(temporary, to: path)
    } catch {
      unlink(temporary)
      throw error
    }
  }

  /// Writes and synchronises a file, in the place of what a killed run may have left under its name.
  static func writeWhole(_ content: [UInt8], to path: String) throws {
    let descriptor = try create(path, replacingLeftover: true)
    defer { close(descriptor) }
    try write(content, to: descriptor, path: path)
    try synchronize(descriptor, path: path)
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
    try synchronize(descriptor, path: path)
  }

  /// As above, for an open file.
  static func synchronize(_ descriptor: Int32, path: String) throws {
    // File systems that cannot synchronise say EINVAL; there is nothing to wait for.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure(path, bytes: 0) }
  }

  /// Waits until the disk holds the names in the folder of `path`.
  static func synchronizeFolder(of path: String) throws {
    try synchronize((path as NSString).deletingLastPathComponent)
  }

  static func rename(_ old: String, to new: String) throws {
    guard Foundation.rename(old, new) == 0 else { throw failure(new, bytes: 0) }
  }

  /// The error of the system call that failed last.
  static func failure(_ path: String, bytes: Int) -> TrajectoryError {
    .notWritten(file: path, bytes: bytes, reason: String(cString: strerror(errno)).lowercased())
  }
}
