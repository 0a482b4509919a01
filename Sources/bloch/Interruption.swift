// Signals that ask a run to end after the present step: Ctrl-C, a terminal that closes, a queue whose time is up.

import Foundation
import Synchronization

enum Interruption {
  private static let signal = Atomic<Int32>(0)

  private static let names: [Int32: String] = [
    SIGINT: "Ctrl-C", SIGTERM: "SIGTERM", SIGHUP: "SIGHUP (the terminal closed)", SIGUSR1: "SIGUSR1",
    SIGUSR2: "SIGUSR2",
    SIGXCPU: "SIGXCPU (the limit of processor time)",
  ]

  /// Catches the signals from here on, also where the program that started this one had blocked them. A second Ctrl-C or
  /// SIGTERM ends the program at once; the others may come in numbers. What ignores a closing terminal (nohup) goes on
  /// to do so.
  static func watch() {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in names.keys { sigaddset(&signals, number) }
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    for number in names.keys {
      var present = sigaction()
      sigaction(number, nil, &present)
      if number == SIGHUP, isIgnored(present) { continue }
      Foundation.signal(number) { caught in
        Interruption.signal.store(caught, ordering: .relaxed)
        if caught == SIGINT || caught == SIGTERM { _ = Foundation.signal(caught, SIG_DFL) }
      }
    }
  }

  /// Lets another rank decide when to end.
  static func ignore() { for number in names.keys { _ = Foundation.signal(number, SIG_IGN) } }

  /// From here on a write that has no reader or passes the limit of file sizes is an error of that write, not the end of
  /// the program.
  static func makeWriteErrorsErrors() {
    for number in [SIGPIPE, SIGXFSZ] { _ = Foundation.signal(number, SIG_IGN) }
  }

  /// The name of the signal that came since `watch`, if any.
  static var name: String? { names[signal.load(ordering: .relaxed)] }

  private static func isIgnored(_ action: sigaction) -> Bool {
    #if os(Linux)
      let handler = action.__sigaction_handler.sa_handler
    #else
      let handler = action.__sigaction_u.__sa_handler
    #endif
    return unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }
}
