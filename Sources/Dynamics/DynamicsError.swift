// What can go wrong while atoms move, in words that say what to change.

/// Atoms are numbered from 0, in the order of the structure.
public enum DynamicsError: Error, Equatable, CustomStringConvertible {
  /// A setting of an integrator is out of range.
  case invalidSetting(String)
  /// A saved state does not belong to this integrator.
  case foreignState(String)
  case nonFiniteEnergy(step: Int64)
  case nonFiniteForce(atom: Int, step: Int64)
  case nonFinitePosition(atom: Int, step: Int64)
  /// |F| in eV/Angstrom.
  case forceTooLarge(atom: Int, step: Int64, magnitude: Double, limit: Double)
  /// |v| dt in Angstrom.
  case displacementTooLarge(atom: Int, step: Int64, magnitude: Double, limit: Double)

  public var description: String {
    switch self {
    case .invalidSetting(let message), .foreignState(let message):
      message
    case .nonFiniteEnergy(let step):
      "the potential energy is not a finite number at step \(step); \(Self.remedy)"
    case .nonFiniteForce(let atom, let step):
      "the force on atom \(atom) (counted from 0) is not a finite number at step \(step); \(Self.remedy)"
    case .nonFinitePosition(let atom, let step):
      "the position of atom \(atom) (counted from 0) is not a finite number at step \(step); \(Self.remedy)"
    case .forceTooLarge(let atom, let step, let magnitude, let limit):
      "the force on atom \(atom) (counted from 0) is \(magnitude) eV/A at step \(step), beyond the limit "
        + "of \(limit) eV/A; \(Self.remedy)"
    case .displacementTooLarge(let atom, let step, let magnitude, let limit):
      "atom \(atom) (counted from 0) moves \(magnitude) A in step \(step), beyond the limit of \(limit) A; "
        + Self.remedy
    }
  }

  private static let remedy =
    "check the starting structure for overlapping atoms, the model's range of validity, and use a shorter "
    + "timestep"

  static func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
    if !condition { throw DynamicsError.invalidSetting(message()) }
  }
}
