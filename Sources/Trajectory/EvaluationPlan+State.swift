// The plan of a run's evaluations in a checkpoint.

import Lattice

extension EvaluationPlan {
  public var state: StateTree {
    [
      "cell": cell.state, "positions": .vectors(positions),
      "choices": .group(StateTree(choices.mapValues(StateTree.Value.text))),
    ]
  }

  /// The plan of a run of `system`; nil where its potential makes none.
  /// - Throws: `StateError`.
  public init?(_ state: StateTree, of system: AtomicSystem) throws {
    guard !state.values.isEmpty else { return nil }
    self = try state.read { state in
      let cell = try state.cell("cell", isPeriodic: system.cell.isPeriodic)
      let choices = try state.group("choices")
      let texts = try StateError.inside("choices") {
        try choices.read { choices in
          try choices.rest().mapValues { value in
            guard case .text(let text) = value else { throw StateError("", "holds no texts alone") }
            return text
          }
        }
      }
      return try EvaluationPlan(
        cell: cell, positions: state.vectors("positions", count: system.count), choices: texts)
    }
  }
}
