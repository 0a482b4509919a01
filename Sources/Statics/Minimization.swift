// Atoms, and if need be their cell, on the way to the nearest configuration without forces.

import Dynamics
import Foundation
import Lattice

/// A search for a minimum of the potential energy, or at a given pressure of the enthalpy.
///
///     var motion = Minimization(system, by: .lbfgs, in: potential, tolerance: 0.01, steps: 1000)
///     try motion.prepare()
///     while !motion.isFinished { try motion.advance() }
public struct Minimization: Motion {
  public private(set) var system: AtomicSystem
  /// No force on an atom that may move is larger in the end, in eV/Angstrom.
  public let tolerance: Double
  /// The last step, whether the forces are small by then or not.
  public let steps: Int64
  /// Nil for a cell that stays.
  public let cell: CellRelaxation?
  public private(set) var completedSteps: Int64 = 0
  private var minimizer: any Minimizer
  /// L of the cell's coordinates in Angstrom, of the first cell as long as a run lasts; 0 without them.
  private var scale: Double
  private let potential: any Potential
  private var evaluation: Evaluation

  /// Structures to be minimised may begin with atoms far too close.
  private static let limits = StabilityLimits(force: 1e6)

  /// - Parameters:
  ///   - largestStep: of an atom, in Angstrom.
  ///   - plan: by which the run evaluated its forces, where it goes on; nil makes one.
  public init(
    _ system: AtomicSystem, by method: MinimizerMethod, largestStep: Double = 0.2,
    in potential: any Potential,
    tolerance: Double, steps: Int64, cell: CellRelaxation? = nil, plan: EvaluationPlan? = nil
  ) {
    self.system = system
    self.system.velocities = Array(repeating: .zero, count: system.count)
    minimizer = method.minimizer(largestStep: largestStep)
    scale = cell == nil ? 0 : CellRelaxation.scale(of: system, largestStep: largestStep)
    self.potential = potential
    self.tolerance = tolerance
    self.steps = steps
    self.cell = cell
    evaluation = Evaluation(plan: plan)
  }

  // MARK: - Forces

  private var largestForce: Double { evaluation.largestForce(of: system) }
  private var largestExcess: Double { cell?.largestExcess(evaluation.stress) ?? 0 }

  public var isConverged: Bool {
    !evaluation.forces.isEmpty && largestForce <= tolerance && largestExcess <= cell?.tolerance ?? 0
  }
  public var isFinished: Bool { isConverged || completedSteps >= steps }

  public var goal: Goal? {
    var words = String(format: "largest force %.3g eV/Angstrom (asked for %g)", largestForce, tolerance)
    if let cell {
      words += String(
        format: ", stress off by %.3g bar (asked for %g)", largestExcess * Units.bar,
        cell.tolerance * Units.bar)
    }
    return Goal(isReached: isConverged, words: words)
  }

  public var frame: Frame {
    Frame(
      step: completedSteps, system: system, evaluation: evaluation, degreesOfFreedom: 0,
      quantities: ["largest_force": largestForce])
  }

  // MARK: - Steps

  public mutating func prepare() throws { try evaluate() }

  public mutating func advance() throws {
    let forces = evaluation.freeForces(of: system)
    guard let cell else {
      move(minimizer.displacement(for: forces)[...])
      completedSteps += 1
      return try evaluate()
    }
    let force = cell.excess(evaluation.stress) * (-system.cell.volume / scale)
    let step = minimizer.displacement(for: forces + [force.x, force.y, force.z])
    let rows = step.suffix(3).map { $0 / scale }
    move(step.dropLast(3))
    system.strain(by: Matrix3(rows[0], rows[1], rows[2]))
    completedSteps += 1
    let volume = system.cell.volume / Double(system.count)
    guard volume >= Self.limits.volumePerAtom else {
      throw StaticsError.cellCollapsed(
        step: completedSteps, volumePerAtom: volume, limit: Self.limits.volumePerAtom)
    }
    try evaluate()
  }

  private mutating func move(_ step: ArraySlice<Vector3>) {
    for (atom, u) in zip(system.positions.indices, step) { system.positions[atom] += u }
  }

  private mutating func evaluate() throws {
    try potential.evaluate(system, into: &evaluation)
    try Self.limits.check(evaluation, step: nil)
  }

  // MARK: - State

  public var state: StateTree { ["minimizer": .group(minimizer.state), "cell_scale": .numbers([scale])] }

  public mutating func restore(_ state: StateTree, at step: Int64) throws {
    try state.read { state in
      let count = system.count + (cell == nil ? 0 : 3)
      let saved = try state.group("minimizer")
      try StateError.inside("minimizer") { try minimizer.restore(saved, count: count) }
      scale = try state.number("cell_scale")
      guard cell == nil || scale > 1e-3 else { throw StateError("cell_scale", "holds \(scale)") }
    }
    completedSteps = step
  }
}

extension Evaluation {
  /// Along the axes along which each atom may move, in eV/Angstrom.
  public func freeForces(of system: AtomicSystem) -> [Vector3] {
    zip(forces, system.moveMask).map { $0 * $1 }
  }

  /// The largest of them.
  public func largestForce(of system: AtomicSystem) -> Double {
    freeForces(of: system).map(length).max() ?? 0
  }
}
