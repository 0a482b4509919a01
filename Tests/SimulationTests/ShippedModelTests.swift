// What runs is what is tested: the shipped model in mixed precision on the mesh, 192 atoms of water and 1,536, against
// the exact sum in double precision, and against its own energies.

import Foundation
import LRMACE
import Lattice
import Testing
import Trajectory

/// 64 molecules, or 512 whose copies are moved by up to 0.05 Angstrom so that none is like another.
private func water(copies: Int) throws -> AtomicSystem {
  let one = try ExtendedXYZ.read(root.appending(path: "Inputs/water-64.xyz").path).system
  guard copies > 1 else { return one }
  var (numbers, masses, positions): ([Int], [Double], [Vector3]) = ([], [], [])
  for image in 0..<copies * copies * copies {
    let shift = Vector3(
      Double(image % copies), Double(image / copies % copies), Double(image / copies / copies))
    for (i, r) in one.positions.enumerated() {
      let phase = Double(image * one.count + i)
      positions.append(
        r + shift * one.cell.vectors + 0.05 * Vector3(sin(phase), sin(1.3 * phase), sin(1.7 * phase)))
    }
    numbers += one.atomicNumbers
    masses += one.masses
  }
  return AtomicSystem(
    cell: Cell(vectors: one.cell.vectors * Double(copies)), atomicNumbers: numbers, masses: masses,
    positions: positions)
}

private func potential(
  _ precision: LRMACEPotential.Precision = .mixed, threads: Int = 2,
  attention: AttentionEvaluation = AttentionEvaluation(method: .mesh)
) throws -> LRMACEPotential {
  try LRMACEPotential(
    modelPath: root.appending(path: "Models/water.h5").path, precision: precision, threads: threads,
    attention: attention)
}

private func evaluate(_ potential: LRMACEPotential, _ system: AtomicSystem) throws -> Evaluation {
  var result = Evaluation()
  try potential.evaluate(system, into: &result)
  return result
}

private func largest(_ a: [Vector3], _ b: [Vector3]) -> Double {
  zip(a, b).reduce(0) { max($0, abs($1.0.x - $1.1.x), abs($1.0.y - $1.1.y), abs($1.0.z - $1.1.z)) }
}

@Suite struct ShippedModelTests {
  /// The contract of `LRMACEPotential.meshAccuracy`, single precision included.
  @Test(arguments: [1, 2]) func mixedPrecisionOnTheMeshIsTheExactSum(copies: Int) throws {
    let system = try water(copies: copies)
    let chosen = try potential()
    let mixed = try evaluate(chosen, system)
    #expect(chosen.attention?.mesh != nil)
    let exact = try evaluate(try potential(.double, attention: AttentionEvaluation(method: .kSum)), system)
    #expect(abs(mixed.energy - exact.energy) < 1e-6 * Double(system.count))
    #expect(largest(mixed.forces, exact.forces) < 1e-4)
  }

  /// Half a nanometre-wide box has few wavevectors: the sum is exact there, and the mesh is asked for.
  @Test func doublePrecisionOnTheMeshIsTheExactSumToANanoElectronvolt() throws {
    let system = try water(copies: 1)
    let mesh = try evaluate(try potential(.double, attention: AttentionEvaluation(method: .mesh)), system)
    let exact = try evaluate(try potential(.double, attention: AttentionEvaluation(method: .kSum)), system)
    #expect(abs(mesh.energy - exact.energy) < 1e-9 * Double(system.count))
    #expect(largest(mesh.forces, exact.forces) < 1e-8)
    for i in 0..<3 { #expect(length(mesh.stress[i] - exact.stress[i]) < 1e-10) }
  }

  @Test func largerSystemsTakeTheMeshOfThemselves() throws {
    let chosen = try potential(attention: AttentionEvaluation())
    _ = try evaluate(chosen, try water(copies: 2))
    #expect(chosen.attention?.mesh != nil)
  }

  /// Noise of the energy in single precision, 3e-7 eV here, and the formula's error balance at steps of 2e-3 to 6e-3
  /// Angstrom, where they leave 1e-5 to 1e-4 of the slope that uncorrelated forces would add up to; the noise is another at
  /// every step.
  @Test func forcesInMixedPrecisionAreTheDerivativeOfItsEnergy() throws {
    let system = try water(copies: 1)
    let potential = try potential()
    let forces = try evaluate(potential, system).forces
    // All atoms at once, each its own way.
    let direction = (0..<system.count).map { n -> Vector3 in
      let phase = Double(n)
      return Vector3(sin(2.1 * phase), sin(3.7 * phase + 1), sin(5.3 * phase + 2))
    }
    func energy(_ step: Double) throws -> Double {
      var moved = system
      for i in moved.positions.indices { moved.positions[i] += direction[i] * step }
      return try evaluate(potential, moved).energy
    }
    let slopes = try [2e-3, 3e-3, 4e-3, 6e-3].map { h in
      try (8 * (energy(h) - energy(-h)) - (energy(2 * h) - energy(-2 * h))) / (12 * h)
    }
    let slope = slopes.reduce(0, +) / Double(slopes.count)
    let expected = zip(forces, direction).reduce(0) { $0 - dot($1.0, $1.1) }
    let scale = zip(forces, direction).reduce(0) { $0 + dot($1.0, $1.0) * dot($1.1, $1.1) }.squareRoot()
    #expect(abs(slope - expected) < 5e-5 * scale)
  }

  @Test(arguments: [2, 3, 5, 64]) func threadsAgreeToRoundingAndRepeatToTheBit(threads: Int) throws {
    let system = try water(copies: 1)
    let one = try evaluate(try potential(threads: 1), system)
    let (first, second) = (
      try evaluate(try potential(threads: threads), system),
      try evaluate(try potential(threads: threads), system)
    )
    #expect(first.energy == second.energy && first.forces == second.forces && first.stress == second.stress)
    #expect(abs(first.energy - one.energy) < 1e-6 * Double(system.count))
    #expect(largest(first.forces, one.forces) < 1e-4)
  }
}
