// The one place that talks to the C library as a whole: its start, its lock and its error stack.

import CHDF5
import Foundation
import Synchronization

/// The serial HDF5 library keeps global state, so every call into it is made under one process-wide lock.
enum HDF5Library {
  private static let lock = NSRecursiveLock()

  /// Runs once. The exit handler of HDF5 is left out: it would flush files whose disk is full, and crash
  /// in doing so. Every file is therefore closed by `HDF5File`.
  private static let isReady: Bool = {
    H5dont_atexit()
    return H5open() >= 0
  }()

  /// Runs `body` alone in the library, with HDF5's own printing of errors switched off.
  static func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
    lock.lock()
    defer { lock.unlock() }
    precondition(isReady, "the HDF5 library does not start")
    H5Eset_auto2(bloch_h5e_default(), nil, nil)
    return try body()
  }

  /// Whether there has been a message so far.
  static var hasFailed: Bool { hasSpoken.load(ordering: .relaxed) }
  private static let hasSpoken = Atomic<Bool>(false)

  /// Whether a message so far has told of memory that was not to be had.
  static var isOutOfMemory: Bool { hasLackedMemory.load(ordering: .relaxed) }
  private static let hasLackedMemory = Atomic<Bool>(false)

  /// The innermost message of the error stack that the last failing call left.
  static func lastMessage() -> String? {
    var innermost: (text: String?, lacksMemory: Bool) = (nil, false)
    withUnsafeMutablePointer(to: &innermost) { pointer in
      _ = H5Ewalk2(
        bloch_h5e_default(), H5E_WALK_UPWARD,
        { index, entry, context in
          guard index == 0, let entry = entry?.pointee, let text = entry.desc else { return 0 }
          context?.assumingMemoryBound(to: (text: String?, lacksMemory: Bool).self).pointee = (
            String(cString: text), entry.min_num == bloch_h5e_nospace()
          )
          return 0
        }, pointer)
    }
    if innermost.text != nil { hasSpoken.store(true, ordering: .relaxed) }
    if innermost.lacksMemory { hasLackedMemory.store(true, ordering: .relaxed) }
    // Where the operating system refused, its words are buried in the numbers of the call.
    if let cause = innermost.text?.firstMatch(of: /error message = '([^']*)'/) { return cause.1.lowercased() }
    return innermost.text
  }
}

/// A handle of the C library, closed when `body` ends.
func withHandle<Result>(
  _ id: hid_t, close: (hid_t) -> herr_t, _ body: (hid_t) throws -> Result
) rethrows -> Result {
  defer { _ = close(id) }
  return try body(id)
}
