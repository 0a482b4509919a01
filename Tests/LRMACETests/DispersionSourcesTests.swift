// Dispersion beside charges: London's law between far atoms, forces and stress, all boundaries, both precisions, the model's file.

import Foundation
import Lattice
import Reciprocal
import Testing

@testable import LRMACE
@testable import LRMACEModel

extension Model {
  /// With dispersion beside its charges: of constants alone, or of features, too.
  func withDispersion(ofFeatures: Bool = true) -> Model {
    var model = self
    for t in layers.indices where layers[t].conserved?.use.name == .energy {
      model.layers[t].conserved?.dispersion = .init(
        sigma: 1.4, constants: species.indices.map { 2 + Double($0) },
        features: Matrix(
          rows: channels, columns: 1,
          values: (0..<channels).map { ofFeatures ? sin(Double($0 + 1)) / 4 : 0 }))
    }
    return model
  }
}

private func evaluate(_ potential: LRMACEPotential, _ system: AtomicSystem) throws -> Evaluation {
  var result = Evaluation()
  try potential.evaluate(system, into: &result)
  return result
}

@Suite struct DispersionSourcesTests {
  /// - ybar ybar' [1 - exp(-y) (1 + y + y^2/2)] / r^6 of every pair, y = r^2 / 2 sigma^2.
  @Test(arguments: ["c_b_vectors_ions_d24", "c_f_energy_first"])
  func constantsAddTheDampedDispersionOfEveryPair(name: String) throws {
    let model = try Golden.model(name)
    let dispersion = try #require(model.withDispersion(ofFeatures: false).dispersion)
    let (sigma, y) = (dispersion.sigma, dispersion.constants)
    var system = try Golden.frames(name)[0].system
    system.cell = .free
    var expected = 0.0
    for i in 0..<system.count {
      for j in 0..<i {
        let r = length(system.positions[i] - system.positions[j])
        let x = r * r / (2 * sigma * sigma)
        let pair = [i, j].map { y[model.species.firstIndex(of: system.atomicNumbers[$0]) ?? 0] }
        expected -= pair[0] * pair[1] * (1 - exp(-x) * (1 + x + x * x / 2)) / pow(r, 6)
      }
    }
    let without = try evaluate(LRMACEPotential(model: model, precision: .double), system)
    let with = try evaluate(
      LRMACEPotential(model: model.withDispersion(ofFeatures: false), precision: .double), system)
    #expect(abs(expected) > 0.01 && abs(with.energy - without.energy - expected) < 1e-10)
    #expect(with.charges == without.charges)
  }

  /// Two waters apart: the sum of Y's of each, as they are alone, gives -(sum Y)^2 / r^6 far away, and Coulomb's part is that without.
  @Test func farMoleculesObeyLondonsLaw() throws {
    let name = "c_e_1layer_d2"
    let (with, without) = try (
      LRMACEPotential(model: Golden.model(name).withDispersion(), precision: .double),
      LRMACEPotential(model: Golden.model(name), precision: .double)
    )
    let water: [Vector3] = [.zero, [0.76, 0.59, 0], [-0.76, 0.59, 0]]
    func dispersion(_ r: Double) throws -> Double {
      let system = AtomicSystem(
        cell: .free, atomicNumbers: [8, 1, 1, 8, 1, 1], masses: [16, 1, 1, 16, 1, 1],
        positions: water + water.map { $0 + [0, 0, r] })
      return try evaluate(with, system).energy - evaluate(without, system).energy
    }
    let alone = try dispersion(1e6)
    let (near, far) = try (dispersion(40) - alone, dispersion(80) - alone)
    #expect(near < 0 && abs(near / far / 64 - 1) < 0.01)
  }

  @Test(
    arguments: ["c_b_vectors_ions_d24", "c_d_3layers_lmax3_corr3"],
    [[true, true, true], [true, true, false], [true, false, false], [false, false, false]])
  func allEvaluationsAgreeInAllBoundaries(name: String, isPeriodic: [Bool]) throws {
    let model = try Golden.model(name).withDispersion()
    var system = try Golden.frames(name)[0].system
    system.cell = isPeriodic[0] ? Cell(vectors: system.cell.vectors, isPeriodic: isPeriodic) : .free
    if isPeriodic[0] && !system.cell.hasPeriodicAxis { return }
    let exact = try expectEvaluationsToAgree(of: model, system)
    let potential = try LRMACEPotential(model: model, precision: .double)
    func energy(_ change: (inout AtomicSystem) -> Void) throws -> Double {
      var moved = system
      change(&moved)
      return try evaluate(potential, moved).energy
    }
    func slope(_ change: (inout AtomicSystem, Double) -> Void) throws -> Double {
      let energies = try [-2e-4, -1e-4, 1e-4, 2e-4].map { h in try energy { change(&$0, h) } }
      return (energies[0] - 8 * energies[1] + 8 * energies[2] - energies[3]) / (12 * 1e-4)
    }
    for i in [0, 4, system.count - 1] {
      for axis in 0..<3 {
        #expect(try abs(exact.forces[i][axis] + slope { $0.positions[i][axis] += $1 }) < 1e-6)
      }
    }
    guard system.cell.isFullyPeriodic else { return }
    for (a, b) in [(0, 0), (1, 2), (2, 2)] {
      let derivative = try slope { moved, h in
        var strain = Matrix3.identity
        strain[a][b] += h / 2
        strain[b][a] += h / 2
        moved.cell = Cell(vectors: moved.cell.vectors * strain)
        moved.positions = moved.positions.map { $0 * strain }
      }
      #expect(abs(exact.stress[a][b] * system.cell.volume - derivative) < 1e-5)
    }
  }

  @Test func aModelWithDispersionComesBackFromItsFile() throws {
    let model = try Golden.model("c_b_vectors_ions_d24").withDispersion()
    #expect(model.fileVersion == 6)
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).h5").path
    defer { try? FileManager.default.removeItem(atPath: file) }
    try model.write(to: file)
    let again = try Model(contentsOf: file)
    #expect(again.contents == model.contents)
    #expect(again.dispersion != nil && again.weights == model.weights)
  }
}
