// The processors that a run may use.

import CProcessor
import Foundation

public enum Processors {
  /// As many as this process is allowed: a job in a queue has some of its node's, and threads beyond them would only
  /// take turns. Those of the machine where that cannot be asked.
  public static let count: Int = {
    let allowed = Int(bloch_allowed_processors())
    return allowed > 0 ? allowed : ProcessInfo.processInfo.activeProcessorCount
  }()
}
