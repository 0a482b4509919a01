// Restraints in dynamics, from the deck to the log.

import Foundation
import Lattice
import Testing
import Trajectory

@testable import Deck
@testable import Simulation

private func columns(_ path: String) throws -> [String: [Double]] {
  let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
  let names = lines[0].dropFirst(2).split(separator: "\t").map { String($0.prefix { $0 != " " }) }
  let rows = lines.dropFirst().map { $0.split(separator: "\t").map { Double($0) ?? .nan } }
  return Dictionary(uniqueKeysWithValues: names.indices.map { n in (names[n], rows.map { $0[n] }) })
}

/// Argon that starts at rest: nothing moves but by its restraints, and no pair crosses the cut-off, where the energy jumps.
private func run(_ restraints: String, steps: Int, in folder: String) throws -> [String: [Double]] {
  try argonStructure().write(toFile: "\(folder)/argon.xyz", atomically: true, encoding: .utf8)
  let deck = try Deck(
    text: """
      structure: argon.xyz
      model: none.h5
      ensemble: nve
      timestep: 4 fs
      steps: \(steps)
      log: {every: 1 step}
      output: {folder: .}
      restraints: [\(restraints)]
      """, file: "argon.yaml", folder: folder)
  var run = try Simulation(deck: deck, forceField: ForceField.lennardJones)
  try run.run(overwrite: false)
  return try columns(run.files.log)
}

@Test func restrainedDynamicsConservesItsEnergy() throws {
  let folder = try TemporaryFolder()
  let log = try run(
    "{name: d, type: distance, atoms: [1, 2], center: 4 A, k: 2 eV/A^2}, "
      + "{type: position, atoms: [1, 2], upper: 0.02 A, k: 0.5 eV/A^2}", steps: 100, in: folder.path)
  let energy = try #require(log["conserved_energy"])
  let restraints = try #require(log["restraint_energy"])
  // That of the restraints came and went.
  #expect((restraints.max() ?? 0) > 0.03 && (restraints.min() ?? 1) < 0.01)
  #expect(energy.allSatisfy { abs($0 - energy[0]) < 3e-4 })
  #expect(Set(log.keys).isSuperset(of: ["d", "restraint_2"]))
}

@Test func theConservedEnergyGrowsByTheWorkOfAMovingRestraint() throws {
  let folder = try TemporaryFolder()
  let log = try run(
    "{name: d, type: distance, atoms: [1, 2], from: 3.84 A, to: 4.2 A, k: 2 eV/A^2}", steps: 200,
    in: folder.path)
  let (d, center) = try (#require(log["d"]), #require(log["d_center"]))
  #expect(center.first == 3.84 && abs((center.last ?? 0) - 4.2) < 1e-12)
  // W = - integral of k (q - c) dc, by the trapezoidal rule.
  var work = 0.0
  for n in 1..<d.count {
    work -= 2 * ((d[n] - center[n]) + (d[n - 1] - center[n - 1])) / 2 * (center[n] - center[n - 1])
  }
  let energy = try #require(log["conserved_energy"])
  let change = energy[energy.count - 1] - energy[0]
  #expect(work > 0.003 && abs(change - work) < 0.05 * work, "\(change) \(work)")
}

@Test func restraintsThatDoNotFitTheSystemAreExplained() throws {
  let folder = try TemporaryFolder()
  for (restraint, words) in [
    ("{type: distance, atoms: [1, 33], center: 3 A, k: 1 eV/A^2}", "names atom 33, which is not there"),
    (
      "{type: distance, atoms: [1, 2], center: 6 A, k: 1 eV/A^2}",
      "further than half the cell (5.400 Angstrom)"
    ),
  ] {
    let error = #expect(throws: DeckError.self) {
      try Simulation(
        deck: argonDeck("ensemble: nve\nrestraints: [\(restraint)]", steps: 1, in: folder.path),
        forceField: ForceField.lennardJones)
    }
    #expect(error?.description.contains(words) == true, "\(error as Any)")
  }
}
