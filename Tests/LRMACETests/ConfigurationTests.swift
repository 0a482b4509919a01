// Energy and forces are a function of system and plan, whatever a potential evaluated before; what plans it refuses.

import Foundation
import Lattice
import Reciprocal
import Testing

@testable import LRMACE
@testable import LRMACEModel

private func evaluate(_ potential: LRMACEPotential, _ system: AtomicSystem) throws -> Evaluation {
  var result = Evaluation()
  try potential.evaluate(system, into: &result)
  return result
}

/// Configurations of other sizes, elements, cells, and of the same atoms elsewhere.
private func configurations(_ name: String) throws -> [AtomicSystem] {
  let systems = try Golden.frames(name).map(\.system)
  return systems.flatMap { system -> [AtomicSystem] in
    var (moved, dense) = (system, system)
    for i in moved.positions.indices {
      moved.positions[i] += Vector3(0.2, -0.1, 0.15) * sin(Double(i))
      dense.positions[i] = system.positions[i] * 0.85
    }
    if system.cell.hasPeriodicAxis {
      dense.cell = Cell(vectors: system.cell.vectors * 0.85, isPeriodic: system.cell.isPeriodic)
    }
    return [system, moved, dense]
  }
}

@Suite struct ConfigurationTests {
  /// The mesh's resolution, the way of the first layer and the order of atoms come from the first configuration of a
  /// plan; the neighbour list of a potential from whatever it met.
  @Test(
    arguments: [
      "rc_trained", "lr_l_default_d1", "lr_i_clusters_nonperiodic", "c_b_vectors_ions_d24",
      "c_f_energy_first",
    ],
    [(LRMACEPotential.Precision.mixed, 1), (.mixed, 2), (.double, 2)])
  func everyConfigurationHasTheBitsThatItHasAlone(
    name: String, mode: (precision: LRMACEPotential.Precision, threads: Int)
  ) throws {
    let model = try Golden.model(name)
    for method in [nil, mode.precision == .mixed ? AttentionMethod.mesh : nil] {
      func potential() throws -> LRMACEPotential {
        try LRMACEPotential(
          model: model, precision: mode.precision, threads: mode.threads,
          attention: AttentionEvaluation(method: method))
      }
      let systems = try configurations(name)
      let alone = try systems.map { try evaluate(potential(), $0) }
      let shared = try potential()
      for order in [
        Array(systems.indices), systems.indices.reversed(), systems.indices.sorted { $0 % 3 < $1 % 3 },
      ] {
        for n in order {
          // Without a plan, and by the plan that was made for it.
          for plan in [nil, alone[n].plan] {
            var result = Evaluation(plan: plan)
            try shared.evaluate(systems[n], into: &result)
            #expect(result.energy == alone[n].energy && result.forces == alone[n].forces, "\(n)")
            #expect(
              result.stress == alone[n].stress && result.atomicEnergies == alone[n].atomicEnergies, "\(n)")
            #expect(result.charges == alone[n].charges, "\(n)")
            #expect(result.plan == alone[n].plan)
          }
        }
      }
    }
  }

  /// One potential goes along the way, its list renewed now and then; another meets each configuration by itself.
  @Test(arguments: [1, 2]) func aWayThroughConfigurationsHasTheBitsOfEachByThePlan(threads: Int) throws {
    let model = try Golden.model("rc_trained")
    func potential() throws -> LRMACEPotential { try LRMACEPotential(model: model, threads: threads) }
    var system = try #require(
      try Golden.frames("rc_trained").first { $0.system.cell.isFullyPeriodic }
    ).system
    let (walker, start) = (try potential(), system)
    var along = Evaluation()
    for step in 0..<60 {
      try walker.evaluate(system, into: &along)
      let plan = try #require(along.plan)
      if step % 6 == 5 {
        var alone = Evaluation(plan: plan)
        try potential().evaluate(system, into: &alone)
        #expect(alone.energy == along.energy && alone.forces == along.forces, "\(step)")
        #expect(alone.stress == along.stress && alone.plan == plan, "\(step)")
      }
      // Farther than the skin soon, than atoms go without a new order in the end; and the cell breathes.
      let strain = 0.02 * sin(Double(step) / 5)
      system.cell = Cell(vectors: start.cell.vectors * (1 + strain))
      for i in system.positions.indices {
        let drift =
          Vector3(1, -0.4, 0.3) * (0.12 * Double(step)) + Vector3(repeating: 0.1 * sin(Double(i + step)))
        system.positions[i] = (start.positions[i] + drift) * (1 + strain)
      }
    }
    #expect(along.plan?.cell == start.cell && along.plan?.positions != start.positions)
  }

  /// Along open axes atoms have a room; the plan gets another where they leave it, and with it another mesh.
  @Test(
    arguments: [[false, false, false], [true, false, false], [true, true, false]],
    [LRMACEPotential.Precision.mixed, .double])
  func atomsThatLeaveTheirRoomGetAnother(isPeriodic: [Bool], precision: LRMACEPotential.Precision) throws {
    let model = try Golden.model("rc_trained")
    func potential(_ method: AttentionMethod) throws -> LRMACEPotential {
      try LRMACEPotential(
        model: model, precision: precision, threads: 2, attention: AttentionEvaluation(method: method))
    }
    var system = try #require(
      try Golden.frames("rc_trained").first { $0.system.cell.isFullyPeriodic }
    ).system
    system.cell = isPeriodic[0] ? Cell(vectors: system.cell.vectors, isPeriodic: isPeriodic) : .free
    let (walker, exact) = (try potential(.mesh), try potential(.pairwise))
    var along = Evaluation()
    var plans: Set<EvaluationPlan> = []
    for step in 0..<6 {
      try walker.evaluate(system, into: &along)
      let plan = try #require(along.plan)
      plans.insert(plan)
      var alone = Evaluation(plan: plan)
      try potential(.mesh).evaluate(system, into: &alone)
      #expect(alone.energy == along.energy && alone.forces == along.forces, "\(step)")
      #expect(alone.plan == plan)
      if precision == .double {
        let expected = try evaluate(exact, system)
        #expect(abs(along.energy - expected.energy) < 1e-9 * Double(system.count), "\(step)")
        for (f, g) in zip(along.forces, expected.forces) { #expect(largest(f - g) < 1e-8, "\(step)") }
      }
      for i in system.positions.indices { system.positions[i].z += 0.9 * Double(i % 4) }
    }
    #expect(plans.count > 1)
    #expect(Set(plans.compactMap { $0.choices["fftw_wisdom"] }).count > 1)
  }

  @Test func twoPotentialsInOneProcessDoNotDisturbEachOther() throws {
    let (a, b) = (try configurations("rc_trained"), try configurations("lr_l_default_d1"))
    func potentials() throws -> (LRMACEPotential, LRMACEPotential) {
      (
        try LRMACEPotential(model: Golden.model("rc_trained"), threads: 2),
        try LRMACEPotential(model: Golden.model("lr_l_default_d1"), precision: .double, threads: 3)
      )
    }
    let (first, second) = try potentials()
    let alone = try (a.map { try evaluate(first, $0).forces }, b.map { try evaluate(second, $0).forces })
    let (left, right) = try potentials()
    for n in 0..<max(a.count, b.count) {
      if n < a.count { #expect(try evaluate(left, a[n]).forces == alone.0[n]) }
      if n < b.count { #expect(try evaluate(right, b[n]).forces == alone.1[n]) }
    }
  }

  /// Parts without work have no scratch, and none is read.
  @Test func moreThreadsThanAtomsGiveTheForcesOfOneThread() throws {
    let systems = try configurations("lr_l_default_d1").sorted { $0.count > $1.count }
    let model = try Golden.model("lr_l_default_d1")
    let (one, many) = (
      try LRMACEPotential(model: model, precision: .double),
      try LRMACEPotential(model: model, precision: .double, threads: 1000)
    )
    let large = systems[0]
    let small = AtomicSystem(
      cell: large.cell, atomicNumbers: Array(large.atomicNumbers[..<3]), masses: Array(large.masses[..<3]),
      positions: Array(large.positions[..<3]))
    for system in [large, small, large] {
      let (a, b) = (try evaluate(one, system), try evaluate(many, system))
      #expect(abs(a.energy - b.energy) < 1e-10 * abs(a.energy))
      for (f, g) in zip(a.forces, b.forces) { #expect(largest(f - g) < 1e-10) }
    }
  }

  // MARK: - What a checkpoint may bring

  private static let wrong: [@Sendable (inout EvaluationPlan) -> Void] = [
    { $0.choices = [:] }, { $0.choices["attention"] = nil }, { $0.choices["attention"] = "by-hand" },
    { $0.choices["mesh_order"] = nil }, { $0.choices["mesh_order"] = "3" },
    { $0.choices["mesh_order"] = "9" },
    { $0.choices["mesh_order"] = "6.5" }, { $0.choices["mesh_order"] = "1e300" },
    { $0.choices["mesh_spacing"] = nil }, { $0.choices["mesh_spacing"] = "nan" },
    { $0.choices["mesh_spacing"] = "-0.6" }, { $0.choices["mesh_spacing"] = "1e-9" },
    { $0.choices["mesh_spacing"] = "inf" }, { $0.choices["first_layer"] = nil },
    { $0.choices["first_layer"] = "neither" }, { $0.choices["moon"] = "full" },
    { $0.choices["attention"] = "k-sum" },  // the mesh is then of no use
    { $0.positions.removeLast() }, { $0.positions.append(.zero) }, { $0.positions = [] },
    { $0.cell = Cell(vectors: $0.cell.vectors, isPeriodic: [true, true, false]) },
  ]

  @Test(arguments: wrong.indices) func plansThatNoPotentialHasMadeAreRefused(_ n: Int) throws {
    let system = try #require(
      try Golden.frames("rc_trained").first { $0.system.cell.isFullyPeriodic }
    ).system
    let potential = try LRMACEPotential(
      model: Golden.model("rc_trained"), attention: AttentionEvaluation(method: .mesh))
    let expected = try evaluate(potential, system)
    var plan = try #require(expected.plan)
    Self.wrong[n](&plan)
    var result = Evaluation(plan: plan)
    #expect(throws: PlanError.self) { try potential.evaluate(system, into: &result) }
    // The potential is none the worse for it.
    #expect(try evaluate(potential, system).forces == expected.forces)
  }

  @Test func anEvaluationThatFailsLeavesNothingBehind() throws {
    let system = try Golden.frames("lr_l_default_d1")[0].system
    let model = try Golden.model("lr_l_default_d1")
    let expected = try evaluate(try LRMACEPotential(model: model), system)
    let potential = try LRMACEPotential(model: model)
    var (nowhere, vast) = (system, system)
    nowhere.positions[0].x = .infinity
    vast.cell = Cell(vectors: .identity * 1e300)
    for broken in [nowhere, vast] {
      #expect(throws: LatticeError.self) { try evaluate(potential, broken) }
      #expect(try evaluate(potential, system).forces == expected.forces)
    }
  }
}
