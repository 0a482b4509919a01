// What it costs to be away from where a restraint wants its coordinate q, with stiffness k:
//
//   harmonic       k/2 (q - c)^2
//   flat-bottomed  k/2 (q - lower)^2 below `lower`, k/2 (q - upper)^2 above `upper`, 0 between
//   moving         harmonic about c, which goes linearly from `from` at step 0 to `to` at step `steps` and stays there
//
// In dynamics with a moving restraint the conserved energy changes by the work that the restraint has done.

/// A function of one coordinate and, where it moves, of the step.
public enum Profile: Sendable, Hashable {
  case harmonic(center: Double)
  case flat(lower: Double, upper: Double)
  case moving(from: Double, to: Double, steps: Int64)

  /// The nearest value of `q` without a cost.
  public func center(for q: Double, at step: Int64) -> Double {
    switch self {
    case .harmonic(let center): center
    case .flat(let lower, let upper): max(lower, min(upper, q))
    case .moving(let from, let to, let steps):
      step >= steps ? to : from + (to - from) * (Double(step) / Double(steps))
    }
  }

  public var isMoving: Bool { if case .moving = self { true } else { false } }
}
