// The pressure that a barostat is to keep as a pure function of the step number, so that a restart needs nothing saved.

import Lattice

/// Target of a barostat: the pressure tensor in eV/Angstrom^3, positive under compression, symmetric. It changes linearly
/// from `start` at step 0 to `end` at step `steps` and is constant from there.
public struct PressureSchedule: Sendable, Hashable {
  public let start: Matrix3
  public let end: Matrix3
  public let steps: Int64

  public init(from start: Matrix3, to end: Matrix3, steps: Int64) {
    (self.start, self.end, self.steps) = (start, end, steps)
  }

  public static func constant(_ pressure: Matrix3) -> PressureSchedule {
    PressureSchedule(from: pressure, to: pressure, steps: 1)
  }

  /// The same from all sides.
  public static func constant(_ pressure: Double) -> PressureSchedule {
    constant(Matrix3.identity * pressure)
  }

  /// The target after `step` completed steps of the run. The step that leads from n to n + 1 uses that of n + 1.
  public func pressure(at step: Int64) -> Matrix3 {
    step >= steps ? end : start + (end - start) * (Double(step) / Double(steps))
  }

  func validate() throws {
    for tensor in [start, end] {
      try DynamicsError.require(
        (tensor.x + tensor.y + tensor.z).sum().isFinite && tensor == tensor.transposed, .pressure,
        "a pressure is a symmetric tensor of finite numbers")
    }
    try DynamicsError.require(steps > 0, .pressure, "a pressure ramp needs at least one step, not \(steps)")
  }
}
