// Where the wall-clock time of a run goes.

import Foundation

/// Splits the time of a run into steps (forces and motion) and output.
struct RunClock {
  private(set) var stepSeconds = 0.0
  private(set) var outputSeconds = 0.0
  private var mark = ContinuousClock.now

  mutating func endStep() { stepSeconds += lap() }
  mutating func endOutput() { outputSeconds += lap() }

  private mutating func lap() -> Double {
    let now = ContinuousClock.now
    defer { mark = now }
    return seconds(now - mark)
  }
}

/// Times by part, with the share of each.
func timingTable(_ parts: [(part: String, seconds: Double)]) -> String {
  let total = parts.reduce(0) { $0 + $1.seconds }
  return parts.map { part, seconds in
    let share = total > 0 ? seconds / total * 100 : 0
    return "  " + part.padding(toLength: 16, withPad: " ", startingAt: 0)
      + String(format: "%10.3f s %5.1f %%", seconds, share)
  }.joined(separator: "\n")
}
