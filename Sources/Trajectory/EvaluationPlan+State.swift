// The plan of a run's evaluations in a checkpoint.

import Lattice

extension EvaluationPlan {
  public var state: StateTree {
    var state: StateTree = [
      "cell": cell.state, "positions": .vectors(positions),
      "choices": .group(StateTree(choices.mapValues(StateTree.Value.text))),
    ]
    if !members.isEmpty {
      let named = members.enumerated().map { (Self.name(ofMember: $0), StateTree.Value.group($1.state)) }
      state.values["members"] = .group(StateTree(Dictionary(uniqueKeysWithValues: named)))
    }
    return state
  }

  private static func name(ofMember index: Int) -> String { "member_\(index + 1)" }

  /// The plan of a run of `system`; nil where its potential makes none.
  /// - Throws: `StateError`.
  public init?(_ state: StateTree, of system: AtomicSystem) throws {
    guard !state.values.isEmpty else { return nil }
    let hasMembers = state.values["members"] != nil
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
      let members = try hasMembers ? Self.members(in: state.group("members"), of: system) : []
      return try EvaluationPlan(
        cell: cell, positions: state.vectors("positions", count: system.count), choices: texts,
        members: members)
    }
  }

  private static func members(in state: StateTree, of system: AtomicSystem) throws -> [EvaluationPlan] {
    try StateError.inside("members") {
      try state.read { state in
        var members: [EvaluationPlan] = []
        for index in 0..<state.unreadCount {
          let name = Self.name(ofMember: index)
          let plan = try state.group(name)
          try StateError.inside(name) {
            if let member = try EvaluationPlan(plan, of: system) { members.append(member) }
          }
        }
        return members
      }
    }
  }
}
