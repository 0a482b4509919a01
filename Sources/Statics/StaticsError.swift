// What can go wrong while forces are brought to zero, in words that say what to change.

import Foundation

public enum StaticsError: Error, Equatable, CustomStringConvertible {
  /// V / N in Angstrom^3.
  case cellCollapsed(step: Int64, volumePerAtom: Double, limit: Double)
  /// Largest force in eV/Angstrom.
  case endIsNoMinimum(isFirst: Bool, force: Double, limit: Double)
  case endsAreOne

  public var description: String {
    switch self {
    case .cellCollapsed(let step, let volume, let limit):
      "the cell has shrunk to \(String(format: "%.3g", volume)) Angstrom^3 per atom, below the limit of \(limit) "
        + "Angstrom^3, at step \(step); check the pressure and its unit, the structure for atoms that overlap, and that "
        + "the model has learned stresses"
    case .endIsNoMinimum(let isFirst, let force, let limit):
      "the \(isFirst ? "first" : "last") structure of the path is no minimum: its largest force is "
        + "\(String(format: "%.3g", force)) eV/Angstrom, the limit \(limit); minimise both ends first (`bloch minimize`)"
    case .endsAreOne: "both ends of the path have come to one minimum"
    }
  }
}
