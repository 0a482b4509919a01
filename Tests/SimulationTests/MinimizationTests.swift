// Minimisations from deck to files: the loop of a run, with an end of their own.

import Foundation
import Lattice
import Testing
import Trajectory

@testable import Deck
@testable import Simulation

/// The deck of a minimisation of argon, whose first atom lies off its place.
private func deck(_ keys: String, in folder: String, name: String = "argon") throws -> Deck {
  try argonStructure().replacingOccurrences(of: "\nAr 0.0 0.0 0.0\n", with: "\nAr 0.3 -0.2 0.4\n")
    .write(toFile: "\(folder)/argon.xyz", atomically: true, encoding: .utf8)
  return try Deck(
    text: """
      structure: argon.xyz
      model: none.h5
      output: {folder: ., name: \(name)}
      trajectory: {every: 3 steps, forces: true, precision: double}
      checkpoint: {every: 7 steps}
      \(keys)
      """, file: "argon.yaml", folder: folder)
}

private func simulation(
  _ keys: String, in folder: String, name: String = "argon", events: @escaping EventHandler = { _ in }
) throws -> Simulation {
  try Simulation(
    deck: deck(keys, in: folder, name: name), events: events, forceField: ForceField.lennardJones)
}

@Test(arguments: ["l-bfgs", "fire"]) func aMinimisationEndsWhereTheForcesAreSmall(_ algorithm: String) throws
{
  let folder = try TemporaryFolder()
  var words = ""
  var search = try simulation(
    "minimize: {algorithm: \(algorithm), force: 1e-5 eV/A}", in: folder.path,
    events: { words += "\($0)\n" })
  let start = search.system
  #expect(try search.check().contains("minimisation    \(algorithm), at most 1000 steps"))
  try search.run(overwrite: false)
  let end = search.frame
  let forces = try #require(try H5MDReader(search.files.trajectory).lastForces())
  #expect(
    forces.allSatisfy { length($0) <= 1.001e-5 } && end.quantities["largest_force"].map { $0 <= 1e-5 } == true
  )
  for (written, force) in zip(forces, end.evaluation.forces) { #expect(length(written - force) < 1e-12) }
  #expect(end.step > 3 && end.step < 400 && end.system.cell == start.cell)
  #expect(words.contains("Converged at step \(end.step): largest force") && !words.contains("ns/day"))
  #expect(try Checkpoint.read(search.files.checkpoint).step == end.step)
  let log = try String(contentsOfFile: search.files.log, encoding: .utf8).split(separator: "\n")
  #expect(log[0] == "# step [1]\tpotential_energy [eV]\tlargest_force [eV/Angstrom]\tpressure [bar]")
  #expect(log.count == Int(end.step) + 2)
}

extension H5MDReader {
  fileprivate func lastForces() throws -> [Vector3]? { try frame(frameCount - 1).forces }
}

@Test(arguments: ["l-bfgs", "fire"]) func anInterruptedMinimisationGoesOnBitForBit(_ algorithm: String) throws
{
  let folder = try TemporaryFolder()
  let keys = "minimize: {algorithm: \(algorithm), force: 1e-5 eV/A, cell: triclinic, stress: 1 bar}"
  var whole = try simulation(keys, in: folder.path, name: "whole")
  try whole.run(overwrite: false)
  var half = try simulation(keys, in: folder.path, name: "half")
  var asked = 0
  try half.run(overwrite: false) {
    asked += 1
    return asked > 11 ? "the test" : nil
  }
  #expect(half.frame.step == 11 && whole.frame.step > 11)
  var rest = try Simulation(checkpoint: half.files.checkpoint, forceField: ForceField.lennardJones)
  try rest.resume()
  try expectSameRun(whole, rest)
}

@Test func aSearchWithoutSuccessSaysSoAndCanGoOn() throws {
  let folder = try TemporaryFolder()
  var search = try simulation("minimize: {force: 1e-5 eV/A}\nsteps: 4", in: folder.path)
  let failed = try #require(failure { try search.run(overwrite: false) })
  #expect(failed.exitCode == 5)
  #expect(failed.message.contains("a minimisation that has not converged in 4 steps: largest force"))
  #expect(failed.message.contains("--steps N"))
  // It is as complete, and as far from its goal, when it is asked again.
  var again = try Simulation(checkpoint: search.files.checkpoint, forceField: ForceField.lennardJones)
  #expect(failure { try again.resume() }?.exitCode == 5)
  var rest = try Simulation(
    checkpoint: search.files.checkpoint, options: ResumeOptions(steps: 300),
    forceField: ForceField.lennardJones)
  try rest.resume()
  #expect(rest.motion.isFinished && rest.frame.step < 304)
}

@Test func aCellRelaxesToThePressureOfTheDeck() throws {
  let folder = try TemporaryFolder()
  for (coupling, pressure) in [("isotropic", "2 kbar"), ("orthorhombic", "[0 bar, 1 kbar, 2 kbar]")] {
    var search = try simulation(
      "minimize: {cell: \(coupling), pressure: \(pressure), stress: 1 bar, force: 1e-4 eV/A}", in: folder.path
    )
    try search.run(overwrite: true)
    let stress = search.frame.evaluation.stress * Units.bar
    if coupling == "isotropic" {
      #expect(abs(stress.trace / 3 + 2000) <= 1)
    } else {
      for (axis, target) in [0.0, 1000, 2000].enumerated() { #expect(abs(stress[axis][axis] + target) <= 1) }
    }
    let log = try String(contentsOfFile: search.files.log, encoding: .utf8)
    #expect(log.contains("volume [Angstrom3]\tdensity"))
  }
}

@Test func aMoleculeHasNoCellToRelax() throws {
  let folder = try TemporaryFolder()
  try "2\nProperties=species:S:1:pos:R:3\nAr 0 0 0\nAr 4 0 0\n".write(
    toFile: "\(folder.path)/pair.xyz", atomically: true, encoding: .utf8)
  let deck = try Deck(
    text: "structure: pair.xyz\nmodel: none.h5\nminimize: {cell: isotropic}", file: "pair.yaml",
    folder: folder.path)
  let error = #expect(throws: DeckError.self) {
    try Simulation(deck: deck, forceField: ForceField.lennardJones)
  }
  #expect(error?.description.contains("pair.yaml:3:18: error: there is no stress") == true, "\(error as Any)")
}

@Test func restraintsHoldAMinimisationAndAreInItsLog() throws {
  let folder = try TemporaryFolder()
  var search = try simulation(
    """
    minimize: {force: 1e-6 eV/A}
    restraints:
      - {name: pair, type: distance, atoms: [1, 2], center: 4.5 A, k: 100 eV/A^2}
      - {name: bent, type: angle, atoms: [2, 1, 3], lower: 50 deg, upper: 70 deg, k: 1 eV/rad^2}
    """, in: folder.path)
  try search.run(overwrite: false)
  let r = search.system.positions
  #expect(abs(length(r[0] - r[1]) - 4.5) < 0.01)
  let lines = try String(contentsOfFile: search.files.log, encoding: .utf8).split(separator: "\n")
  #expect(lines[0].contains("\trestraint_energy [eV]\tpair [Angstrom]\tbent [deg]\t"))
  let last = lines[lines.count - 1].split(separator: "\t").compactMap { Double($0) }
  #expect(abs(last[4] - length(r[0] - r[1])) < 1e-9 && last[5] > 30 && last[5] < 90)
  #expect(abs(last[3] - 50 * (last[4] - 4.5) * (last[4] - 4.5)) < 1e-9)
}
