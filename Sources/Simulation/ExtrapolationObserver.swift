// Tells a run that it leaves what its model has learned: what follows may be chemistry that the model invents.
//
// Grades are those of Model.TrainingDomain, 1 for the farthest atom of the training data.

import Deck
import Diagnostics
import Dynamics
import Foundation
import Lattice

/// The atom farthest from the training data in the frames that were seen.
public struct Extrapolation: Sendable, Equatable {
  public let grade: Double
  /// From 1, as in a structure file.
  public let atom: Int
  public let atomicNumber: Int
  public let step: Int64

  /// More than this is worth a word: held-out frames of the training's own kind stay below.
  public static let limit = 1.5

  /// The farthest atom of a frame; nil for no atoms.
  init?(_ grades: [Double], of system: AtomicSystem, step: Int64) {
    guard let atom = grades.indices.max(by: { grades[$0] < grades[$1] }) else { return nil }
    self.grade = grades[atom]
    self.atom = atom + 1
    atomicNumber = system.atomicNumbers[atom]
    self.step = step
  }

  /// `atom 3 (F) was 1.84 times as far from the training data as any atom there`.
  var words: String {
    let name = "atom \(atom) (\(Elements.symbol(atomicNumber) ?? "?"))"
    return grade.isFinite
      ? name
        + String(format: " was %.2f times as far from the training data as the farthest atom there", grade)
      : name + " is of an element that the training data do not have"
  }
}

/// Speaks of the first atom that is far from the training data, and again of one that is twice as far.
struct ExtrapolationAlarm {
  private var limit = Extrapolation.limit

  /// - Parameter place: where it was found.
  mutating func warning(_ found: Extrapolation, _ place: String) -> Diagnostic? {
    guard found.grade > limit else { return nil }
    limit = 2 * found.grade
    return Diagnostic(
      severity: .warning, "\(found.words) \(place)",
      help:
        "what follows may be invented: compare with reference calculations, or train with frames like this one"
    )
  }
}

/// Watches every logged frame of a run. It keeps nothing: a run that goes on tells again.
final class ExtrapolationObserver: Observer {
  let name = "extrapolation"
  let interval: Int
  private let timestep: Double?
  private let grades: () -> [Double]
  private let events: EventHandler
  private(set) var farthest: Extrapolation?
  private var alarm = ExtrapolationAlarm()

  /// Nil for a force field that cannot tell.
  init?(_ forceField: ForceField, deck: Deck, events: @escaping EventHandler) {
    guard let grades = forceField.extrapolationGrades else { return nil }
    self.grades = grades
    self.events = events
    interval = deck.logInterval
    timestep = deck.timestep
  }

  func observe(_ frame: Frame) throws {
    guard let found = Extrapolation(grades(), of: frame.system, step: frame.step) else { return }
    if found.grade > farthest?.grade ?? 0 { farthest = found }
    let time = timestep.map { String(format: " (%g ps)", Double(found.step) * $0 * 1e-3) } ?? ""
    if let warning = alarm.warning(found, "at step \(found.step)\(time)") { try events(.warning(warning)) }
  }

  func state() throws -> StateTree? { nil }
  func close() throws {}
}
