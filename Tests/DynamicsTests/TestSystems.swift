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
func springCube(stiffness: Double = 2, isFixed: [Bool]? = nil) -> (AtomicSystem, SpringCluster) {
  let corners = (0..<8).map { Vector3(Double($0 & 1), Double(($0 >> 1) & 1), Double($0 >> 2)) * 1.5 }
  let system = AtomicSystem(
    cell: .free, atomicNumbers: Array(repeating: 6, count: 8), masses: (0..<8).map { $0 % 2 == 0 ? 12 : 16 },
    positions: corners, isFixed: isFixed)
  return (system, SpringCluster(stiffness: stiffness, rest: corners))
}
