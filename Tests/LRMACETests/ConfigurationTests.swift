// What a potential keeps between configurations: what it may take from a checkpoint, and what it must forget.

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
  /// The mesh's resolution, the way of the first layer, the order of atoms and the neighbour list come from the first
  /// configuration that a potential meets.
  @Test(
    arguments: ["rc_trained", "lr_l_default_d1", "lr_i_clusters_nonperiodic"],
    [(LRMACEPotential.Precision.mixed, 1), (.mixed, 2), (.double, 2)])
  func aForgetfulPotentialGivesEveryConfigurationTheBitsThatItHasAlone(
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
          shared.forgetConfiguration()
          let result = try evaluate(shared, systems[n])
          #expect(result.energy == alone[n].energy && result.forces == alone[n].forces, "\(n)")
          #expect(
            result.stress == alone[n].stress && result.atomicEnergies == alone[n].atomicEnergies, "\(n)")
        }
      }
    }
  }

  @Test func whatIsNotForgottenIsKept() throws {
    let systems = try configurations("rc_trained").filter { $0.cell.isFullyPeriodic }
    let potential = try LRMACEPotential(
      model: try Golden.model("rc_trained"), attention: AttentionEvaluation(method: .mesh))
    _ = try evaluate(potential, systems[0])
    let settings = potential.settings
    #expect(!settings.isEmpty)
    _ = try evaluate(potential, systems[2])
    #expect(potential.settings == settings)
    potential.forgetConfiguration()
    #expect(potential.settings.isEmpty)
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

  @Test(arguments: [
    ["attention_mesh": [Double.nan, 0.6]], ["attention_mesh": [1e300, 0.6]], ["attention_mesh": [3, 0.6]],
    ["attention_mesh": [9, 0.6]], ["attention_mesh": [6.5, 0.6]], ["attention_mesh": [6, .nan]],
    ["attention_mesh": [6, -0.6]], ["attention_mesh": [6, 1e-9]], ["attention_mesh": [6, .infinity]],
    ["attention_mesh": [6]], ["attention_mesh": []], ["first_layer_by_pairs": [0.5]],
    ["first_layer_by_pairs": [.nan]], ["first_layer_by_pairs": []],
  ])
  func settingsThatNoPotentialHasChosenAreRefused(settings: [String: [Double]]) throws {
    let potential = try LRMACEPotential(model: Golden.model("rc_trained"))
    #expect(throws: RestoreError.self) { try potential.restore(settings: settings) }
    #expect(potential.settings.isEmpty)
  }

  @Test func aNeighborListOfOtherAtomsIsRefused() throws {
    let system = try Golden.frames("lr_l_default_d1")[0].system
    let potential = try LRMACEPotential(model: Golden.model("lr_l_default_d1"))
    var far = system.positions
    far[1].y += 1.01 * LRMACEPotential.skin
    var nowhere = system.positions
    nowhere[0].z = .nan
    for positions in [[], Array(system.positions.dropLast()), system.positions + [.zero], far, nowhere] {
      #expect(throws: RestoreError.self) { try potential.rebuildNeighborList(at: positions, system: system) }
    }
    #expect(potential.neighborListPositions.isEmpty)
    far[1].y -= 0.52 * LRMACEPotential.skin
    try potential.rebuildNeighborList(at: far, system: system)
    #expect(potential.neighborListPositions == far)
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
