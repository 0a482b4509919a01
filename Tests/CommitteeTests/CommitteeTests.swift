// The mean of several potentials and how far they are apart, against sums written out; plans that each member keeps.

import Committee
import Lattice
import Testing
import Trajectory

/// Every atom on a spring to the origin; its plan counts what it was told to.
private final class Springs: Potential {
  let stiffness: Double
  let charge: Double?

  init(stiffness: Double, charge: Double? = nil) {
    self.stiffness = stiffness
    self.charge = charge
  }

  func evaluate(_ system: AtomicSystem, into result: inout Evaluation) throws {
    result.atomicEnergies = system.positions.map { 0.5 * stiffness * dot($0, $0) }
    result.energy = result.atomicEnergies.reduce(0, +)
    result.forces = system.positions.map { $0 * -stiffness }
    result.stress = Matrix3([stiffness, 0, 0], [0, 1, 0], [0, 0, 1])
    result.charges = charge.map { Array(repeating: $0, count: system.count) }
    if result.plan == nil {
      result.plan = EvaluationPlan(
        cell: system.cell, positions: system.positions, choices: ["stiffness": "\(stiffness)"])
    }
  }

  func reasonToRenew(_ plan: EvaluationPlan, for system: AtomicSystem) -> String? {
    plan.choices["stiffness"] == "\(stiffness)" ? nil : "it is another's"
  }
}

private let system = AtomicSystem(
  cell: .free, atomicNumbers: [1, 8, 1], masses: [1, 16, 1],
  positions: [Vector3(0.3, -1.2, 2), Vector3(0, 0.5, 0), Vector3(-3, 0.1, 0.7)])

@Suite struct CommitteeTests {
  @Test func forcesAreTheMeanAndSpreadsTheirRootMeanSquareDistanceFromIt() throws {
    let members = [Springs(stiffness: 1), Springs(stiffness: 2), Springs(stiffness: 6)]
    let committee = CommitteePotential(members)
    var mean = Evaluation()
    // Twice: what was there before must not count.
    for _ in 0..<2 { try committee.evaluate(system, into: &mean) }
    let alone = try members.map { member in
      var result = Evaluation()
      try member.evaluate(system, into: &result)
      return result
    }
    #expect(abs(mean.energy - alone.reduce(0) { $0 + $1.energy } / 3) < 1e-12)
    #expect(abs(mean.stress.x.x - 3) < 1e-12 && mean.charges == nil)
    for i in 0..<system.count {
      let force = alone.reduce(Vector3.zero) { $0 + $1.forces[i] } / 3
      let square = alone.reduce(0) { $0 + dot($1.forces[i] - force, $1.forces[i] - force) } / 3
      #expect(length(mean.forces[i] - force) < 1e-12)
      #expect(abs((mean.forceSpreads?[i] ?? .nan) - square.squareRoot()) < 1e-12)
      // Stiffnesses 1, 2, 6: mean 3, mean square distance 14/3.
      #expect(abs(square.squareRoot() - (14.0 / 3).squareRoot() * length(system.positions[i])) < 1e-12)
    }
    #expect(mean.quantities[CommitteePotential.forceSpreadName] == mean.forceSpreads?.max())
    let energies = alone.map(\.energy)
    let deviation = (energies.reduce(0) { $0 + ($1 - mean.energy) * ($1 - mean.energy) } / 3).squareRoot()
    #expect(abs((mean.quantities[CommitteePotential.energySpreadName] ?? .nan) - deviation) < 1e-12)
  }

  @Test func chargesAreTheMeanWhereAllMembersHaveThem() throws {
    var result = Evaluation()
    try CommitteePotential([Springs(stiffness: 1, charge: 0.4), Springs(stiffness: 1, charge: 0.8)])
      .evaluate(system, into: &result)
    #expect(result.charges?.allSatisfy { abs($0 - 0.6) < 1e-15 } == true)
    try CommitteePotential([Springs(stiffness: 1, charge: 0.4), Springs(stiffness: 1)])
      .evaluate(system, into: &result)
    #expect(result.charges == nil)
  }

  @Test func membersKeepPlansOfTheirOwnWhichACheckpointHolds() throws {
    let committee = CommitteePotential([Springs(stiffness: 1), Springs(stiffness: 2)])
    var result = Evaluation()
    try committee.evaluate(system, into: &result)
    let plan = try #require(result.plan)
    #expect(plan.members.map { $0.choices } == [["stiffness": "1.0"], ["stiffness": "2.0"]])
    #expect(try EvaluationPlan(plan.state, of: system) == plan)
    #expect(committee.reasonToRenew(plan, for: system) == nil)
    var swapped = plan
    swapped.members.reverse()
    #expect(committee.reasonToRenew(swapped, for: system) != nil)

    var state = plan.state
    guard case .group(var members) = state.values["members"] else { return #expect(Bool(false)) }
    members.values["member_1"] = nil
    state.values["members"] = .group(members)
    #expect(throws: StateError.self) { try EvaluationPlan(state, of: system) }
  }

  @Test func aPlanOfAnotherNumberOfModelsIsRefused() throws {
    var result = Evaluation()
    try Springs(stiffness: 1).evaluate(system, into: &result)
    let committee = CommitteePotential([Springs(stiffness: 1), Springs(stiffness: 2)])
    #expect(throws: PlanError.self) { try committee.evaluate(system, into: &result) }
  }
}
