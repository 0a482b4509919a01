// Small systems with analytic forces on which the integrators are proven.

import Foundation
import Lattice
import Testing

@testable import Dynamics

/// Independent harmonic oscillators, U = 1/2 sum_i k_i |r_i - R_i|^2.
final class HarmonicTethers: Potential {
  let stiffness: [Double]
  let anchors: [Vector3]

  init(stiffness: [Double], anchors: [Vector3]) {
    self.stiffness = stiffness
    self.anchors = anchors
  }

  func evaluate(_ system: AtomicSystem, into result: inout Evaluation) {
    result.reset(count: system.count)
    for i in 0..<system.count {
      let d = system.positions[i] - anchors[i]
      result.forces[i] = -stiffness[i] * d
      result.energy += stiffness[i] * dot(d, d) / 2
    }
  }
}

/// A bonded cluster, U = sum_(i<j) 1/2 k (|r_i - r_j| - L_ij)^2: anharmonic and translation-invariant.
final class SpringCluster: Potential {
  let stiffness: Double
  let restLengths: [[Double]]

  init(stiffness: Double, rest: [Vector3]) {
    self.stiffness = stiffness
    self.restLengths = rest.map { a in rest.map { b in length(a - b) } }
  }

  func evaluate(_ system: AtomicSystem, into result: inout Evaluation) {
    result.reset(count: system.count)
    for i in 0..<system.count {
      for j in 0..<i {
        let d = system.positions[i] - system.positions[j]
        let r = length(d)
        let stretch = r - restLengths[i][j]
        let f = d * (-stiffness * stretch / r)
        result.forces[i] += f
        result.forces[j] -= f
        result.energy += stiffness * stretch * stretch / 2
      }
    }
  }
}

/// Returns whatever it is told to.
final class PrescribedForces: Potential {
  var energy = 0.0
  var stress = Matrix3.zero
  var forces: [Vector3]

  init(forces: [Vector3]) { self.forces = forces }

  func evaluate(_ system: AtomicSystem, into result: inout Evaluation) {
    result.energy = energy
    result.stress = stress
    result.forces = forces
  }
}

extension Evaluation {
  mutating func reset(count: Int) {
    energy = 0
    if forces.count != count { forces = Array(repeating: .zero, count: count) }
    for i in 0..<count { forces[i] = .zero }
  }
}

/// A run in the making.
struct Run {
  var system: AtomicSystem
  let potential: any Potential
  var integrator: any Integrator
  var evaluation = Evaluation()

  init(_ system: AtomicSystem, _ potential: any Potential, _ integrator: any Integrator) throws {
    self.system = system
    self.potential = potential
    self.integrator = integrator
    try integrator.prepare(system, potential, &evaluation)
  }

  /// What a checkpoint holds of it, carried into a new run with its own potential and evaluation.
  func resumed(with potential: any Potential, _ fresh: any Integrator) throws -> Run {
    var integrator = fresh
    try integrator.restore(self.integrator.state, at: self.integrator.completedSteps)
    return try Run(system, potential, integrator)
  }

  mutating func advance(_ steps: Int, observe: (Run) -> Void = { _ in }) throws {
    for _ in 0..<steps {
      try integrator.step(&system, potential, &evaluation)
      observe(self)
    }
  }

  var conserved: Double { integrator.conservedQuantity(system, evaluation) }
}

/// Bits of all that a run holds; equal bits, equal futures.
func bits(_ run: Run) -> [UInt64] {
  (run.system.positions + run.system.velocities + run.evaluation.forces)
    .flatMap { [$0.x.bitPattern, $0.y.bitPattern, $0.z.bitPattern] }
    + run.integrator.state.values.sorted { $0.key < $1.key }.flatMap { numbers($0.value).map(\.bitPattern) }
    + [run.conserved.bitPattern, UInt64(run.integrator.completedSteps)]
}

/// The numbers of a value of a saved state; none if it holds others.
func numbers(_ value: StateTree.Value?) -> [Double] {
  if case .numbers(let numbers) = value { numbers } else { [] }
}

/// Oscillators of `stiffness` (eV/Angstrom^2) and `masses` (u) at rest on a line, one per entry.
func oscillators(stiffness: [Double], masses: [Double]) -> (AtomicSystem, HarmonicTethers) {
  let anchors = stiffness.indices.map { Vector3(3 * Double($0), 0, 0) }
  let system = AtomicSystem(
    cell: .free, atomicNumbers: Array(repeating: 6, count: masses.count), masses: masses, positions: anchors)
  return (system, HarmonicTethers(stiffness: stiffness, anchors: anchors))
}

/// Eight atoms of two masses on the corners of a 1.5 Angstrom cube, bonded all to all; `stiffness` in
/// eV/Angstrom^2.
func springCube(stiffness: Double = 2, moveMask: [Vector3]? = nil) -> (AtomicSystem, SpringCluster) {
  let corners = (0..<8).map { Vector3(Double($0 & 1), Double(($0 >> 1) & 1), Double($0 >> 2)) * 1.5 }
  let system = AtomicSystem(
    cell: .free, atomicNumbers: Array(repeating: 6, count: 8), masses: (0..<8).map { $0 % 2 == 0 ? 12 : 16 },
    positions: corners, moveMask: moveMask)
  return (system, SpringCluster(stiffness: stiffness, rest: corners))
}

// MARK: - In periodic cells

/// A crystal of springs, U = sum over bonds of 1/2 k (|r_i - r_j - S A| - L)^2: anharmonic, with a stress, and no bond breaks.
final class SpringCrystal: Potential {
  let stiffness: Double
  private let bonds: [(i: Int, j: Int, shift: Vector3, rest: Double)]

  /// Bonds between different atoms that are closer than `cutoff` Angstrom in `system`, each as long as it is there.
  init(stiffness: Double, cutoff: Double, _ system: AtomicSystem) throws {
    self.stiffness = stiffness
    var list = NeighborList(cutoff: cutoff, skin: 0)
    try list.build(positions: system.positions, cell: system.cell)
    var bonds: [(i: Int, j: Int, shift: Vector3, rest: Double)] = []
    for i in 0..<system.count {
      for pair in list.pairs(of: i) where list.neighbors[pair] > i {
        let d = list.displacement(pair, of: i, positions: system.positions, cell: system.cell)
        let rest = length(d)
        if rest < cutoff { bonds.append((i, Int(list.neighbors[pair]), Vector3(list.shifts[pair]), rest)) }
      }
    }
    self.bonds = bonds
  }

  func evaluate(_ system: AtomicSystem, into result: inout Evaluation) {
    result.reset(count: system.count)
    result.stress = .zero
    for bond in bonds {
      let d = system.positions[bond.i] - system.positions[bond.j] - bond.shift * system.cell.vectors
      let r = length(d)
      let f = d * (-stiffness * (r - bond.rest) / r)
      result.forces[bond.i] += f
      result.forces[bond.j] -= f
      result.energy += stiffness * (r - bond.rest) * (r - bond.rest) / 2
      result.stress += Matrix3(d.x * f, d.y * f, d.z * f)
    }
    result.stress = result.stress * (-1 / system.cell.volume)
  }
}

/// Nothing acts on nothing.
final class IdealGas: Potential {
  func evaluate(_ system: AtomicSystem, into result: inout Evaluation) { result.reset(count: system.count) }
}

extension Run {
  /// Volumes at 300 K have a Gamma distribution: P(V) ~ V^(shape - 1) exp(-pV/kT), of mean `shape` kT/p and variance
  /// `shape` (kT/p)^2. Bounds: four standard errors, which must be below 1.5% and 6%. A block goes by first.
  mutating func expectVolumesOfAnIdealGas(
    shape: Double, pressure p: Double, blockLength: Int, steps: Int,
    at place: SourceLocation = #_sourceLocation
  ) throws {
    let kT = Units.boltzmann * 300
    var mean = BlockAverage(blockLength: blockLength)
    var variance = mean
    try advance(blockLength)
    try advance(steps) {
      let v = $0.system.cell.volume * p / kT
      mean.add(v / shape)
      variance.add((v - shape) * (v - shape) / shape)
    }
    #expect(mean.standardError < 0.015, sourceLocation: place)
    #expect(abs(mean.mean - 1) < 4 * mean.standardError, sourceLocation: place)
    #expect(variance.standardError < 0.06, sourceLocation: place)
    #expect(abs(variance.mean - 1) < 4 * variance.standardError, sourceLocation: place)
  }
}

/// Twenty-seven atoms of two masses, 3 Angstrom apart in a simple cubic crystal with springs to 18 neighbours, in a cell
/// that `shear` has deformed.
func springCrystal(stiffness: Double = 0.2, shear: Matrix3 = .zero) throws -> (AtomicSystem, SpringCrystal) {
  let sites = (0..<27).map { 3 * Vector3(SIMD3<Int>($0 % 3, $0 / 3 % 3, $0 / 9)) }
  let straight = AtomicSystem(
    cell: Cell(vectors: .identity * 9), atomicNumbers: Array(repeating: 18, count: 27),
    masses: (0..<27).map { $0 % 2 == 0 ? 30 : 50 }, positions: sites)
  let potential = try SpringCrystal(stiffness: stiffness, cutoff: 4.5, straight)
  var system = straight
  let map = Matrix3.identity + shear
  system.cell = Cell(vectors: straight.cell.vectors * map)
  system.positions = sites.map { $0 * map }
  return (system, potential)
}

/// `count` atoms of 40 u in a cube of `length` Angstrom.
func gas(count: Int, length: Double) -> AtomicSystem {
  AtomicSystem(
    cell: Cell(vectors: .identity * length), atomicNumbers: Array(repeating: 18, count: count),
    masses: Array(repeating: 40, count: count),
    positions: (0..<count).map { Vector3(Double($0), 0.5, 0.25) * (length / Double(count)) })
}
