// What can go wrong while atoms move, in words that say what to change.

import Foundation

/// Atoms are numbered from 0 here, in the order of the structure, and from 1 in the words. `step` is nil outside a run.
public enum DynamicsError: Error, Equatable, CustomStringConvertible {
  /// What an integrator is made of.
  public enum Setting: Sendable {
    case timestep, temperature, relaxationTime, chainLength, friction, degreesOfFreedom
    case pressure, barostatTime, compressibility, coupling, cell, fixedAtoms
  }

  /// A setting of an integrator is out of range.
  case invalidSetting(Setting, String)
  case nonFiniteEnergy(step: Int64?)
  case nonFiniteStress(step: Int64?)
  case nonFiniteForce(atom: Int, step: Int64?)
  case nonFinitePosition(atom: Int, step: Int64)
  /// |E| / N in eV.
  case energyTooLarge(step: Int64?, perAtom: Double, limit: Double)
  /// |F| in eV/Angstrom.
  case forceTooLarge(atom: Int, step: Int64?, magnitude: Double, limit: Double)
  /// |v| dt in Angstrom.
  case displacementTooLarge(atom: Int, step: Int64, magnitude: Double, limit: Double)
  /// |E| of the cell's change e^E in one step.
  case strainTooLarge(step: Int64, magnitude: Double, limit: Double)
  /// V / N in Angstrom^3.
  case cellCollapsed(step: Int64, volumePerAtom: Double, limit: Double)

  public var description: String {
    switch self {
    case .invalidSetting(_, let message): message
    case .nonFiniteEnergy(let step):
      "the potential energy is not a finite number\(at(step))"
    case .nonFiniteStress(let step):
      "the stress is not a finite number\(at(step))"
    case .nonFiniteForce(let atom, let step):
      "the force on atom \(atom + 1) is not a finite number\(at(step))"
    case .nonFinitePosition(let atom, let step):
      "the position of atom \(atom + 1) is not a finite number\(at(step))"
    case .energyTooLarge(let step, let perAtom, let limit):
      "the potential energy is \(digits(perAtom)) eV per atom, beyond the limit of \(digits(limit)) eV\(at(step))"
    case .forceTooLarge(let atom, let step, let magnitude, let limit):
      "the force on atom \(atom + 1) is \(digits(magnitude)) eV/Angstrom, beyond the limit of \(digits(limit)) "
        + "eV/Angstrom\(at(step))"
    case .displacementTooLarge(let atom, let step, let magnitude, let limit):
      "atom \(atom + 1) moves \(digits(magnitude)) Angstrom in one step, beyond the limit of \(digits(limit)) "
        + "Angstrom\(at(step))"
    case .strainTooLarge(let step, let magnitude, let limit):
      "the cell changes by \(digits(100 * magnitude)) % in one step, beyond the limit of \(digits(100 * limit)) %, at "
        + "step \(step); \(Self.barostatAdvice)"
    case .cellCollapsed(let step, let volume, let limit):
      "the cell has shrunk to \(digits(volume)) Angstrom^3 per atom, below the limit of \(digits(limit)) Angstrom^3, at "
        + "step \(step); \(Self.barostatAdvice)"
    }
  }

  private static let barostatAdvice =
    "check the pressure and its unit, give the barostat a longer `tau`, and bring the structure to its "
    + "temperature at constant volume first"

  /// The moment, and what to do about a run.
  private func at(_ step: Int64?) -> String {
    let checks = "check the structure for overlapping atoms, and the model's range of validity"
    return step.map { ", at step \($0); \(checks), and use a shorter timestep" } ?? "; \(checks)"
  }

  private func digits(_ value: Double) -> String { String(format: "%.3g", value) }

  static func require(_ condition: Bool, _ setting: Setting, _ message: @autoclosure () -> String) throws {
    if !condition { throw DynamicsError.invalidSetting(setting, message()) }
  }
}
