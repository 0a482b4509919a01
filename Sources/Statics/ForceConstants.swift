// Second derivatives of the energy by finite differences of the forces, one displaced configuration at a time:
//
//   H_ij = - (F_j(r_i + h) - F_j(r_i - h)) / 2h,  made symmetric
//
// of the coordinates that may change. All configurations follow the plan of the one at rest, so that what is done depends on nothing
// but how much of it is done: it may stop between two displacements and go on from `state`.

import Dynamics
import Lattice

public struct ForceConstants {
  public let system: AtomicSystem
  /// h in Angstrom.
  public let displacement: Double
  /// Coordinates that may change.
  let free: [AtomicSystem.Coordinate]
  /// Displaced configurations that were evaluated, and all of them.
  public private(set) var done = 0
  public var total: Int { 2 * size }
  /// Of the last configuration.
  public private(set) var evaluation: Evaluation
  private let potential: any Potential
  /// H as far as it has come, [n][n] of the coordinates that may change, in eV/Angstrom^2.
  private var rows: [Double]

  private var size: Int { free.count }
  public var isComplete: Bool { done >= total }

  /// - Parameter plan: by which the forces were evaluated, where it goes on; nil makes one.
  public init(
    of system: AtomicSystem, in potential: any Potential, displacement: Double, plan: EvaluationPlan? = nil
  ) {
    (self.system, self.potential, self.displacement) = (system, potential, displacement)
    free = system.freeCoordinates
    evaluation = Evaluation(plan: plan)
    rows = Array(repeating: 0, count: free.count * free.count)
  }

  /// Evaluates the configuration at rest.
  public mutating func prepare() throws { try potential.evaluate(system, into: &evaluation) }

  /// Evaluates the next displaced configuration.
  /// - Precondition: there is one.
  /// - Throws: what the potential throws; `DynamicsError` for numbers without sense.
  public mutating func advance() throws {
    precondition(!isComplete)
    let (row, sign) = (done / 2, done.isMultiple(of: 2) ? 1.0 : -1)
    var moved = system
    moved.positions[free[row].atom][free[row].axis] += sign * displacement
    try potential.evaluate(moved, into: &evaluation)
    try StabilityLimits().check(evaluation, step: nil)
    for (column, (atom, axis)) in free.enumerated() {
      rows[row * size + column] -= sign * evaluation.forces[atom][axis] / (2 * displacement)
    }
    done += 1
  }

  /// H, row by row, symmetric.
  var hessian: [[Double]] {
    (0..<size).map { i in
      (0..<size).map { j in i == j ? rows[i * size + i] : (rows[i * size + j] + rows[j * size + i]) / 2 }
    }
  }

  // MARK: - State

  public var state: StateTree {
    ["rows": .numbers(rows), "displacement": .numbers([displacement])]
  }

  /// Goes on after `done` displacements of the same system.
  /// - Throws: `StateError`.
  public mutating func restore(_ state: StateTree, done: Int) throws {
    rows = try state.read { state in
      guard try state.number("displacement") == displacement else {
        throw StateError("displacement", "is not that of the deck")
      }
      return try state.numbers("rows", count: size * size)
    }
    guard (0...total).contains(done) else {
      throw StateError("rows", "hold \(done) of \(total) displacements")
    }
    self.done = done
  }
}
