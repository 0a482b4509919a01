// The temperature of a bath as a pure function of the step number, so that a restart needs nothing saved.

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

  /// - Parameter minimum: the lowest temperature allowed, in K.
  func validate(from minimum: Double) throws {
    func isAllowed(_ t: Double) -> Bool { t.isFinite && t >= minimum }
    switch self {
    case .constant(let temperature):
      try DynamicsError.require(
        isAllowed(temperature), .temperature,
        "the temperature must be at least \(minimum) K here, not \(temperature) K")
    case .ramp(let from, let to, let steps):
      try DynamicsError.require(
        isAllowed(from) && isAllowed(to), .temperature,
        "both ends of a temperature ramp must be at least \(minimum) K here, not \(from) K and \(to) K")
      try DynamicsError.require(
        steps > 0, .temperature, "a temperature ramp needs at least one step, not \(steps)")
    }
  }
}
