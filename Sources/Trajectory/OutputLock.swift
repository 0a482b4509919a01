// One run at a time writes the files of a name. The lock is a file of its own, so that readers of trajectory and log,
// which may take locks too (HDF5's library does), and the run never meet.

import Foundation

/// The right to write the output files of a run, held until the object goes or the process ends, however it ends.
public final class OutputLock {
  private let path: String
  private let descriptor: Int32

  /// Takes the lock `path`. File systems without locks go unguarded.
  ///
  /// - Throws: `TrajectoryError.inUse` where another run holds it, `notWritten` where the folder takes no files.
  public init(_ path: String) throws {
    self.path = path
    while true {
      let descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o666)
      guard descriptor >= 0 else { throw Disk.failure(path, bytes: 0) }
      if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
        let holder = OutputLock.holder(descriptor)
        close(descriptor)
        throw TrajectoryError.inUse(file: path, by: holder)
      }
      // A run that has just ended may have removed the file between the two calls: what is locked then has no name.
      guard FileIdentity(descriptor) == FileIdentity(path) else {
        close(descriptor)
        continue
      }
      self.descriptor = descriptor
      break
    }
    let words = Array("process \(getpid()) on \(ProcessInfo.processInfo.hostName)\n".utf8)
    _ = ftruncate(descriptor, 0)
    _ = pwrite(descriptor, words, words.count, 0)
  }

  deinit {
    // Removed while it is held: nobody else can have made it theirs.
    unlink(path)
    close(descriptor)
  }

  /// Who holds the lock, by his own words.
  private static func holder(_ descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 200)
    let count = max(0, pread(descriptor, &bytes, bytes.count, 0))
    let line = bytes.prefix(count).prefix { (32..<127).contains($0) }
    return line.isEmpty ? "another process" : String(decoding: line, as: UTF8.self)
  }
}

/// Which file a name or a descriptor stands for.
struct FileIdentity: Hashable {
  private let device: UInt64
  private let node: UInt64

  /// Nil if there is no such file.
  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  init?(_ descriptor: Int32) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    self.init(status)
  }

  private init(_ status: stat) {
    device = UInt64(truncatingIfNeeded: status.st_dev)
    node = UInt64(truncatingIfNeeded: status.st_ino)
  }

  /// - Throws: `TrajectoryError.vanished` unless `path` is still this file.
  func requireStillAt(_ path: String) throws {
    guard FileIdentity(path) == self else { throw TrajectoryError.vanished(file: path) }
  }
}
