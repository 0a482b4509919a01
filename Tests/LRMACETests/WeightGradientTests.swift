// Derivatives of energies, forces and stress by the weights of a model.

import Foundation
import Lattice
import Testing

@testable import LRMACE
@testable import LRMACEModel

/// S = c E + sum_i f_i . F_i + s : stress, with numbers as a loss could have them.
private struct Seeds {
  let energy: Double
  let forces: [Vector3]
  let stress: Matrix3

  init(atoms: Int, seed: UInt64) {
    var state = seed
    func number() -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 11) / Double(1 << 53) * 2 - 1
    }
    energy = number()
    forces = (0..<atoms).map { _ in Vector3(number(), number(), number()) }
    let (a, b, c, d, e, f) = (number(), number(), number(), number(), number(), number())
    stress = Matrix3([a, d, e], [d, b, f], [e, f, c]) * 50
  }

  func value(of result: Evaluation) -> Double {
    zip(forces, result.forces).reduce(energy * result.energy) { $0 + dot($1.0, $1.1) }
      + (0..<3).reduce(0) { $0 + dot(stress[$1], result.stress[$1]) }
  }
}

@Suite struct WeightGradientTests {
  /// Directional derivatives by every kind of block, those of all layers together, by five-point differences.
  @Test(arguments: Golden.names) func everyKindOfWeightEqualsFiniteDifferences(name: String) throws {
    try expectFiniteDifferences(Golden.model(name), name)
  }

  @Test(arguments: ["c_b_vectors_ions_d24", "c_f_energy_first"])
  func weightsOfDispersionEqualFiniteDifferences(name: String) throws {
    try expectFiniteDifferences(Golden.model(name).withDispersion(), name)
  }

  private func expectFiniteDifferences(_ model: Model, _ name: String) throws {
    let potential = try LRMACEPotential(differentiable: model, precision: .double, threads: 2)
    let frame = try #require(try Golden.frames(name).first)
    let seeds = Seeds(atoms: frame.system.count, seed: 7)
    var gradient = potential.zeroGradient()
    try potential.addGradient(
      of: frame.system, plan: nil, energySeed: seeds.energy, forceSeeds: seeds.forces,
      stressSeed: seeds.stress, to: &gradient)
    let slopes = potential.finished(gradient)
    let weights = model.weights
    var direction = Seeds(atoms: weights.count, seed: 11).forces.map(\.x)
    for block in model.weightBlocks {
      let size = (block.range.reduce(0) { $0 + weights[$1] * weights[$1] } / Double(block.range.count))
        .squareRoot()
      for n in block.range { direction[n] *= size > 0 ? size : 1 }
    }
    let kinds = Dictionary(grouping: model.weightBlocks) { block in
      block.name.split(separator: "/").filter { Int($0) == nil }.joined(separator: "/")
    }
    for (kind, blocks) in kinds {
      let indices = blocks.flatMap { Array($0.range) }
      func value(_ step: Double) throws -> Double {
        var moved = weights
        for n in indices { moved[n] += step * direction[n] }
        potential.load(moved)
        var result = Evaluation()
        try potential.evaluate(frame.system, into: &result)
        return seeds.value(of: result)
      }
      let h = 5e-5
      let expected = try (8 * (value(h) - value(-h)) - (value(2 * h) - value(-2 * h))) / (12 * h)
      let found = indices.reduce(0) { $0 + slopes[$1] * direction[$1] }
      let scale = indices.reduce(0) { $0 + pow(slopes[$1] * direction[$1], 2) }.squareRoot()
      #expect(abs(found - expected) < 1e-6 * scale + 1e-8, "\(kind): \(found), not \(expected)")
    }
  }

  @Test(arguments: Golden.names) func differentiableNetworkHasTheSameEnergies(name: String) throws {
    let model = try Golden.model(name)
    let potential = try LRMACEPotential(differentiable: model, precision: .double, threads: 1)
    for frame in try Golden.frames(name) {
      var result = Evaluation()
      try potential.evaluate(frame.system, into: &result)
      let d = frame.deviation(of: result)
      #expect(d.energy < 1e-11 && d.force < 2e-9 && d.stress < 2e-11, "\(frame.name): \(d)")
    }
  }
}
