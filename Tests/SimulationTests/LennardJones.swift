// Argon, a force field cheap enough to run the run loop hundreds of times.

import Foundation
import Lattice

@testable import Deck
@testable import Simulation

/// 4 epsilon ((sigma/r)^12 - (sigma/r)^6), truncated at the cut-off.
final class LennardJones: Potential {
  private let epsilon = 0.0104
  private let sigma = 3.40
  private var list = NeighborList(cutoff: 5.0, skin: 0.4)
  /// The evaluation that returns no number, to let a run fail.
  var failingEvaluation: Int?
  private(set) var evaluations = 0

  func evaluate(_ system: AtomicSystem, into result: inout Evaluation) throws {
    let plan = result.plan ?? EvaluationPlan(cell: system.cell, positions: system.positions)
    if let choice = plan.choices.keys.first { throw PlanError("argon has no choice of \(choice)") }
    result.plan = plan
    _ = try list.update(positions: system.positions, cell: system.cell)
    result.energy = 0
    result.forces = Array(repeating: .zero, count: system.count)
    result.stress = .zero
    for i in 0..<system.count {
      for pair in list.pairs(of: i) {
        let d = list.displacement(pair, of: i, positions: system.positions, cell: system.cell)
        let r2 = dot(d, d)
        guard r2 < list.cutoff * list.cutoff else { continue }
        let s6 = pow(sigma * sigma / r2, 3)
        result.energy += 2 * epsilon * (s6 * s6 - s6)
        let force = d * (24 * epsilon * (2 * s6 * s6 - s6) / r2)
        result.forces[i] += force
        result.stress += Matrix3(d.x * force, d.y * force, d.z * force) * (-0.5 / system.cell.volume)
      }
    }
    evaluations += 1
    if evaluations == failingEvaluation { result.forces[0] = Vector3(repeating: .nan) }
  }
}

extension ForceField {
  static func lennardJones(_: Deck) -> ForceField {
    ForceField(potential: LennardJones(), species: [18], hash: "lennard-jones")
  }
}

/// A folder of its own, removed with the object.
final class TemporaryFolder {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent("bloch-\(UUID().uuidString)").path

  init() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")) }
}

/// 32 argon atoms on a slightly shaken face-centred cubic lattice, as extended XYZ.
func argonStructure() -> String {
  let a = 5.4
  var text =
    "32\nLattice=\"\(2 * a) 0 0 0 \(2 * a) 0 0 0 \(2 * a)\" Properties=species:S:1:pos:R:3 pbc=\"T T T\"\n"
  let basis: [Vector3] = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
  for cell in 0..<8 {
    for site in basis {
      let r = (Vector3(Double(cell & 1), Double(cell >> 1 & 1), Double(cell >> 2)) + site) * a
      text += "Ar \(r.x + 0.05 * sin(Double(cell))) \(r.y) \(r.z)\n"
    }
  }
  return text
}

/// The deck of an argon run in `folder`; `motion` holds its ensemble and thermostat.
func argonDeck(_ motion: String, steps: Int, in folder: String, name: String = "argon") throws -> Deck {
  let structure = "\(folder)/argon.xyz"
  try argonStructure().write(toFile: structure, atomically: true, encoding: .utf8)
  return try Deck(
    text: """
      structure: argon.xyz
      model: none.h5
      timestep: 4 fs
      steps: \(steps)
      temperature: 120 K
      trajectory: {every: 3 steps, forces: true, precision: double}
      log: {every: 2 steps}
      checkpoint: {every: 7 steps}
      output: {folder: ., name: \(name)}
      \(motion)
      """, file: "argon.yaml", folder: folder)
}

/// How `body` fails, nil if it does not.
func failure(_ body: () throws -> Void) -> RunFailure? {
  do {
    try body()
    return nil
  } catch {
    return RunFailure(error)
  }
}
