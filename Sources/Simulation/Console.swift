// The two streams of a terminal: results go to the standard output, words about them to the standard error.

import Deck
import Diagnostics
import Foundation

public enum Console {
  /// Nobody reads the standard output any more: a closed pipe, as behind `| head`.
  public struct ReaderIsGone: Error {}

  /// Opens /dev/null in the place of standard streams that are closed. A file opened later would get their number, and
  /// words meant for a person would land in it.
  public static func reserveStandardDescriptors() {
    while true {
      let descriptor = open("/dev/null", O_RDWR)
      guard descriptor >= 0, descriptor <= STDERR_FILENO else {
        if descriptor >= 0 { close(descriptor) }
        return
      }
    }
  }

  /// Prints results.
  /// - Throws: `FileError` where they cannot be written, `ReaderIsGone`.
  public static func print(_ text: String) throws {
    let failure = write(printable(text) + "\n", to: STDOUT_FILENO)
    if failure == EPIPE { throw ReaderIsGone() }
    guard failure == 0 else {
      throw FileError(
        file: "standard output", "cannot be written: \(String(cString: strerror(failure)).lowercased())",
        help: "the result is not complete; make room, or send it elsewhere")
    }
  }

  /// A word to the person at the terminal. What cannot be written is dropped: no run ends because nobody listens.
  public static func note(_ text: String) { _ = write(printable(text) + "\n", to: STDERR_FILENO) }

  /// Puts `line` in the place of the present line of a terminal.
  static func redraw(_ line: String) { _ = write("\r\u{1B}[K" + printable(line), to: STDERR_FILENO) }

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
