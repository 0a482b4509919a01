// A potential, with what a run must know of it beside forces.

import Deck
import Diagnostics
import Foundation
import LRMACE
import Lattice
import Restraints

public struct ForceField {
  public let potential: any Potential
  /// Atomic numbers that it knows.
  public let species: Set<Int>
  /// Whether its evaluations give charges of atoms.
  public let hasCharges: Bool
  /// Identifies its parameters: a run resumes only with the force field that it began with.
  public let hash: String
  /// Seconds spent in each of its parts since it was made.
  public let timings: () -> [(part: String, seconds: Double)]
  /// Floating-point operations of its last step in the parts where they are known, and what one core reaches per second.
  public let operations: () -> [String: Double]
  public let peakOperationsPerSecond: () -> Double?
  /// How its last step evaluated the attention; nil without attention.
  public let attention: () -> String?
  /// How far each atom of its last step is from what was learned, 1 for the farthest that was; nil where it cannot tell.
  public let extrapolationGrades: (() -> [Double])?

  public init(
    potential: any Potential, species: Set<Int>, hash: String, hasCharges: Bool = false,
    timings: @escaping () -> [(part: String, seconds: Double)] = { [] },
    operations: @escaping () -> [String: Double] = { [:] },
    peakOperationsPerSecond: @escaping () -> Double? = { nil },
    attention: @escaping () -> String? = { nil },
    extrapolationGrades: (() -> [Double])? = nil
  ) {
    self.potential = potential
    self.species = species
    self.hash = hash
    self.hasCharges = hasCharges
    self.timings = timings
    self.operations = operations
    self.peakOperationsPerSecond = peakOperationsPerSecond
    self.attention = attention
    self.extrapolationGrades = extrapolationGrades
  }
}

extension ForceField {
  /// Its potential and these restraints as one.
  func potential(with restraints: [Restraint]) -> any Potential {
    restraints.isEmpty ? potential : RestrainedPotential(potential, restraints)
  }

  /// The LR-MACE model in the file `path`.
  /// - Throws: `FileError` if there is no such file, `HDF5Error` or `ModelError` if it is no model.
  public static func lrmace(
    path: String, precision: LRMACEPotential.Precision, threads: Int,
    attention: AttentionEvaluation = AttentionEvaluation(), dropsDeadPaths: Bool = true
  ) throws -> ForceField {
    guard FileManager.default.fileExists(atPath: path) else {
      throw FileError(
        file: path, "there is no such model", help: "give the path of an LR-MACE model file (.h5)")
    }
    let potential = try LRMACEPotential(
      modelPath: path, precision: precision, threads: threads, attention: attention,
      dropsDeadPaths: dropsDeadPaths)
    return ForceField(
      potential: potential, species: Set(potential.model.species), hash: potential.model.hash,
      hasCharges: potential.model.hasCharges,
      timings: {
        let timings = potential.timings
        return Timings.Part.allCases.map { ("\($0)", timings[$0]) }
      },
      operations: {
        let operations = potential.operations
        return Dictionary(
          uniqueKeysWithValues: Timings.Part.allCases.compactMap { part in
            operations[part].map { ("\(part)", $0) }
          })
      },
      peakOperationsPerSecond: { potential.peakOperationsPerSecond() },
      attention: {
        guard let plan = potential.attention else { return nil }
        return plan.method.rawValue
          + (plan.mesh.map { ", \($0.order) points at \($0.spacing) sigma" } ?? "")
      },
      extrapolationGrades: potential.model.domain == nil ? nil : { potential.extrapolationGrades() ?? [] })
  }

  /// The model that `deck` names.
  /// - Throws: `DeckError` at `model` if there is no such file; what reading it throws.
  public static func lrmace(_ deck: Deck) throws -> ForceField {
    guard FileManager.default.fileExists(atPath: deck.model) else {
      throw deck.error(
        at: "model", "there is no file \(deck.model)", help: "paths are relative to the folder of the deck")
    }
    return try lrmace(
      path: deck.model, precision: deck.precision.ofKernels, threads: deck.threadsOfForceField)
  }
}

extension Deck {
  /// Images of a band are evaluated side by side, a thread for each.
  fileprivate var threadsOfForceField: Int { band == nil ? threads : 1 }

  /// Force fields that are at work at once.
  var forceFieldCount: Int { band.map { min($0.images, threads) } ?? 1 }
}

extension Deck.Precision {
  /// The same for the force field.
  var ofKernels: LRMACEPotential.Precision {
    switch self {
    case .mixed: .mixed
    case .double: .double
    }
  }
}
