// The temperature of a bath as a pure function of the step number, so that a restart needs nothing saved.

import Foundation

/// Target temperature of a thermostat in K.
public enum TemperatureSchedule: Sendable, Equatable {
  case constant(Double)
  /// T(n) = from + (to - from) n / steps for n <= steps, `to` ever after.
  case ramp(from: Double, to: Double, steps: Int64)

  /// Temperature in K after `step` completed steps of the run. The step that leads from n to n + 1 uses
  /// T(n + 1), so that the last step of a ramp already runs at its final temperature.
  public func temperature(at step: Int64) -> Double {
    switch self {
    case .constant(let temperature):
      temperature
    case .ramp(let from, let to, let steps):
      step >= steps ? to : from + (to - from) * (Double(step) / Double(steps))
    }
  }

  /// The highest temperature that it comes to, in K.
  var highest: Double {
    switch self {
    case .constant(let temperature): temperature
    case .ramp(let from, let to, _): max(from, to)
    }
  }

  /// - Parameter lowest: the lowest temperature allowed, in K.
  func validate(from lowest: Double) throws {
    func isAllowed(_ t: Double) -> Bool { t.isFinite && t >= lowest }
    switch self {
    case .constant(let temperature):
      try DynamicsError.require(
        isAllowed(temperature), .temperature,
        String(format: "this thermostat takes a temperature of %g K or more, not %g K", lowest, temperature))
    case .ramp(let from, let to, let steps):
      try DynamicsError.require(
        isAllowed(from) && isAllowed(to), .temperature,
        String(
          format: "this thermostat takes a ramp at %g K or more, not from %g K to %g K", lowest, from, to))
      try DynamicsError.require(
        steps > 0, .temperature, "a temperature ramp needs at least one step, not \(steps)")
    }
  }
}
