// The plan of a run's evaluations in a checkpoint. What is read is held against what cells can be; vectors have been, with
// those of other parts.

import Lattice

extension EvaluationPlan {
  public var state: StateTree {
    [
      "cell": .vectors((0..<3).map { cell.vectors[$0] }), "positions": .vectors(positions),
      "choices": .group(StateTree(choices.mapValues(StateTree.Value.text))),
    ]
  }

  /// The plan of a run of `system`; nil where its potential makes none.
  /// - Throws: `StateError`.
  public init?(_ state: StateTree, of system: AtomicSystem) throws {
    guard !state.values.isEmpty else { return nil }
    self = try state.read { state in
      let rows = try state.vectors("cell", count: 3)
      let vectors = Matrix3(rows[0], rows[1], rows[2])
      if let flaw = Plausibility.flaw(ofCell: vectors) { throw StateError("cell", flaw) }
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
        cell: Cell(vectors: vectors, isPeriodic: system.cell.isPeriodic),
        positions: state.vectors("positions", count: system.count), choices: texts)
    }
  }
}
