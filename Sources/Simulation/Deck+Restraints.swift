// From the restraints of a deck to those of a system.

import Deck
import Foundation
import Lattice
import Restraints

extension Deck {
  /// The restraints on `system`, positions being held where they are there.
  /// - Throws: `DeckError` at `restraints` for an atom that is not there, or a distance that the cell does not know.
  func makeRestraints(on system: AtomicSystem) throws -> [Restraints.Restraint] {
    try restraints.map { restraint in
      if let most = restraint.atoms.map(\.upperBound).max(), most > system.count {
        throw error(
          at: "restraints", "`\(restraint.name)` names atom \(most), which is not there",
          help: "there are \(system.count) atoms")
      }
      let atoms = restraint.atomNumbers.map { $0 - 1 }
      let target: Restraints.Restraint.Target =
        switch restraint.type {
        case .distance: .coordinate(.distance(atoms[0], atoms[1]))
        case .distanceDifference: .coordinate(.distanceDifference(atoms[0], atoms[1], atoms[2], atoms[3]))
        case .angle: .coordinate(.angle(atoms[0], atoms[1], atoms[2]))
        case .position: .points(PointSet(atoms, in: system))
        }
      if restraint.type == .distance, let reach = system.cell.reach, restraint.largestCenter >= reach {
        throw error(
          at: "restraints",
          "`\(restraint.name)` asks for \(restraint.largestCenter) Angstrom, further than half the cell "
            + String(format: "(%.3f Angstrom)", reach),
          help: "distances are those of nearest images; take a larger cell (`replicate`)")
      }
      return Restraints.Restraint(
        name: restraint.name, target: target, profile: restraint.profile.ofRestraints,
        stiffness: restraint.stiffness)
    }
  }

  /// What a run with restraints follows beside all else.
  var restraintObservables: [Observable] {
    guard !restraints.isEmpty else { return [] }
    return [Observable(RestrainedPotential.energyName, unit: "eV")]
      + restraints.flatMap { restraint in
        let (unit, factor) = restraint.type == .angle ? ("deg", 180 / Double.pi) : ("Angstrom", 1)
        let value = Observable(restraint.name, unit: unit, factor: factor)
        guard case .moving = restraint.profile else { return [value] }
        return [
          value, Observable(restraint.name + Restraints.Restraint.centerSuffix, unit: unit, factor: factor),
        ]
      }
  }
}

extension Cell {
  /// Half the least distance between opposite faces, up to which the nearest image of an atom is the one that is meant; nil
  /// without a periodic axis.
  fileprivate var reach: Double? {
    let heights = heights
    return (0..<3).filter { isPeriodic[$0] }.map { heights[$0] / 2 }.min()
  }
}

extension Deck.Restraint {
  /// In Angstrom; 0 without one.
  fileprivate var largestCenter: Double {
    switch profile {
    case .harmonic(let center): center
    case .flat(let lower, let upper): max(lower ?? 0, upper ?? 0)
    case .moving(let from, let to, _): max(from, to)
    }
  }
}

extension Deck.Restraint.Profile {
  fileprivate var ofRestraints: Restraints.Profile {
    switch self {
    case .harmonic(let center): .harmonic(center: center)
    case .flat(let lower, let upper): .flat(lower: lower ?? -.infinity, upper: upper ?? .infinity)
    case .moving(let from, let to, let steps): .moving(from: from, to: to, steps: Int64(steps))
    }
  }
}
