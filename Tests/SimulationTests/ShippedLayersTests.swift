// The layers that ship, as their deck says it: two of black phosphorus at 300 K.

import Foundation
import LRMACE
import LRMACEModel
import Lattice
import Testing
import Trajectory

@testable import Deck
@testable import Simulation

/// PBE-D4 has -1.60 meV per atom for a gap of 8 Angstrom and -0.17 for one of 15 (Examples/phosphorene): messages end at 5.
@Test func layersThatShipAttractEachOtherBeyondMessages() throws {
  let model = try Model(contentsOf: root.appending(path: "Models/phosphorene.h5").path)
  let potential = try LRMACEPotential(model: model, precision: .mixed)
  let system = try ExtendedXYZ.read(root.appending(path: "Inputs/phosphorene.xyz").path).system
  let middle = system.positions.reduce(0) { $0 + $1.z } / Double(system.count)
  func energy(gap: Double) throws -> Double {
    var apart = system
    for i in apart.positions.indices where apart.positions[i].z > middle {
      apart.positions[i].z += gap - 3.072
    }
    var result = Evaluation()
    try potential.evaluate(apart, into: &result)
    return 1000 * result.energy / Double(system.count)
  }
  let separate = try energy(gap: 200)
  #expect(try abs(energy(gap: 3.072) - separate + 58.5) < 4)
  #expect(try abs(energy(gap: 8) - separate + 1.60) < 1.2)
  #expect(try abs(energy(gap: 15) - separate + 0.17) < 0.15)
}

@Test func layersThatShipStayTogetherAtRoomTemperature() throws {
  let folder = try TemporaryFolder()
  let deck = try Deck(
    path: root.appending(path: "Inputs/phosphorene.yaml").path,
    overrides: ["output.folder": .text(folder.path), "threads": "2", "steps": "400"])
  var farthest: Extrapolation?
  var simulation = try Simulation(deck: deck) { event in
    if case .report(let report) = event { farthest = report.farthest }
  }
  try simulation.run(overwrite: false)
  #expect(try #require(farthest).grade < 1.5)
  let reader = try H5MDReader(simulation.files.trajectory)
  let frames = try (0..<reader.frameCount).map { try reader.frame($0) }
  let energies = frames.compactMap { $0.observables["conserved_energy"] }
  #expect(energies.count == frames.count)
  #expect(energies.allSatisfy { abs($0 - energies[0]) < 0.1 })
  let heights = try #require(frames.last).system.positions.map(\.z)
  #expect((heights.max() ?? 0) - (heights.min() ?? 0) < 9)
}
