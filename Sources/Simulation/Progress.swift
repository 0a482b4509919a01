// How far a run is, in one line:
//
//   step 420/1000   0.210 ps   E -29987.412 eV   T 298.4 K   1.93 ns/day   0:12 left
//   step 42/1000   E -29987.4123 eV   largest force 0.0834 eV/Angstrom

import Deck
import Dynamics
import Foundation
import Lattice

public struct Progress: Sendable, CustomStringConvertible {
  public let step: Int64
  public let lastStep: Int64
  /// In fs, of one step; nil where no time passes.
  public let timestep: Double?
  /// Potential energy in eV.
  public let energy: Double
  /// In K.
  public let temperature: Double
  /// In g/cm^3, of a cell that changes in time; else nil.
  public let density: Double?
  /// On an atom that may move, in eV/Angstrom; nil where no forces are to vanish.
  public let largestForce: Double?
  /// Of the wall clock; nil where none has passed.
  public let stepsPerSecond: Double?

  public var description: String {
    guard let timestep else {
      return "step \(step)/\(lastStep)" + String(format: "   E %.4f eV", energy)
        + (largestForce.map { String(format: "   largest force %.4f eV/Angstrom", $0) } ?? "")
    }
    var fields = [
      "step \(step)/\(lastStep)", String(format: "%.3f ps", Double(step) * timestep * 1e-3),
      String(format: "E %.3f eV", energy), String(format: "T %.1f K", temperature),
    ]
    if let density { fields.append(String(format: "%.4f g/cm^3", density)) }
    if let stepsPerSecond {
      fields.append(String(format: "%.3g ns/day", stepsPerSecond * timestep * 1e-6 * 86400))
      fields.append(clock(Double(lastStep - step) / stepsPerSecond) + " left")
    }
    return fields.joined(separator: "   ")
  }
}

/// Tells progress by the clock on the wall.
final class ProgressObserver: Observer {
  let name = "progress"
  let interval = 1
  private let first: Int64
  private let last: Int64
  private let timestep: Double?
  private let showsDensity: Bool
  private let events: EventHandler
  private let start = ContinuousClock.now
  private var told: ContinuousClock.Instant?

  private static let pause = Duration.milliseconds(250)

  init(from first: Int64, to last: Int64, deck: Deck, events: @escaping EventHandler) {
    self.first = first
    self.last = last
    timestep = deck.timestep
    showsDensity = deck.barostat != nil
    self.events = events
  }

  func isDue(at step: Int64) -> Bool {
    guard let told, step != last else { return true }
    return ContinuousClock.now - told > Self.pause
  }

  func observe(_ frame: Frame) throws {
    let elapsed = seconds(ContinuousClock.now - start)
    let rate = elapsed > 0 ? Double(frame.step - first) / elapsed : 0
    try events(
      .progress(
        Progress(
          step: frame.step, lastStep: last, timestep: timestep, energy: frame.evaluation.energy,
          temperature: frame.temperature, density: showsDensity ? frame.system.density : nil,
          largestForce: frame.quantities["largest_force"],
          stepsPerSecond: rate > 0 ? rate : nil)))
    told = .now
  }

  func state() -> StateTree? { nil }
  func close() {}
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
