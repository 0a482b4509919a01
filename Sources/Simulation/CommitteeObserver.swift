// Watches how far the models of a committee are apart, tells of it, and ends a run that goes where they know nothing.

import Committee
import Deck
import Diagnostics
import Dynamics
import Foundation
import Lattice

/// The largest spread of the models' forces on an atom in a frame.
public struct Disagreement: Error, Sendable, Equatable {
  /// In eV/Angstrom.
  public let spread: Double
  /// From 1, as in a structure file.
  public let atom: Int
  public let atomicNumber: Int
  public let step: Int64

  /// Nil for an evaluation that was not a committee's.
  init?(_ evaluation: Evaluation, of system: AtomicSystem, step: Int64) {
    guard let spreads = evaluation.forceSpreads,
      let atom = spreads.indices.max(by: { spreads[$0] < spreads[$1] })
    else { return nil }
    spread = spreads[atom]
    self.atom = atom + 1
    atomicNumber = system.atomicNumbers[atom]
    self.step = step
  }

  /// `the models' forces on atom 3 (F) spread by 0.73 eV/Angstrom`
  var words: String {
    "the models' forces on atom \(atom) (\(Elements.symbol(atomicNumber) ?? "?")) spread by "
      + String(format: "%.3g eV/Angstrom", spread)
  }

  static let help =
    "label the frames where they are farthest apart and train with them; what follows may be invented"
}

/// Watches every logged frame of a run. It keeps nothing: a run that goes on tells again.
final class CommitteeObserver: Observer {
  let name = "committee"
  let interval: Int
  private let limits: Deck.Committee
  private let timestep: Double?
  private let events: EventHandler
  private(set) var farthest: Disagreement?
  private(set) var (frames, marked) = (0, 0)
  /// Beyond `committee.stop`.
  private(set) var reasonToStop: Disagreement?
  /// The next word is due beyond this.
  private var wordLimit: Double

  /// Nil for a run with one model.
  init?(_ deck: Deck, events: @escaping EventHandler) {
    guard deck.models.count > 1 else { return nil }
    limits = deck.committee
    interval = deck.logInterval
    timestep = deck.timestep
    self.events = events
    wordLimit = deck.committee.mark ?? .infinity
  }

  func observe(_ frame: Frame) throws {
    guard let found = Disagreement(frame.evaluation, of: frame.system, step: frame.step) else { return }
    frames += 1
    if found.spread > farthest?.spread ?? -1 { farthest = found }
    if let mark = limits.mark, found.spread > mark { marked += 1 }
    if let stop = limits.stop, found.spread > stop { reasonToStop = found }
    guard found.spread > wordLimit else { return }
    // Twice as far is worth another word.
    wordLimit = 2 * found.spread
    let time = timestep.map { String(format: " (%g ps)", Double(found.step) * $0 * 1e-3) } ?? ""
    try events(
      .warning(
        Diagnostic(
          severity: .warning, "\(found.words) at step \(found.step)\(time)", help: Disagreement.help)))
  }

  func state() throws -> StateTree? { nil }
  func close() throws {}

  /// For the end of a run; nil where no frame was seen.
  var summary: String? {
    farthest.map {
      let share = limits.mark == nil ? "" : "; \(marked) of \(frames) logged frames are marked"
      return $0.words.prefix(1).uppercased() + $0.words.dropFirst() + " at most (step \($0.step))\(share)."
    }
  }
}
