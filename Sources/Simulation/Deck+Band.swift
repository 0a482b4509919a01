// From the two ends that a deck names to a first path between them.

import Deck
import Diagnostics
import Foundation
import Lattice
import Statics
import Trajectory

extension Deck {
  /// The band of a deck that has one, from `first` to the structure where it ends, on its first path.
  /// - Throws: `DeckError` at `neb.final` for a structure that is missing or has other atoms, `StructureError` for what it
  ///   holds.
  func makeBand(from first: AtomicSystem, in potentials: [any Potential]) throws -> NudgedElasticBand? {
    guard let band else { return nil }
    let final = try readStructure(band.final, frame: band.finalFrame, at: "neb.final").system.replicated(
      replicate)
    return self.band(
      band.path(from: first, to: try end(of: final, from: first)).map { positions in
        var image = first
        image.positions = positions
        return image
      }, in: potentials)
  }

  /// The band of a run that goes on: its images are those of its state.
  func makeBand(
    restoredInto system: AtomicSystem, in potentials: [any Potential], plan: EvaluationPlan?
  ) -> NudgedElasticBand? {
    band.flatMap { band in
      self.band(Array(repeating: system, count: band.images + 2), in: potentials, plan: plan)
    }
  }

  /// The mistake of the deck that a band refuses; nil for other errors.
  func refusal(of error: StaticsError) -> DeckError? {
    switch error {
    case .endIsNoMinimum(let isFirst, let force, let limit):
      self.error(
        at: isFirst ? "structure" : "neb.final",
        (band?.minimizesEnds == true ? "it does not come to a minimum" : "no minimum")
          + String(format: ": its largest force is %.3g eV/Angstrom, the limit %g", force, limit),
        help: "minimise it first (`\(Release.command) minimize`), with the same model and fixed atoms")
    case .endsAreOne:
      self.error(
        at: "neb.final", "minimised, it is the configuration of `structure`: there is no path between them",
        help:
          "name structures nearer to their minima, and see where each goes (`\(Release.command) minimize`)")
    case .cellCollapsed: nil
    }
  }

  private func band(
    _ images: [AtomicSystem], in potentials: [any Potential], plan: EvaluationPlan? = nil
  ) -> NudgedElasticBand? {
    guard let band else { return nil }
    var settings = NudgedElasticBand.Settings()
    settings.spring = band.spring
    settings.climbs = band.climbs
    settings.tolerance = band.force
    settings.minimizesEnds = band.minimizesEnds
    settings.method = band.algorithm.ofStatics
    settings.largestStep = band.largestStep
    return NudgedElasticBand(images, in: potentials, settings: settings, steps: Int64(steps), plan: plan)
  }

  /// Positions of `final`, each at the image that is nearest to the atom's place in `first`: files are often wrapped.
  private func end(of final: AtomicSystem, from first: AtomicSystem) throws -> [Vector3] {
    guard final.atomicNumbers == first.atomicNumbers else {
      throw error(
        at: "neb.final", "its atoms are not those of `structure`",
        help:
          "both have the same elements in the same order: one atom goes from its place in one to that in the other"
      )
    }
    let difference = final.cell.vectors - first.cell.vectors
    guard final.cell.isPeriodic == first.cell.isPeriodic,
      !first.cell.hasPeriodicAxis || doubleDot(difference, difference).squareRoot() < 1e-4
    else {
      throw error(
        at: "neb.final", "its cell is not that of `structure`", help: "the cell of a band does not change")
    }
    // Lattice vectors are taken off: what lies near already stays as it is, to the last bit.
    let last = zip(first.positions, final.positions).map { from, to in
      let step = to - from
      return to - (step - first.cell.nearestImage(step))
    }
    let held = first.moveMask.map { 1 - $0 }
    for atom in last.indices where length((last[atom] - first.positions[atom]) * held[atom]) > 1e-3 {
      throw error(
        at: "neb.final", "atom \(atom + 1), which is fixed, is at another place than in `structure`",
        help: "let it go, or minimise both ends with the same fixed atoms")
    }
    guard zip(last, first.positions).contains(where: { length($0 - $1) > 1e-3 }) else {
      throw error(
        at: "neb.final", "it is the configuration of `structure`", help: "name the other end of the path")
    }
    // Fixed atoms are at one place, to the last bit.
    return last.indices.map {
      last[$0].replacing(with: first.positions[$0], where: first.moveMask[$0] .== 0)
    }
  }
}

extension Deck.Band {
  /// Positions of a first path's images and of both its ends.
  func path(from first: AtomicSystem, to last: [Vector3]) -> [[Vector3]] {
    switch interpolation {
    case .linear: InitialPath.linear(from: first.positions, to: last, images: images)
    case .idpp: InitialPath.idpp(from: first.positions, to: last, images: images, of: first)
    }
  }
}

// MARK: - Ends

extension Simulation {
  /// Brings the ends of a band to rest where the deck lets it, and tells what that came to.
  /// - Returns: whether there is a band to begin with, or an interruption came before.
  /// - Throws: `DeckError` for ends that do not come to rest, or to one minimum both.
  mutating func minimizeEnds(until interruption: () -> String?) throws -> Bool {
    guard var band = motion as? NudgedElasticBand, let keys = deck.band, keys.minimizesEnds else {
      return true
    }
    let ends = try numerically {
      do {
        return try band.minimizeEnds(path: keys.path, isInterrupted: { interruption() != nil })
      } catch let error as StaticsError { throw deck.refusal(of: error) ?? error }
    }
    guard let ends else {
      try events(
        .result(
          "Interrupted by \(interruption() ?? "a signal") while the ends were minimised: no band has begun, and nothing is kept."
        ))
      return false
    }
    for end in ends {
      try events(
        .note(
          "The \(end.isFirst ? "first" : "last") end was no minimum. Minimised in \(end.steps) steps: "
            + String(
              format:
                "largest force %.3g -> %.3g eV/Angstrom, energy by %.4f eV, atoms by up to %.3f Angstrom.",
              end.forces.before, end.forces.after, end.energyChange, end.displacement)))
    }
    motion = band
    return true
  }
}
