// Reference configurations with energies, forces and stress, as Tests/Golden/README.md lays them out.

import Foundation
import HDF5
import Lattice

@testable import LRMACE
@testable import LRMACEModel

struct GoldenFrame {
  let name: String
  let system: AtomicSystem
  let energy: Double
  let atomicEnergies: [Double]
  let forces: [Vector3]
  /// Periodic frames only.
  let stress: Matrix3?
  /// X of the layers with conserved sources, [atom][column].
  let sources: [Int: [[Double]]]

  static func all(in path: String) throws -> [GoldenFrame] {
    let file = try HDF5File(reading: path)
    return try file.children(of: "frames").map { name in
      let group = "frames/\(name)"
      func vectors(_ dataset: String) throws -> [Vector3] {
        let x = try file.readDoubles("\(group)/\(dataset)").values
        return stride(from: 0, to: x.count, by: 3).map { Vector3(x[$0], x[$0 + 1], x[$0 + 2]) }
      }
      let numbers = try file.readIntegers("\(group)/numbers").values
      let periodic = try file.readIntegers("\(group)/pbc").values.map { $0 != 0 }
      let rows = try vectors("cell")
      let matrix = Matrix3(rows[0], rows[1], rows[2])
      let cell = periodic.contains(true) ? Cell(vectors: matrix, isPeriodic: periodic) : Cell.free
      let stress = try file.exists("\(group)/stress") ? vectors("stress") : nil
      var sources: [Int: [[Double]]] = [:]
      for t in 0..<8 where try file.exists("\(group)/X_\(t)") {
        let (x, shape) = try file.readDoubles("\(group)/X_\(t)")
        sources[t] = (0..<shape[0]).map { Array(x[$0 * shape[1]..<($0 + 1) * shape[1]]) }
      }
      return GoldenFrame(
        name: name,
        system: AtomicSystem(
          cell: cell, atomicNumbers: numbers, masses: numbers.map { Elements.mass($0) ?? 1 },
          positions: try vectors("positions")),
        energy: try file.readDoubles("\(group)/energy").values[0],
        atomicEnergies: try file.readDoubles("\(group)/node_energy").values, forces: try vectors("forces"),
        stress: stress.map { Matrix3($0[0], $0[1], $0[2]) }, sources: sources)
    }
  }

  /// Largest deviations of an evaluation: energy per atom, energy of an atom, force component, stress component.
  func deviation(of result: Evaluation) -> (energy: Double, atomic: Double, force: Double, stress: Double) {
    var force = 0.0
    for (a, b) in zip(result.forces, forces) { force = max(force, largest(a - b)) }
    var stressDeviation = 0.0
    if let stress {
      for i in 0..<3 { stressDeviation = max(stressDeviation, largest(result.stress[i] - stress[i])) }
    }
    return (
      abs(result.energy - energy) / Double(system.count),
      zip(result.atomicEnergies, atomicEnergies).map { abs($0 - $1) }.max() ?? 0, force, stressDeviation
    )
  }
}

func largest(_ v: Vector3) -> Double { max(abs(v.x), abs(v.y), abs(v.z)) }
