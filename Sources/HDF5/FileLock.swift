// One writer per file. HDF5's own lock is not used: programs started meanwhile would inherit it, and it would
// keep readers from the trajectory of a run in progress.

import Foundation

/// An exclusive lock on a file, held until it is released or the process ends, however it ends.
final class FileLock {
  private let descriptor: Int32

  /// - Throws: `HDF5Error` if another program holds the lock. File systems without locks go unguarded.
  init(_ name: String) throws {
    descriptor = open(name, O_RDONLY | O_CLOEXEC)
    if descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
      throw HDF5Error(file: name, reason: "another program is writing to it; wait until it ends")
    }
  }

  deinit {
    // A process that is just being started may share the descriptor; closing ours would leave it the lock.
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }
}
