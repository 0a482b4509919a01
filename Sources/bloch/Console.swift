// The two streams of a terminal: results go to the standard output, words about them to the standard error.

import Diagnostics
import Foundation
import Simulation
import Synchronization

enum Console {
  /// Nobody reads the standard output any more: a closed pipe, as behind `| head`.
  struct ReaderIsGone: Error {}

  /// Opens /dev/null in the place of standard streams that are closed. A file opened later would get their number, and
  /// words meant for a person would land in it.
  static func reserveStandardDescriptors() {
    while true {
      let descriptor = open("/dev/null", O_RDWR)
      guard descriptor >= 0, descriptor <= STDERR_FILENO else {
        if descriptor >= 0 { close(descriptor) }
        return
      }
    }
  }

  // MARK: - Events

  /// Shows what a simulation says. Progress is redrawn on a terminal, and elsewhere told at the first step, seldom between,
  /// and at the last.
  static func listener() -> EventHandler {
    let isTerminal = isatty(STDERR_FILENO) == 1
    var shown: ContinuousClock.Instant?
    func tell(_ progress: String, isLast: Bool) {
      let isTime = shown.map { ContinuousClock.now - $0 > .seconds(20) } ?? true
      if isTerminal {
        redraw(progress)
      } else if isTime || isLast {
        note(progress)
        shown = .now
      }
    }
    return { event in
      switch event {
      case .note, .warning: note(event.description)
      case .progress(let progress): tell(progress.description, isLast: progress.step == progress.lastStep)
      case .trainingProgress(let progress): tell(progress.description, isLast: false)
      case .serviceProgress(let progress): tell(progress.description, isLast: false)
      case .result, .report: try print(event.description)
      }
    }
  }

  /// Prints results.
  /// - Throws: `FileError` where they cannot be written, `ReaderIsGone`.
  static func print(_ text: String) throws {
    endRedrawnLine()
    let failure = write(printable(text) + "\n", to: STDOUT_FILENO)
    if failure == EPIPE { throw ReaderIsGone() }
    guard failure == 0 else {
      throw FileError(
        file: "standard output", "cannot be written: \(String(cString: strerror(failure)).lowercased())",
        help: "the result is not complete; make room, or send it elsewhere")
    }
  }

  /// A word to the person at the terminal. What cannot be written is dropped: no run ends because nobody listens.
  static func note(_ text: String) {
    endRedrawnLine()
    _ = write(printable(text) + "\n", to: STDERR_FILENO)
  }

  // MARK: - A line that changes

  private static let isRedrawing = Atomic(false)

  /// Puts `line` in the place of the present line of a terminal.
  private static func redraw(_ line: String) {
    isRedrawing.store(true, ordering: .relaxed)
    _ = write("\r\u{1B}[K" + printable(line), to: STDERR_FILENO)
  }

  /// What follows a line that was redrawn starts on its own.
  private static func endRedrawnLine() {
    if isRedrawing.exchange(false, ordering: .relaxed) { _ = write("\n", to: STDERR_FILENO) }
  }

  // MARK: - Bytes

  /// 0, or the number of the error.
  private static func write(_ text: String, to descriptor: Int32) -> Int32 {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno == EAGAIN {
        var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&request, 1, -1)
      } else if errno != EINTR {
        return errno
      }
    }
    return 0
  }

  /// Line by line: names from files may hold what makes a terminal do things.
  private static func printable(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { String($0).printable }.joined(
      separator: "\n")
  }
}
