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
    let last = try end(of: final, from: first)
    let path =
      switch band.interpolation {
      case .linear: InitialPath.linear(from: first.positions, to: last, images: band.images)
      case .idpp: InitialPath.idpp(from: first.positions, to: last, images: band.images, of: first)
      }
    return self.band(
      path.map { positions in
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
    guard case .endIsNoMinimum(let isFirst, let force, let limit) = error else { return nil }
    return self.error(
      at: isFirst ? "structure" : "neb.final",
      "no minimum: its largest force is " + String(format: "%.3g eV/Angstrom, the limit %g", force, limit),
      help: "minimise it first (`\(Release.command) minimize`), with the same model and fixed atoms")
  }

  private func band(
    _ images: [AtomicSystem], in potentials: [any Potential], plan: EvaluationPlan? = nil
  ) -> NudgedElasticBand? {
    guard let band else { return nil }
    var settings = NudgedElasticBand.Settings()
    settings.spring = band.spring
    settings.climbs = band.climbs
    settings.tolerance = band.force
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
    let last = zip(first.positions, final.positions).map { $0 + first.cell.nearestImage($1 - $0) }
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
