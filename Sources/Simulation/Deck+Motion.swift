// From the words of a deck to what moves its system.

import Deck
import Dynamics
import Lattice
import Statics

extension Deck {
  /// What moves `system`.
  /// - Parameter plan: by which the run evaluated its forces, where it goes on; nil makes one.
  /// - Throws: `DeckError` at the key that the motion refuses, or at the one that leaves it nothing to do.
  func makeMotion(
    of system: AtomicSystem, in potential: any Potential, plan: EvaluationPlan? = nil
  ) throws -> any Motion {
    guard let minimization else {
      if driftInterval != nil, !system.hasCenterOfMassMotion {
        throw error(
          at: "remove_drift",
          system.count == 1
            ? "one atom alone has no motion but that of the whole"
            : "fixed atoms hold the others: the whole does not drift",
          help: "leave `remove_drift` out")
      }
      return MolecularDynamics(
        system, by: try makeIntegrator(for: system), in: potential, steps: Int64(steps),
        driftInterval: driftInterval.map(Int64.init), plan: plan)
    }
    try requireStress(of: system)
    return Statics.Minimization(
      system, by: minimization.algorithm.ofStatics, largestStep: minimization.largestStep, in: potential,
      tolerance: minimization.force, steps: Int64(steps), cell: minimization.cell?.ofStatics, plan: plan)
  }

  /// - Throws: `DeckError` at `minimize.cell` where there is no stress by which to relax the cell.
  private func requireStress(of system: AtomicSystem) throws {
    guard let cell = minimization?.cell else { return }
    guard system.cell.isFullyPeriodic else {
      throw error(
        at: "minimize.cell",
        "there is no stress in a structure that is not periodic along all three lattice vectors",
        help: "write `cell: fixed`, or give the structure a cell")
    }
    guard !cell.components.isEmpty else {
      throw error(
        at: "minimize.components", "no component of the cell is left to relax",
        help: "name some, or write `cell: fixed`")
    }
  }
}

extension Deck.MinimizerType {
  var ofStatics: MinimizerMethod {
    switch self {
    case .fire: .fire
    case .lbfgs: .lbfgs
    }
  }
}

extension Deck.Minimization.Cell {
  fileprivate var ofStatics: Statics.CellRelaxation {
    .init(
      coupling: coupling.ofDynamics(components), pressure: Matrix3(voigt: pressure), tolerance: tolerance)
  }
}
