// A potential, with what a run must know of it beside forces.

import Committee
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
  /// Models of which it is made: the spread of their forces is known of more than one.
  public let memberCount: Int
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
  /// The ranks that evaluate it together; nil in one process.
  private(set) var ranks: Ranks?

  struct Ranks {
    let count: Int
    /// Of the last step, in words.
    let bricks: () -> String?
    /// What every rank says of itself.
    let reports: () -> [RankReport]
  }

  public init(
    potential: any Potential, species: Set<Int>, hash: String, memberCount: Int = 1, hasCharges: Bool = false,
    timings: @escaping () -> [(part: String, seconds: Double)] = { [] },
    operations: @escaping () -> [String: Double] = { [:] },
    peakOperationsPerSecond: @escaping () -> Double? = { nil },
    attention: @escaping () -> String? = { nil },
    extrapolationGrades: (() -> [Double])? = nil
  ) {
    self.potential = potential
    self.species = species
    self.hash = hash
    self.memberCount = memberCount
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
  /// - Parameters:
  ///   - team: the ranks that evaluate it together; nil for this process alone.
  ///   - grid: their bricks.
  /// - Throws: `FileError` if there is no such file, `HDF5Error` or `ModelError` if it is no model, `UsageError` for bricks
  ///   that are not as many as the ranks.
  public static func lrmace(
    path: String, precision: LRMACEPotential.Precision, threads: Int,
    attention: AttentionEvaluation = AttentionEvaluation(), dropsDeadPaths: Bool = true,
    on team: RankTeam? = nil, grid: BrickChoice = .auto
  ) throws -> ForceField {
    if let mistake = grid.mistake(on: team) {
      throw UsageError(message: "--grid \(grid): \(mistake.message)", help: mistake.help)
    }
    guard FileManager.default.fileExists(atPath: path) else {
      throw FileError(
        file: path, "there is no such model", help: "give the path of an LR-MACE model file (.h5)")
    }
    let led = try team.map {
      try LedPotential(
        leading: $0, path: path, precision: precision, threads: threads, attention: attention,
        dropsDeadPaths: dropsDeadPaths, grid: grid.counts)
    }
    let potential =
      try led?.potential
      ?? LRMACEPotential(
        modelPath: path, precision: precision, threads: threads, attention: attention,
        dropsDeadPaths: dropsDeadPaths)
    var forceField = ForceField(
      potential: led ?? potential, species: Set(potential.model.species), hash: potential.model.hash,
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
      extrapolationGrades: potential.model.domain == nil
        ? nil : { led?.extrapolationGrades() ?? potential.extrapolationGrades() ?? [] })
    forceField.ranks = team.map { team in
      Ranks(count: team.size, bricks: { potential.bricksInWords }, reports: { team.reports() })
    }
    return forceField
  }

  /// The models that `deck` names, as one.
  public static func lrmace(_ deck: Deck) throws -> ForceField { try lrmace(deck, on: nil) }

  /// The models that `deck` names, as one, on the ranks of a team.
  /// - Throws: `DeckError` at `model` if there is no such file, and at `grid` for bricks that are not as many as the ranks;
  ///   what reading the file throws.
  public static func lrmace(_ deck: Deck, on team: RankTeam?) throws -> ForceField {
    if let mistake = deck.grid.mistake(on: team) {
      throw deck.error(at: "grid", mistake.message, help: mistake.help)
    }
    return try committee(
      of: deck.models.map { model in
        guard FileManager.default.fileExists(atPath: model) else {
          throw deck.error(
            at: "model", "there is no file \(model)", help: "paths are relative to the folder of the deck")
        }
        return try lrmace(
          path: model, precision: deck.precision.ofKernels,
          threads: team == nil ? deck.threadsOfForceField : deck.threads,
          on: team, grid: deck.grid)
      })
  }

  /// Several as one, whose forces are their mean; one alone is itself.
  /// - Precondition: there is one.
  public static func committee(of members: [ForceField]) -> ForceField {
    guard let first = members.first, members.count > 1 else { return members[0] }
    let areAllGraded = members.allSatisfy { $0.extrapolationGrades != nil }
    var forceField = ForceField(
      potential: CommitteePotential(members.map(\.potential)),
      species: members.reduce(first.species) { $0.intersection($1.species) },
      hash: members.map(\.hash).joined(separator: ","), memberCount: members.count,
      hasCharges: members.allSatisfy(\.hasCharges),
      timings: {
        members.dropFirst().reduce(first.timings()) { sums, member in
          zip(sums, member.timings()).map { ($0.part, $0.seconds + $1.seconds) }
        }
      },
      operations: {
        members.dropFirst().reduce(first.operations()) { $0.merging($1.operations(), uniquingKeysWith: +) }
      },
      peakOperationsPerSecond: first.peakOperationsPerSecond, attention: first.attention,
      extrapolationGrades: areAllGraded
        ? {
          members.reduce([]) { farthest, member in
            let grades = member.extrapolationGrades?() ?? []
            return farthest.isEmpty ? grades : zip(farthest, grades).map { max($0, $1) }
          }
        } : nil)
    forceField.ranks = first.ranks
    return forceField
  }
}

extension LRMACEPotential {
  /// Nil in one process.
  fileprivate var bricksInWords: String? {
    guard let (counts, thickness, least) = bricks else { return nil }
    func text(_ length: Double) -> String { String(format: "%.1f", length) }
    let ranks = counts.x * counts.y * counts.z
    return "\(ranks) ranks, bricks \(counts.x) x \(counts.y) x \(counts.z), the thinnest "
      + "\(text(thickness.x)) x \(text(thickness.y)) x \(text(thickness.z)) Angstrom, "
      + "where cut at least \(text(least))"
  }
}

extension BrickChoice {
  /// Why it does not fit so many ranks, and how to mend it; nil where it does.
  fileprivate func mistake(on team: RankTeam?) -> (message: String, help: String)? {
    let ranks = team?.size ?? 1
    guard let counts else { return nil }
    let bricks = counts.x * counts.y * counts.z
    guard bricks != ranks else { return nil }
    return (
      "\(bricks) bricks need \(bricks) ranks, there \(ranks == 1 ? "is 1" : "are \(ranks)")",
      "start Bloch by `mpirun -n \(bricks)`, or let it choose the bricks: `grid: auto`, on a command line `--grid auto`"
    )
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
