// The reaction that ships, as its deck says it: F- and CH3I meet from 12 A apart.

import Foundation
import Lattice
import Testing
import Trajectory

@testable import Deck
@testable import Simulation

@Test func reactionThatShipsReactsKeepsItsEnergyAndMovesItsChargeSmoothly() throws {
  let folder = try TemporaryFolder()
  let deck = try Deck(
    path: root.appending(path: "Inputs/sn2.yaml").path,
    overrides: ["output.folder": .text(folder.path), "threads": "1"])
  var farthest: Extrapolation?
  var simulation = try Simulation(deck: deck) { event in
    if case .report(let report) = event { farthest = report.farthest }
  }
  try simulation.run(overwrite: false)
  #expect(try #require(farthest).grade < 1)

  let reader = try H5MDReader(simulation.files.trajectory)
  let frames = try (0..<reader.frameCount).map { try reader.frame($0) }
  let (first, last) = try (#require(frames.first), #require(frames.last))
  func distance(_ frame: H5MDFrame, _ atom: Int) -> Double {
    length(frame.system.positions[atom] - frame.system.positions[1])
  }
  #expect(distance(first, 0) > 10 && distance(first, 5) < 2.5)
  #expect(distance(last, 0) < 2 && distance(last, 5) > 10)
  let energies = frames.compactMap { $0.observables["conserved_energy"] }
  #expect(energies.count == frames.count)
  #expect(energies.allSatisfy { abs($0 - energies[0]) < 3e-3 })
  let charges = frames.compactMap(\.charges)
  #expect(charges.allSatisfy { abs($0.reduce(0, +) + 1) < 1e-5 })
  #expect(charges[0][5] > -0.5 && charges[charges.count - 1][5] < -0.95)
  for (before, after) in zip(charges, charges.dropFirst()) { #expect(abs(after[5] - before[5]) < 0.15) }
}
