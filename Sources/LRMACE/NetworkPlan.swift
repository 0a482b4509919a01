// What a network has settled on for a system, and the words that a plan keeps of it.

import Lattice
import Reciprocal

struct NetworkPlan: Equatable {
  /// Nil for a model without attention.
  var attention: AttentionPlan?
  /// Whether the first layer forms its messages by tables of pairs of elements.
  var takesPairs: Bool
  /// Ranks that share the columns of a mesh: its transforms are for their shares.
  var ranks: Int

  private enum Name {
    static let attention = "attention"
    static let order = "mesh_order"
    static let spacing = "mesh_spacing"
    static let wisdom = "fftw_wisdom"
    static let firstLayer = "first_layer"
    static let ranks = "ranks"
  }
  private static let (pairs, species) = ("pairs", "species")

  init(attention: AttentionPlan?, takesPairs: Bool, ranks: Int) {
    (self.attention, self.takesPairs, self.ranks) = (attention, takesPairs, ranks)
  }

  /// Read back exactly.
  var choices: [String: String] {
    var choices: [String: String] = [:]
    choices[Name.attention] = attention?.method.rawValue
    if let mesh = attention?.mesh {
      choices[Name.order] = "\(mesh.order)"
      choices[Name.spacing] = "\(mesh.spacing)"
    }
    choices[Name.wisdom] = attention?.wisdom
    choices[Name.firstLayer] = takesPairs ? Self.pairs : Self.species
    if ranks > 1 { choices[Name.ranks] = "\(ranks)" }
    return choices
  }

  /// - Parameters:
  ///   - attends: whether the network has an attention to choose for.
  ///   - ranks: those that will follow the plan; other ones choose their own transforms.
  /// - Throws: `PlanError` for what no network can have settled on.
  init(_ plan: EvaluationPlan, attends: Bool, ranks: Int) throws {
    self.ranks = ranks
    var choices = plan.choices
    if attends {
      guard let method = choices.removeValue(forKey: Name.attention).flatMap(AttentionMethod.init) else {
        throw PlanError("it does not say how to evaluate the attention")
      }
      var mesh: MeshResolution?
      if method == .mesh {
        let (order, spacing) = (
          choices.removeValue(forKey: Name.order).flatMap { Int($0) },
          choices.removeValue(forKey: Name.spacing).flatMap { Double($0) }
        )
        guard let order, MeshResolution.orders.contains(order), let spacing,
          MeshResolution.spacings.contains(spacing)
        else { throw PlanError("there is no such mesh") }
        mesh = MeshResolution(order: order, spacing: spacing)
      }
      attention = AttentionPlan(
        method: method, mesh: mesh, cell: plan.cell, positions: plan.positions,
        wisdom: method == .mesh ? choices.removeValue(forKey: Name.wisdom) : nil)
    }
    switch choices.removeValue(forKey: Name.firstLayer) {
    case Self.pairs: takesPairs = true
    case Self.species: takesPairs = false
    default: throw PlanError("it does not say how the first layer forms its messages")
    }
    if choices.removeValue(forKey: Name.ranks) ?? "1" != "\(ranks)" { attention?.wisdom = nil }
    guard let unknown = choices.keys.sorted().first else { return }
    throw PlanError("this potential has no choice of \(unknown)")
  }
}
