// Potentials with known minima, and what a search among them comes to.

import Dynamics
import Foundation
import Lattice

@testable import Statics

/// 4 epsilon ((sigma/r)^12 - (sigma/r)^6) between all atoms of a free cluster, epsilon = sigma = 1.
final class LennardJonesCluster: Potential {
  private(set) var evaluations = 0

  func evaluate(_ system: AtomicSystem, into result: inout Evaluation) {
    evaluations += 1
    result.energy = 0
    result.forces = Array(repeating: .zero, count: system.count)
    for i in 0..<system.count {
      for j in 0..<i {
        let d = system.positions[i] - system.positions[j]
        let s2 = 1 / dot(d, d)
        let s6 = s2 * s2 * s2
        result.energy += 4 * (s6 * s6 - s6)
        let f = d * (24 * (2 * s6 * s6 - s6) * s2)
        result.forces[i] += f
        result.forces[j] -= f
      }
    }
  }
}

/// A simple cubic crystal, one atom in the cell, of harmonic strain energy with the elastic constants `bulk` and `shear`:
/// U = V_0 (bulk/2 tr(E)^2 + shear dev(E) : dev(E)) with E the logarithmic strain from a cube of `edge` Angstrom, and the one
/// atom tethered to nothing. Only for cells whose strains commute (diagonal ones).
final class ElasticCube: Potential {
  let (edge, bulk, shear): (Double, Double, Double)
  init(edge: Double, bulk: Double, shear: Double) { (self.edge, self.bulk, self.shear) = (edge, bulk, shear) }

  func evaluate(_ system: AtomicSystem, into result: inout Evaluation) {
    let a = system.cell.vectors
    let e = Vector3(log(a.x.x / edge), log(a.y.y / edge), log(a.z.z / edge))
    let mean = e.sum() / 3
    let deviator = e - Vector3(repeating: mean)
    let v0 = edge * edge * edge
    result.energy = v0 * (bulk / 2 * e.sum() * e.sum() + shear * dot(deviator, deviator))
    result.forces = Array(repeating: .zero, count: system.count)
    let derivative = (Vector3(repeating: bulk * e.sum()) + deviator * (2 * shear)) * (v0 / system.cell.volume)
    result.stress = Matrix3([derivative.x, 0, 0], [0, derivative.y, 0], [0, 0, derivative.z])
  }
}

/// Nearest neighbours on springs in a periodic cell, U = sum k/2 (|d| - L)^2, by direct search over images.
final class SpringLattice: Potential {
  let (k, rest, bonds): (Double, Double, [(i: Int, j: Int, shift: Vector3)])

  /// - Parameter reach: atoms closer than this in `system` are bonded.
  init(k: Double, rest: Double, reach: Double, _ system: AtomicSystem) {
    var bonds: [(i: Int, j: Int, shift: Vector3)] = []
    for i in 0..<system.count {
      for j in 0..<system.count {
        for n in 0..<27 {
          let shift = Vector3(Double(n % 3) - 1, Double(n / 3 % 3) - 1, Double(n / 9) - 1)
          let d = system.positions[j] + shift * system.cell.vectors - system.positions[i]
          if length(d) < reach, length(d) > 1e-9, j > i || j == i && n > 13 { bonds.append((i, j, shift)) }
        }
      }
    }
    (self.k, self.rest, self.bonds) = (k, rest, bonds)
  }

  func evaluate(_ system: AtomicSystem, into result: inout Evaluation) {
    result.energy = 0
    result.forces = Array(repeating: .zero, count: system.count)
    var virial = Matrix3.zero
    for bond in bonds {
      let d = system.positions[bond.j] + bond.shift * system.cell.vectors - system.positions[bond.i]
      let r = length(d)
      let g = d * (k * (r - rest) / r)
      result.energy += k / 2 * (r - rest) * (r - rest)
      result.forces[bond.i] += g
      result.forces[bond.j] -= g
      virial += Matrix3(d.x * g, d.y * g, d.z * g)
    }
    result.stress = virial * (1 / system.cell.volume)
  }
}

/// Eight atoms of a face-centred cubic crystal of springs, sheared and shaken, and its potential, whose minimum has all bonds
/// `rest` long.
func shakenCrystal(rest: Double = 2.5) -> (AtomicSystem, SpringLattice) {
  let a = rest * 2.0.squareRoot()
  let basis: [Vector3] = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
  let sites = (0..<2).flatMap { n in basis.map { ($0 + Vector3(Double(n), 0, 0)) * a } }
  var system = AtomicSystem(
    cell: Cell(vectors: Matrix3([2 * a, 0, 0], [0, a, 0], [0, 0, a])),
    atomicNumbers: Array(repeating: 18, count: 8), masses: Array(repeating: 40, count: 8), positions: sites)
  let potential = SpringLattice(k: 3, rest: rest, reach: 1.1 * rest, system)
  let map = Matrix3([1.06, 0.03, 0], [0.02, 0.97, 0.04], [0, -0.03, 1.02])
  system.cell = Cell(vectors: system.cell.vectors * map)
  let random = CounterRNG(seed: 5)
  system.positions = sites.indices.map {
    sites[$0] * map + 0.1 * random.normals(step: 0, atom: $0, stream: 9)
  }
  return (system, potential)
}

func cluster(_ positions: [Vector3], moveMask: [Vector3]? = nil) -> AtomicSystem {
  AtomicSystem(
    cell: .free, atomicNumbers: Array(repeating: 18, count: positions.count),
    masses: Array(repeating: 40, count: positions.count), positions: positions, moveMask: moveMask)
}

/// Runs `motion` to its end.
func finish<M: Motion>(_ motion: M) throws -> M {
  var motion = motion
  try motion.prepare()
  while !motion.isFinished { try motion.advance() }
  return motion
}
