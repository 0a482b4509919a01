// A look at a file by a process that may die of it.
//
// The HDF5 library is not safe against damaged files: of files with some bytes changed one or two in a hundred make it write
// beyond its buffers, recurse without end, or ask for all memory there is. What can come of that cannot be caught in
// the same process. So before a program opens a file, a second instance of it goes through everything that the reader
// may read, under limits of memory and time, and the way in which it ends is the verdict:
//
//   exits with 0          nothing in the file is dangerous; what else is wrong with it, the reader finds and words
//   exits otherwise       it asks for more memory than the limit, or its groups, attributes and text cannot be read
//   ends by a signal      the library crashed on it, or did not come to an end
//
// It costs the start of a process and some 10 ms, once for each file that is opened.

import Foundation
import Synchronization

public enum HDF5Guard {
  /// Marks the second instance: `PROGRAM hdf5-guard FILE`.
  static let verb = "hdf5-guard"

  private static let isInstalled = Atomic<Bool>(false)

  /// From here on every file is looked at before it is opened. Called first thing in `main`; in the second instance it
  /// does that instance's work and does not return.
  ///
  /// A program that embeds Bloch's modules may leave this out: files are then opened unguarded.
  public static func install() {
    let arguments = CommandLine.arguments
    if arguments.count == 3, arguments[1] == verb { inspectAndExit(arguments[2]) }
    // Where the parent process had them ignored, the system would not keep the verdict.
    signal(SIGCHLD, SIG_DFL)
    isInstalled.store(true, ordering: .relaxed)
  }

  /// Returns if the library can be trusted with the file.
  ///
  /// - Throws: `HDF5Error`. A system that starts no more processes leaves the file unguarded.
  static func inspect(_ path: String, byteCount: Int) throws {
    guard isInstalled.load(ordering: .relaxed), let status = run([verb, path]) else { return }
    // The layout of a status (wait(2)): the signal in the low seven bits, the exit code above them.
    let (signal, code) = (status & 0x7f, (status >> 8) & 0xff)
    let reason: String? =
      switch (signal, code) {
      case (0, Verdict.sound.rawValue): nil
      case (0, Verdict.outOfMemory.rawValue), (SIGKILL, _):
        "to read it takes more than \(limits(for: byteCount).memory >> 20) MB"
      case (0, _): "the HDF5 library cannot read its groups, attributes and text"
      case (SIGXCPU, _), (SIGALRM, _): "reading it does not come to an end"
      default: "the HDF5 library crashes on it (signal \(signal))"
      }
    if let reason { throw HDF5Error(file: path, reason: "the file is damaged: \(reason)") }
  }

  /// How the second instance exits.
  enum Verdict: Int32 {
    case sound = 0
    case outOfMemory = 2
    case unreadable = 3
  }

  /// What a file of this size may cost: bytes of memory, seconds of computing, seconds on the clock.
  static func limits(for byteCount: Int) -> (memory: Int, computing: Int, clock: Int) {
    let megabytes = byteCount >> 20
    return (
      memory: (1024 + 4 * min(megabytes, 1 << 20)) << 20, computing: 2 + megabytes / 20,
      clock: 60 + megabytes / 10
    )
  }

  /// Runs this program with other arguments, deaf and mute, and waits for its end.
  ///
  /// - Returns: its status as `waitpid` gives it; nil if it could not be started.
  private static func run(_ arguments: [String]) -> Int32? {
    guard let program = executable else { return nil }
    #if os(Linux)
      var (files, attributes) = (posix_spawn_file_actions_t(), posix_spawnattr_t())
    #else
      var (files, attributes): (posix_spawn_file_actions_t?, posix_spawnattr_t?) = (nil, nil)
    #endif
    guard posix_spawn_file_actions_init(&files) == 0, posix_spawnattr_init(&attributes) == 0 else {
      return nil
    }
    defer {
      posix_spawn_file_actions_destroy(&files)
      posix_spawnattr_destroy(&attributes)
    }
    for (descriptor, mode) in [(0, O_RDONLY), (1, O_WRONLY), (2, O_WRONLY)] {
      posix_spawn_file_actions_addopen(&files, Int32(descriptor), "/dev/null", mode, 0)
    }
    // Signals that ask this program to stop are its own business; those of the limits must arrive.
    var (blocked, every) = (sigset_t(), sigset_t())
    sigemptyset(&blocked)
    sigfillset(&every)
    for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGUSR1, SIGUSR2] {
      sigaddset(&blocked, number)
    }
    posix_spawnattr_setsigmask(&attributes, &blocked)
    posix_spawnattr_setsigdefault(&attributes, &every)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    let words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
    defer { words.forEach { free($0) } }
    var process: pid_t = 0
    guard posix_spawn(&process, program, &files, &attributes, words + [nil], environ) == 0 else { return nil }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 {
      guard errno == EINTR else { return nil }
    }
    return status
  }

  /// The file of the running program, whatever name it was started by.
  private static var executable: String? {
    #if os(Linux)
      "/proc/self/exe"
    #else
      Bundle.main.executablePath
    #endif
  }
}
