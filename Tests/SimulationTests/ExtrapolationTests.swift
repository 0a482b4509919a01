// A run says when it leaves what its model has learned.

import Foundation
import Lattice
import Testing
import Trajectory

@testable import Deck
@testable import Simulation

/// Argon whose third atom gets farther from what was learned with every evaluation: grade `slope` times their number.
private func leaving(_ slope: Double) -> ForceField {
  let potential = LennardJones()
  return ForceField(
    potential: potential, species: [18], hash: "lennard-jones",
    extrapolationGrades: { [0.1, 0.2, slope * Double(potential.evaluations), 0.3] })
}

private func events(_ forceField: ForceField, steps: Int) throws -> [Event] {
  let folder = try TemporaryFolder()
  var events: [Event] = []
  var simulation = try Simulation(
    deck: argonDeck("ensemble: nve", steps: steps, in: folder.path),
    events: { events.append($0) }, forceField: { _ in forceField })
  try simulation.run(overwrite: false)
  return events
}

/// Every second step is logged: grades 0.3, 0.5 ... 4.1, 1.7 the first beyond 1.5, 3.5 the first beyond twice that.
@Test func runWarnsWhenItLeavesTheDataAndAgainTwiceAsFar() throws {
  let found = try events(leaving(0.1), steps: 40)
  let warnings = found.compactMap { if case .warning(let warning) = $0 { warning.description } else { nil } }
  #expect(warnings.count == 2)
  #expect(warnings.first?.contains("atom 3 (Ar) was 1.70 times as far from the training data") == true)
  #expect(warnings.first?.contains("at step 16 (") == true && warnings.last?.contains("3.50 times") == true)
  #expect(found.last?.description.contains("Atom 3 (Ar) was 4.10 times as far") == true)
}

@Test func runWithinTheDataSaysSoAtItsEnd() throws {
  let found = try events(leaving(0.01), steps: 40)
  #expect(!found.contains { $0.isWarning })
  #expect(found.last?.description.contains("than 0.41 times the farthest atom there") == true)
}

@Test func runOfAModelThatDoesNotKnowItsDataSaysNothing() throws {
  let folder = try TemporaryFolder()
  var last = ""
  var simulation = try Simulation(
    deck: argonDeck("ensemble: nve", steps: 3, in: folder.path), events: { last = $0.description },
    forceField: ForceField.lennardJones)
  try simulation.run(overwrite: false)
  #expect(!last.contains("training data"))
}

@Test func evaluationTellsHowFarEachFrameIsFromTheData() throws {
  let folder = try TemporaryFolder()
  let frame = "2\nProperties=species:S:1:pos:R:3\nAr 0 0 0\nAr 0 0 3.8\n"
  try (frame + frame).write(toFile: "\(folder.path)/in.xyz", atomically: true, encoding: .utf8)
  var table: [String] = []
  try evaluateStructures(
    in: "\(folder.path)/in.xyz", with: leaving(0.8), output: "\(folder.path)/out.xyz"
  ) { if case .result(let line) = $0 { table.append(line) } }
  #expect(table.count == 3 && table[0].hasSuffix("farthest from the data"))
  #expect(table[1].hasSuffix(" 0.80") && table[2].hasSuffix(" 1.60"))
  let written = try ExtendedXYZ.readAll("\(folder.path)/out.xyz")
  #expect(written.map { $0.info["extrapolation_grade"] } == ["0.800", "1.600"])
}
