// Ctrl-C and SIGTERM ask a run to end after the present step. A second one ends it at once.

import Foundation
import Synchronization

public enum Interruption {
  private static let signal = Atomic<Int32>(0)

  /// Catches SIGINT and SIGTERM from here on, also where the program that started this one had blocked them.
  public static func watch() {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM] { sigaddset(&signals, number) }
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    for number in [SIGINT, SIGTERM] {
      Foundation.signal(number) { caught in
        Interruption.signal.store(caught, ordering: .relaxed)
        _ = Foundation.signal(caught, SIG_DFL)
      }
    }
  }

  /// The name of the signal that came since `watch`, if any.
  static var name: String? {
    switch signal.load(ordering: .relaxed) {
    case SIGINT: "Ctrl-C"
    case SIGTERM: "SIGTERM"
    default: nil
    }
  }
}
