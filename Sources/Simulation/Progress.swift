// What a person sees of a run while it goes on: one line, redrawn on a terminal, repeated seldom elsewhere.
//
//   step 420/1000   0.210 ps   E -29987.412 eV   T 298.4 K   1.93 ns/day   0:12 left

import Dynamics
import Foundation
import Trajectory

final class Progress: Observer {
  let name = "progress"
  /// It follows the clock on the wall.
  let interval = 1
  private let first: Int64
  private let last: Int64
  private let timestep: Double
  private let isTerminal: Bool
  private let start = ContinuousClock.now
  private var shown: ContinuousClock.Instant?
  private var isOpen = true

  init(from first: Int64, to last: Int64, timestep: Double, isTerminal: Bool = isatty(STDERR_FILENO) == 1) {
    self.first = first
    self.last = last
    self.timestep = timestep
    self.isTerminal = isTerminal
  }

  /// Whether the last line is old enough to be replaced: a quarter of a second on a terminal, 20 s elsewhere.
  func isDue(at step: Int64) -> Bool {
    guard let shown, step != last else { return true }
    return ContinuousClock.now - shown > (isTerminal ? .milliseconds(250) : .seconds(20))
  }

  func observe(_ frame: Frame) {
    let step = frame.step
    let elapsed = seconds(ContinuousClock.now - start)
    let rate = elapsed > 0 ? Double(step - first) / elapsed : 0
    var fields = [
      "step \(step)/\(last)", String(format: "%.3f ps", Double(step) * timestep * 1e-3),
      String(format: "E %.3f eV", frame.evaluation.energy), String(format: "T %.1f K", frame.temperature),
    ]
    if rate > 0 {
      fields.append(String(format: "%.3g ns/day", rate * timestep * 1e-6 * 86400))
      fields.append(clock(Double(last - step) / rate) + " left")
    }
    let line = fields.joined(separator: "   ")
    if isTerminal { Console.redraw(line) } else { Console.note(line) }
    shown = .now
  }

  func state() -> OutputMark? { nil }

  /// Ends the redrawn line, so that what follows starts on its own.
  func close() {
    if isTerminal, isOpen { Console.note("") }
    isOpen = false
  }
}

/// `0:07`, `1:02:03`
func clock(_ seconds: Double) -> String {
  let total = Int(seconds > 0 ? min(seconds, 1e9).rounded() : 0)
  let (hours, minutes, rest) = (total / 3600, total / 60 % 60, total % 60)
  return hours > 0
    ? String(format: "%d:%02d:%02d", hours, minutes, rest) : String(format: "%d:%02d", minutes, rest)
}

func seconds(_ duration: Duration) -> Double {
  Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
}
