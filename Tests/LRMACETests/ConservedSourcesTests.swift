// Conserved sources: charges that no arrangement of molecules creates, Coulomb's law far away, all boundaries, both
// precisions.

import Foundation
import Lattice
import Reciprocal
import Testing

@testable import LRMACE
@testable import LRMACEModel

private let names = Golden.names.filter { $0.hasPrefix("c_") }
/// Water, and fluoride as an ion; differences of potential, then the energy.
private let ions = "c_b_vectors_ions_d24"

private func evaluate(_ potential: LRMACEPotential, _ system: AtomicSystem) throws -> Evaluation {
  var result = Evaluation()
  try potential.evaluate(system, into: &result)
  return result
}

/// A cluster of waters and fluorides: where each begins, and how it is turned about z.
private func cluster(_ parts: [(symbol: String, at: Vector3, turn: Double)]) -> AtomicSystem {
  var (numbers, positions): ([Int], [Vector3]) = ([], [])
  for part in parts {
    let (c, s) = (cos(part.turn), sin(part.turn))
    let atoms: [(Int, Vector3)] =
      part.symbol == "F"
      ? [(9, .zero)] : [(8, .zero), (1, [0.76 * c, 0.76 * s, 0.59]), (1, [-0.71 * c, -0.71 * s, 0.63])]
    for (z, r) in atoms {
      numbers.append(z)
      positions.append(part.at + r)
    }
  }
  return AtomicSystem(
    cell: .free, atomicNumbers: numbers, masses: numbers.map { Elements.mass($0) ?? 1 }, positions: positions)
}

/// Every way to sum has the result of pairs in double precision, which is returned: in double to 1e-9 eV per atom and 1e-8 eV/Angstrom, in
/// mixed to 1e-6 and 1e-4.
@discardableResult
func expectEvaluationsToAgree(of model: Model, _ system: AtomicSystem) throws -> Evaluation {
  func result(_ method: AttentionMethod?, _ precision: LRMACEPotential.Precision) throws -> Evaluation {
    try evaluate(
      LRMACEPotential(
        model: model, precision: precision, threads: 2, attention: AttentionEvaluation(method: method)),
      system)
  }
  let exact = try result(.pairwise, .double)
  for method in [AttentionMethod.kSum, .mesh] {
    let other = try result(method, .double)
    for i in 0..<3 { #expect(largest(other.stress[i] - exact.stress[i]) < 1e-10, "\(method)") }
    #expect(abs(other.energy - exact.energy) < 1e-9 * Double(system.count), "\(method)")
    for (f, g) in zip(other.forces, exact.forces) { #expect(largest(f - g) < 1e-8, "\(method)") }
  }
  for method in [nil, AttentionMethod.pairwise, .mesh] {
    let mixed = try result(method, .mixed)
    #expect(abs(mixed.energy - exact.energy) < 1e-6 * Double(system.count), "\(String(describing: method))")
    for (f, g) in zip(mixed.forces, exact.forces) {
      #expect(largest(f - g) < 1e-4, "\(String(describing: method))")
    }
  }
  return exact
}

@Suite struct ConservedSourcesTests {
  @Test(arguments: names, LRMACEPotential.Precision.allCases)
  func chargesAreThoseOfTheReference(name: String, precision: LRMACEPotential.Precision) throws {
    let model = try Golden.model(name)
    let potential = try LRMACEPotential(model: model, precision: precision)
    let layer = model.layers.firstIndex { $0.conserved?.use.name == .energy }
    #expect(model.hasCharges == (layer != nil))
    for frame in try Golden.frames(name) {
      let result = try evaluate(potential, frame.system)
      guard let layer else {
        #expect(result.charges == nil)
        continue
      }
      let charges = try #require(result.charges)
      let expected = try #require(frame.sources[layer])
      #expect(charges.count == expected.count)
      for (q, x) in zip(charges, expected) { #expect(abs(q - x[0]) < (precision == .double ? 1e-12 : 1e-6)) }
    }
  }

  // MARK: - Charge

  /// A molecule far from all others has the charge of its composition, whatever the others do; what is near shares it.
  @Test func separatedPartsKeepTheirChargeInAnyArrangement() throws {
    let potential = try LRMACEPotential(model: Golden.model(ions), precision: .double)
    for n in 0..<6 {
      let angle = 0.9 * Double(n)
      let system = cluster([
        ("H2O", [0, 0, 0], angle), ("H2O", [2.4, 1.1, 0.4 * Double(n)], 1 - angle),
        ("F", [0.3, 2.6, 0.2], 0),
        ("H2O", [15, 1, 0], 2 * angle), ("F", [0, 20 + Double(n), 3], 0), ("F", [1.9, 21 + Double(n), 3], 0),
      ])
      let charges = try #require(try evaluate(potential, system).charges)
      func total(_ atoms: Range<Int>) -> Double { charges[atoms].reduce(0, +) }
      #expect(abs(total(0..<7) + 1) < 1e-10 && abs(total(7..<10)) < 1e-10 && abs(total(10..<12) + 2) < 1e-10)
      // Charge does flow where molecules touch.
      #expect(abs(charges[6] + 1) > 1e-4)
    }
  }

  @Test func liquidIsNeutralForEveryNumberOfThreads() throws {
    let model = try Golden.model("c_a_difference_energy")
    let frame = try #require(
      try Golden.frames("c_a_difference_energy").max { $0.system.count < $1.system.count })
    for threads in [1, 2, 3] {
      let potential = try LRMACEPotential(model: model, precision: .double, threads: threads)
      let charges = try #require(try evaluate(potential, frame.system).charges)
      #expect(abs(charges.reduce(0, +)) < 1e-12)
      #expect(charges.contains { abs($0) > 0.01 })
    }
  }

  /// Two ions beyond each other's reach: k_e Q Q' / r, to Coulomb's constant of the definition.
  @Test func farIonsObeyCoulombsLaw() throws {
    let potential = try LRMACEPotential(model: Golden.model(ions), precision: .double)
    func energy(_ r: Double) throws -> Double {
      try evaluate(potential, cluster([("F", .zero, 0), ("F", [0.6 * r, 0, 0.8 * r], 0)])).energy
    }
    let coulomb = Model.ConservedSources.coulombConstant
    let far = try energy(80)
    for r in [15.0, 22, 40] {
      #expect(abs(try energy(r) - far - coulomb * (1 / r - 1 / 80)) < 1e-10)
    }
    let forces = try evaluate(potential, cluster([("F", .zero, 0), ("F", [0, 0, 20], 0)])).forces
    #expect(abs(forces[1].z - coulomb / 400) < 1e-11 && abs(forces[0].z + coulomb / 400) < 1e-11)
  }

  /// The field of an ion leaves a distant neutral molecule a dipole's energy: it falls as r^-2.
  @Test func neutralMoleculeHasNoMonopoleToADistantIon() throws {
    let potential = try LRMACEPotential(model: Golden.model(ions), precision: .double)
    func energy(_ r: Double) throws -> Double {
      try evaluate(potential, cluster([("H2O", .zero, 0.3), ("F", [0, 0, r], 0)])).energy
    }
    let apart = try energy(1e6)
    let (near, far) = (try energy(100) - apart, try energy(200) - apart)
    #expect(abs(near) > 1e-7 && abs(near / far - 4) < 0.2)
  }

  // MARK: - Boundaries

  @Test(
    arguments: ["c_b_vectors_ions_d24", "c_d_3layers_lmax3_corr3"],
    [[true, true, true], [true, true, false], [true, false, false], [false, false, false]])
  func allEvaluationsAgreeInAllBoundaries(name: String, isPeriodic: [Bool]) throws {
    let model = try Golden.model(name)
    var system = try #require(try Golden.frames(name).max { $0.system.count < $1.system.count }).system
    system.cell =
      isPeriodic[0] ? Cell(vectors: system.cell.vectors, isPeriodic: isPeriodic) : .free
    try expectEvaluationsToAgree(of: model, system)
  }

  /// 900 atoms: the sums over hydrogen and over oxygen alone are hundreds of times the potential that they leave.
  @Test func largeDropletInMixedPrecisionHasTheEnergyOfDouble() throws {
    let model = try Golden.model("c_e_1layer_d2")
    let water = cluster([("H2O", .zero, 0.4)])
    var (numbers, positions): ([Int], [Vector3]) = ([], [])
    for n in 0..<300 {
      let at = Vector3(Double(n % 7), Double(n / 7 % 7), Double(n / 49)) * 3.1
      numbers += water.atomicNumbers
      positions += water.positions.map { $0 * (n % 2 == 0 ? 1 : -1) + at }
    }
    let system = AtomicSystem(
      cell: .free, atomicNumbers: numbers, masses: numbers.map { Elements.mass($0) ?? 1 },
      positions: positions)
    func result(_ precision: LRMACEPotential.Precision) throws -> Evaluation {
      try evaluate(
        LRMACEPotential(
          model: model, precision: precision, threads: 2, attention: AttentionEvaluation(method: .pairwise)),
        system)
    }
    let (exact, mixed) = try (result(.double), result(.mixed))
    #expect(abs(mixed.energy - exact.energy) < 1e-7 * Double(system.count))
    for (f, g) in zip(mixed.forces, exact.forces) { #expect(largest(f - g) < 1e-5) }
  }

  @Test(arguments: [[true, true, false], [true, false, false], [false, false, false]])
  func forcesAreTheDerivativeAlongOpenAxes(isPeriodic: [Bool]) throws {
    let potential = try LRMACEPotential(model: Golden.model(ions), precision: .double)
    var system = try Golden.frames(ions)[0].system
    system.cell =
      isPeriodic[0] ? Cell(vectors: system.cell.vectors, isPeriodic: isPeriodic) : .free
    let forces = try evaluate(potential, system).forces
    for i in [0, 4, system.count - 1] {
      for axis in 0..<3 {
        let energies = try [-2e-4, -1e-4, 1e-4, 2e-4].map { h in
          var moved = system
          moved.positions[i][axis] += h
          return try evaluate(potential, moved).energy
        }
        let slope = (energies[0] - 8 * energies[1] + 8 * energies[2] - energies[3]) / (12 * 1e-4)
        #expect(abs(forces[i][axis] + slope) < 1e-6)
      }
    }
  }

  // MARK: - The file

  /// A model without conserved sources keeps version 2, and with it its hash.
  @Test(arguments: Golden.names) func versionIsTheLowestThatHoldsTheModel(name: String) throws {
    let model = try Golden.model(name)
    let isNew = name.hasPrefix("f_") && name != "f_d_head"
    #expect(model.fileVersion == (names.contains(name) ? 3 : isNew ? 5 : 2))
    #expect(model.contents["@version"] == .integer(model.fileVersion))
  }

  @Test func constantsOfKnownPartsCarryTheirCharge() throws {
    for name in names {
      for layer in try Golden.model(name).layers {
        guard let sources = layer.conserved, let references = sources.references else { continue }
        let totals = references.compositions * sources.constants
        for (s, charge) in references.charges.enumerated() {
          for (d, column) in references.columns.enumerated() {
            #expect(abs(totals[s, d] - charge * column) < 1e-13)
          }
        }
      }
    }
  }

  @Test func whatVersion3DoesNotHaveIsRefused() throws {
    let folder = try ModelFolder()
    let contents = try Golden.model(ions).contents
    func refusal(_ contents: [String: ModelValue]) throws -> String {
      let path = try folder.write(contents)
      return "\(try #require(throws: ModelError.self) { try Model(contentsOf: path) })"
    }
    var other = contents
    other["layers/0/conserved@use"] = .text("magic")
    #expect(try refusal(other).contains("layers/0/conserved: use is 'magic'; this program knows attention"))
    for key in ["layers/0/conserved/s", "layers/1/conserved/W_p", "layers/1/conserved/W_o"] {
      other = contents
      other[key] = .numbers([1], shape: [1])
      #expect(try refusal(other).contains("is not known in a model of version 3"), "\(key)")
    }
    other = contents.filter { !$0.key.hasPrefix("rsa") }
    #expect(try refusal(other).contains("the group rsa is missing"))
    other = try Golden.model("lr_l_default_d1").contents
    other["@version"] = .integer(3)
    #expect(try refusal(other).contains("but what it holds is version 2"))
  }
}
