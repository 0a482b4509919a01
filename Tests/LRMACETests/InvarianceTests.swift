// What every force field must obey, shown on small systems in double precision: forces and stress are derivatives,
// energies do not depend on names, origin, orientation, or the choice of the cell.

import Foundation
import Lattice
import Reciprocal
import Testing

@testable import LRMACE
@testable import LRMACEModel

/// Models that between them hold every block: attention with and without gate, conserved
/// sources of every use, vectors and tensors in the features, densities, a transform of distances and a repulsion.
private let models = [
  "lr_f_4heads_filter_self_gate_l1_corr3", "lr_l_default_d1", "x_a_l2_lmax4_corr3",
  "x_c_residual_first_novolume", "c_b_vectors_ions_d24", "c_c_attention_d10", "c_d_3layers_lmax3_corr3",
  "c_f_energy_first", "f_f_all",
]

private struct Sampler {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }

  /// Uniform in [-1, 1).
  mutating func next() -> Double {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Double(Int64(bitPattern: state) >> 11) / Double(1 << 52)
  }
  mutating func vector() -> Vector3 { [next(), next(), next()] }
}

/// Atoms of the model's elements on a jittered grid in a triclinic cell smaller than twice the cut-off.
private func crystal(_ model: Model, vectors: Matrix3, seed: UInt64) -> AtomicSystem {
  var sampler = Sampler(seed)
  var (numbers, positions): ([Int], [Vector3]) = ([], [])
  for i in 0..<8 {
    let corner = Vector3(Double(i & 1), Double(i >> 1 & 1), Double(i >> 2)) * 0.5
    positions.append((corner + 0.08 * sampler.vector()) * vectors)
    numbers.append(model.species[(i * 7 / 3) % model.species.count])
  }
  return AtomicSystem(
    cell: Cell(vectors: vectors), atomicNumbers: numbers, masses: numbers.map(Double.init),
    positions: positions)
}

private let cells = [
  Matrix3([4.1, 0, 0], [0.7, 4.3, 0], [-0.5, 0.6, 3.9]),
  Matrix3([3.9, 0.4, -0.3], [1.9, 4.2, 0.2], [-1.1, 0.8, 4.5]),
  Matrix3([0.3, 4.4, 0.5], [4.0, 0.2, -0.6], [0.4, -0.7, 4.1]),  // left-handed
]

private func evaluate(_ potential: LRMACEPotential, _ system: AtomicSystem) throws -> Evaluation {
  var result = Evaluation()
  try potential.evaluate(system, into: &result)
  return result
}

@Suite struct InvarianceTests {
  @Test(arguments: models) func forcesAreTheDerivativeOfTheEnergy(name: String) throws {
    let model = try Golden.model(name)
    let potential = try LRMACEPotential(model: model, precision: .double)
    for (n, vectors) in cells.enumerated() {
      let system = crystal(model, vectors: vectors, seed: UInt64(n + 1))
      var result = try evaluate(potential, system)
      let forces = result.forces
      let h = 1e-4
      for i in [0, 5] {
        for axis in 0..<3 {
          var energies: [Double] = []
          for step in [-2.0, -1, 1, 2] {
            var moved = system
            moved.positions[i][axis] += step * h
            try potential.evaluate(moved, into: &result)
            energies.append(result.energy)
          }
          let slope = (energies[0] - 8 * energies[1] + 8 * energies[2] - energies[3]) / (12 * h)
          #expect(abs(forces[i][axis] + slope) < 1e-6)
        }
      }
    }
  }

  @Test(arguments: models) func stressIsTheDerivativeWithRespectToStrain(name: String) throws {
    let model = try Golden.model(name)
    let potential = try LRMACEPotential(model: model, precision: .double)
    for (n, vectors) in cells.enumerated() {
      let system = crystal(model, vectors: vectors, seed: UInt64(n + 1))
      let stress = try evaluate(potential, system).stress
      let scale = (0..<3).map { largest(stress[$0]) }.max() ?? 0
      for (a, b) in [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)] {
        var energies: [Double] = []
        for h in [-2e-4, -1e-4, 1e-4, 2e-4] {
          var strain = Matrix3.identity
          strain[a][b] += h / 2
          strain[b][a] += h / 2
          var strained = system
          strained.cell = Cell(vectors: vectors * strain)
          strained.positions = system.positions.map { $0 * strain }
          energies.append(try evaluate(potential, strained).energy)
        }
        let slope = (energies[0] - 8 * energies[1] + 8 * energies[2] - energies[3]) / (12 * 1e-4)
        #expect(abs(stress[a][b] - slope / system.cell.volume) < 1e-6 * scale)
      }
    }
  }

  /// By one plan, while the cell grows by 5%: a jump of J between two cells makes a fourth difference of up to 3 J, and what
  /// is smooth one of h^4 E''''.
  @Test(
    arguments: ["lr_f_4heads_filter_self_gate_l1_corr3", "c_b_vectors_ions_d24", "c_f_energy_first"],
    AttentionMethod.allCases)
  func energyDoesNotJumpWhileTheCellGrows(name: String, method: AttentionMethod) throws {
    let model = try Golden.model(name)
    let potential = try LRMACEPotential(
      model: model, precision: .double, attention: AttentionEvaluation(method: method))
    let start = crystal(model, vectors: cells[0], seed: 5)
    var result = Evaluation()
    let energies = try (0...250).map { step in
      var system = start
      let scale = 1 + 0.05 * Double(step) / 250
      system.cell = Cell(vectors: start.cell.vectors * scale)
      system.positions = start.positions.map { $0 * scale }
      try potential.evaluate(system, into: &result)
      return result.energy
    }
    #expect(result.plan?.cell == start.cell && potential.attention?.method == method)
    var worst = 0.0
    for i in 2..<(energies.count - 2) {
      let difference =
        energies[i - 2] - 4 * energies[i - 1] + 6 * energies[i] - 4 * energies[i + 1] + energies[i + 2]
      worst = max(worst, abs(difference))
    }
    #expect(worst < 1e-8)
  }

  /// 5% between two faces are a reason for new wavevectors, 20% the end; without long range nothing is.
  @Test(arguments: ["c_f_energy_first", "sr_16x0e16x1o_lmax3_corr2"])
  func wavevectorsAreOutgrownByACellThatGrows(name: String) throws {
    let model = try Golden.model(name)
    let potential = try LRMACEPotential(model: model, precision: .double)
    let start = crystal(model, vectors: cells[1], seed: 5)
    var result = try evaluate(potential, start)
    let plan = try #require(result.plan)
    func grown(by factor: Double) -> AtomicSystem {
      var system = start
      let map = Matrix3([1, 0, 0], [0, 1, 0], [0, 0, factor])
      system.cell = Cell(vectors: start.cell.vectors * map)
      system.positions = start.positions.map { $0 * map }
      return system
    }
    let hasWavevectors = model.attention != nil
    let growth = Deformation.growth(from: start.cell, to: grown(by: 1.5).cell)
    #expect(growth > 1.25 && growth < 1.5)
    #expect(potential.reasonToRenew(plan, for: grown(by: 1.04)) == nil)
    #expect(potential.reasonToRenew(plan, for: grown(by: 0.5)) == nil)
    #expect((potential.reasonToRenew(plan, for: grown(by: 1.5)) != nil) == hasWavevectors)
    if hasWavevectors {
      #expect(throws: LatticeError.cellOutgrewItsWavevectors(growth: growth, limit: 1.2)) {
        try potential.evaluate(grown(by: 1.5), into: &result)
      }
    } else {
      try potential.evaluate(grown(by: 1.5), into: &result)
    }
  }

  @Test(arguments: models) func energyIsInvariantAndForcesTurnWithTheSystem(name: String) throws {
    let model = try Golden.model(name)
    let potential = try LRMACEPotential(model: model, precision: .double)
    let system = crystal(model, vectors: cells[1], seed: 3)
    let original = try evaluate(potential, system)
    let scale = max(1, abs(original.energy))

    var net = Vector3.zero
    for f in original.forces { net += f }
    #expect(largest(net) < 1e-10 * Double(system.count))

    var shifted = system
    shifted.positions = system.positions.map { $0 + [11.3, -7.9, 2.2] }
    #expect(abs(try evaluate(potential, shifted).energy - original.energy) < 1e-10 * scale)

    let (c, s) = (cos(0.7), sin(0.7))
    let turn = Matrix3([c, s, 0], [-s, c, 0], [0, 0, 1]) * Matrix3([1, 0, 0], [0, c, s], [0, -s, c])
    var turned = system
    turned.cell = Cell(vectors: system.cell.vectors * turn)
    turned.positions = system.positions.map { $0 * turn }
    let rotated = try evaluate(potential, turned)
    #expect(abs(rotated.energy - original.energy) < 1e-10 * scale)
    for (f, g) in zip(original.forces, rotated.forces) { #expect(largest(f * turn - g) < 1e-9) }

    let permutation = [3, 7, 0, 5, 1, 6, 2, 4]
    let permuted = AtomicSystem(
      cell: system.cell, atomicNumbers: permutation.map { system.atomicNumbers[$0] },
      masses: permutation.map { system.masses[$0] }, positions: permutation.map { system.positions[$0] })
    let shuffled = try evaluate(potential, permuted)
    #expect(abs(shuffled.energy - original.energy) < 1e-10 * scale)
    for (k, i) in permutation.enumerated() {
      #expect(largest(shuffled.forces[k] - original.forces[i]) < 1e-9)
    }
  }

  @Test(arguments: models.filter { !$0.contains("novolume") })
  func energyIsExtensiveAndIndependentOfTheCellChosen(name: String) throws {
    let model = try Golden.model(name)
    let potential = try LRMACEPotential(model: model, precision: .double)
    let system = crystal(model, vectors: cells[0], seed: 5)
    let energy = try evaluate(potential, system).energy
    let a = system.cell.vectors

    let equivalent = Matrix3(a.x, a.y + a.x, a.z - 2 * a.x + a.y)
    var skewed = system
    skewed.cell = Cell(vectors: equivalent)
    #expect(abs(try evaluate(potential, skewed).energy - energy) < 1e-10 * abs(energy))

    var (numbers, positions): ([Int], [Vector3]) = ([], [])
    for n in 0..<8 {
      let shift = Vector3(Double(n & 1), Double(n >> 1 & 1), Double(n >> 2)) * a
      numbers += system.atomicNumbers
      positions += system.positions.map { $0 + shift }
    }
    let large = AtomicSystem(
      cell: Cell(vectors: a * 2), atomicNumbers: numbers, masses: numbers.map(Double.init),
      positions: positions)
    #expect(abs(try evaluate(potential, large).energy - 8 * energy) < 1e-10 * abs(8 * energy))
  }

  @Test(arguments: ["lr_f_4heads_filter_self_gate_l1_corr3", "c_b_vectors_ions_d24"])
  func threadsAgreeAndRepeatToTheBit(name: String) throws {
    let model = try Golden.model(name)
    let frame = try #require(try Golden.frames(name).max { $0.system.count < $1.system.count })
    var (one, two, again) = (Evaluation(), Evaluation(), Evaluation())
    try LRMACEPotential(model: model, threads: 1).evaluate(frame.system, into: &one)
    try LRMACEPotential(model: model, threads: 2).evaluate(frame.system, into: &two)
    try LRMACEPotential(model: model, threads: 2).evaluate(frame.system, into: &again)
    #expect(two.energy == again.energy && two.forces == again.forces)
    for (f, g) in zip(one.forces, two.forces) { #expect(largest(f - g) < 1e-4) }
  }

  @Test func widthOfTheReadoutHasNoLimit() throws {
    var model = try Golden.model("lr_l_default_d1")
    let system = crystal(model, vectors: cells[0], seed: 2)
    let energy = try evaluate(try LRMACEPotential(model: model, precision: .double), system).energy
    guard case .network(let hidden, let weights)? = model.layers[1].readout else {
      Issue.record("the last readout is no network")
      return
    }
    // Every hidden unit 200 times, each with a 200th of its weight.
    let wide = Matrix(
      rows: hidden.rows, columns: 200 * hidden.columns,
      values: (0..<hidden.rows).flatMap { row in
        (0..<200).flatMap { _ in hidden.rows(row, count: 1).values }
      })
    model.layers[1].readout = .network(
      hidden: wide, weights: (0..<200).flatMap { _ in weights.map { $0 / 200 } })
    let same = try evaluate(try LRMACEPotential(model: model, precision: .double), system).energy
    #expect(abs(same - energy) < 1e-10)
  }

  @Test func elementUnknownToTheModelIsNamed() throws {
    let potential = try LRMACEPotential(model: Golden.model("lr_l_default_d1"))
    let system = AtomicSystem(
      cell: .free, atomicNumbers: [8, 26], masses: [16, 56], positions: [[0, 0, 0], [2, 0, 0]])
    #expect(throws: ModelError.self) { try evaluate(potential, system) }
  }
}
