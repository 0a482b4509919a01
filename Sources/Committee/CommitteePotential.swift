// Several force fields as one: their mean, and how far they are apart.
//   F_i = <F_i,m>,   spread_i = sqrt <|F_i,m - F_i|^2>,   < > the mean over the members m,
// the "model deviation" of DP-GEN and DeePMD-kit (Zhang et al., 10.1103/PhysRevMaterials.3.023804): where models that were
// trained on the same data from different beginnings disagree, none of them has learned the answer.

import Lattice

/// The mean of energies, forces, stress and charges of its members, which are evaluated one after the other, each by its own plan.
///
/// `Evaluation.forceSpreads` has the spread of every atom's force, and `Evaluation.quantities` the largest of them and the
/// standard deviation of the energy.
public final class CommitteePotential: Potential {
  public let members: [any Potential]
  /// What the members said last; their arrays are used again.
  private var results: [Evaluation]

  /// Under which the largest spread of a force, in eV/Angstrom, and the standard deviation of the energy, in eV, stand.
  public static let forceSpreadName = "force_spread"
  public static let energySpreadName = "energy_spread"

  /// - Precondition: there are members.
  public init(_ members: [any Potential]) {
    precondition(!members.isEmpty)
    self.members = members
    results = Array(repeating: Evaluation(), count: members.count)
  }

  public func evaluate(_ system: AtomicSystem, into result: inout Evaluation) throws {
    if let plan = result.plan, plan.members.count != members.count {
      let made = plan.members.isEmpty ? "one model" : "a committee of \(plan.members.count) models"
      throw PlanError("it was made for \(made), not for a committee of \(members.count)")
    }
    for (m, member) in members.enumerated() {
      results[m].plan = result.plan?.members[m]
      results[m].step = result.step
      try member.evaluate(system, into: &results[m])
    }
    setMean(of: system.count, in: &result)
    setSpreads(in: &result)
    setPlan(in: &result)
  }

  private func setMean(of count: Int, in result: inout Evaluation) {
    let share = 1 / Double(members.count)
    let hasCharges = results.allSatisfy { $0.charges != nil }
    let hasAtomicEnergies = results.allSatisfy { $0.atomicEnergies.count == count }
    result.energy = 0
    result.atomicEnergies.set(0, count: hasAtomicEnergies ? count : 0)
    result.forces.set(.zero, count: count)
    result.stress = .zero
    result.charges = hasCharges ? result.charges ?? [] : nil
    result.charges?.set(0, count: count)
    for member in results {
      result.energy += share * member.energy
      result.stress = result.stress + member.stress * share
      for i in 0..<count { result.forces[i] += member.forces[i] * share }
      for i in result.atomicEnergies.indices { result.atomicEnergies[i] += share * member.atomicEnergies[i] }
      if hasCharges, let charges = member.charges {
        for i in 0..<count { result.charges?[i] += share * charges[i] }
      }
    }
  }

  private func setSpreads(in result: inout Evaluation) {
    let share = 1 / Double(members.count)
    var spreads = result.forceSpreads ?? []
    spreads.set(0, count: result.forces.count)
    var energy = 0.0
    for member in results {
      energy += share * (member.energy - result.energy) * (member.energy - result.energy)
      for i in spreads.indices {
        let difference = member.forces[i] - result.forces[i]
        spreads[i] += share * dot(difference, difference)
      }
    }
    for i in spreads.indices { spreads[i] = spreads[i].squareRoot() }
    result.quantities[Self.forceSpreadName] = spreads.max() ?? 0
    result.quantities[Self.energySpreadName] = energy.squareRoot()
    result.forceSpreads = spreads
  }

  /// No plan where a member makes none.
  private func setPlan(in result: inout Evaluation) {
    let plans = results.compactMap(\.plan)
    result.plan =
      plans.count == members.count
      ? EvaluationPlan(cell: plans[0].cell, positions: plans[0].positions, members: plans) : nil
  }

  public func reasonToRenew(_ plan: EvaluationPlan, for system: AtomicSystem) -> String? {
    zip(members, plan.members).lazy.compactMap { $0.reasonToRenew($1, for: system) }.first
  }
}

extension Array {
  /// So many equal elements, in the memory that is there.
  fileprivate mutating func set(_ element: Element, count: Int) {
    if self.count == count {
      for i in indices { self[i] = element }
    } else {
      self = Array(repeating: element, count: count)
    }
  }
}
