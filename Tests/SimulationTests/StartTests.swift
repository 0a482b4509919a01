// How a run starts: what the deck leaves to the structure, what is taken out of its velocities, and what is said of it.

import Diagnostics
import Foundation
import Lattice
import Testing

@testable import Deck
@testable import Simulation

/// Argon atoms in a row without a cell, all moving with `velocity` (Angstrom/fs); nil writes no velocities.
private func row(_ count: Int, velocity: Vector3?) -> String {
  let columns = velocity == nil ? "" : ":velocities:R:3"
  let moves = velocity.map { " \($0.x) \($0.y) \($0.z)" } ?? ""
  return "\(count)\nProperties=species:S:1:pos:R:3\(columns)\n"
    + (0..<count).map { "Ar \(3.8 * Double($0)) 0 0\(moves)\n" }.joined()
}

private func simulation(
  _ structure: String, _ motion: String, in folder: TemporaryFolder, steps: Int = 20
) throws -> Simulation {
  try structure.write(toFile: "\(folder.path)/argon.xyz", atomically: true, encoding: .utf8)
  let deck = try Deck(
    text: """
      structure: argon.xyz
      model: none.h5
      timestep: 4 fs
      steps: \(steps)
      output: {folder: ., name: argon}
      \(motion)
      """, file: "argon.yaml", folder: folder.path)
  return try Simulation(deck: deck, forceField: ForceField.lennardJones)
}

// MARK: - Drift

@Test(arguments: ["ensemble: nve", "ensemble: nvt\ntemperature: 30 K\nthermostat: {type: nose-hoover}"])
func aDriftOfTheWholeIsNoHeat(_ motion: String) throws {
  let folder = try TemporaryFolder()
  var run = try simulation(row(3, velocity: [0.01, 0, 0]), "\(motion)\nvelocities: structure", in: folder)
  #expect(run.frame.temperature < 1e-20)
  #expect(
    run.notices.contains { $0.description.hasPrefix("the structure drifts as a whole with 10 Angstrom/ps") })
  #expect(try run.check().contains("the structure drifts as a whole"))
}

@Test func aDriftStaysWhereMomentumIsNotConserved() throws {
  let folder = try TemporaryFolder()
  let moving = row(3, velocity: [0.01, 0, 0])
  let langevin = "ensemble: nvt\ntemperature: 30 K\nvelocities: structure\nthermostat: {type: langevin}"
  for motion in [langevin, "ensemble: nve\nvelocities: structure\nfixed: [2]"] {
    let run = try simulation(moving, motion, in: folder)
    #expect(run.system.velocities[0] == [0.01, 0, 0])
    #expect(!run.notices.contains { $0.description.contains("drifts") })
  }
  // One atom is its own centre of mass, and keeps its motion and its temperature.
  let lone = try simulation(
    row(1, velocity: [0.01, 0, 0]), "ensemble: nve\nvelocities: structure", in: folder)
  #expect(lone.system.velocities[0] == [0.01, 0, 0] && lone.frame.degreesOfFreedom == 3)
}

@Test func aDriftOfRoundingIsNotSpokenOf() throws {
  let folder = try TemporaryFolder()
  let still =
    "2\nProperties=species:S:1:pos:R:3:velocities:R:3\nAr 0 0 0 0.1 0.3 0\nAr 3.8 0 0 -0.1000000000000001 -0.3 0\n"
  let run = try simulation(still, "ensemble: nve\nvelocities: structure", in: folder)
  #expect(!run.notices.contains { $0.description.contains("drifts") })
  #expect(length(run.system.momentum) < 1e-15)
}

// MARK: - Small free clusters

@Test func smallFreeClustersTakeLangevinUnlessTheDeckSaysOtherwise() throws {
  let folder = try TemporaryFolder()
  let nvt = "ensemble: nvt\ntemperature: 30 K\n"
  var cluster = try simulation(row(3, velocity: nil), nvt, in: folder)
  #expect(cluster.deck.thermostat == .langevin(friction: 1e-3) && cluster.frame.degreesOfFreedom == 9)
  #expect(cluster.deck.resolvedText.contains("thermostat:\n  type: langevin\n  friction: 1 1/ps\n"))
  #expect(try cluster.check().contains("All is well"))

  for thermostat in ["{tau: 50 fs}", "{type: nose-hoover}", "{chain: 3}"] {
    var warned = try simulation(row(3, velocity: nil), nvt + "thermostat: \(thermostat)", in: folder)
    #expect(warned.frame.degreesOfFreedom == 6)
    let report = try warned.check()
    #expect(
      report.contains("warning: a Nose-Hoover chain")
        && report.contains("It can run, with the warnings above"))
    #expect(!report.contains("All is well"))
  }
  for large in [row(100, velocity: nil), argonStructure()] {
    let run = try simulation(large, nvt, in: folder)
    #expect(run.deck.thermostat == .noseHoover(tau: 100, chain: 3) && run.notices.isEmpty)
  }
}

@Test func aRestartKeepsTheThermostatThatTheStructureDecided() throws {
  let folder = try TemporaryFolder()
  var first = try simulation(row(3, velocity: nil), "ensemble: nvt\ntemperature: 30 K", in: folder)
  try first.run(overwrite: false)
  let rest = try Simulation(
    checkpoint: first.files.checkpoint, options: ResumeOptions(steps: 5), forceField: ForceField.lennardJones)
  #expect(rest.deck.thermostat == .langevin(friction: 1e-3) && rest.frame.degreesOfFreedom == 9)
}

@Test func oneAtomAloneIsNotForNoseHoover() throws {
  let folder = try TemporaryFolder()
  let crystal = "1\nLattice=\"6 0 0 0 6 0 0 0 6\"\nAr 0 0 0\n"
  let error = #expect(throws: DeckError.self) {
    try simulation(crystal, "ensemble: nvt\ntemperature: 30 K", in: folder)
  }
  #expect(error?.description.contains("argon.yaml:6:11: error: one atom alone") == true, "\(error as Any)")
  let copies = try simulation(crystal, "ensemble: nvt\ntemperature: 30 K\nreplicate: [2, 1, 1]", in: folder)
  #expect(copies.frame.degreesOfFreedom == 3)
  let free = try simulation(row(1, velocity: nil), "ensemble: nvt\ntemperature: 30 K", in: folder)
  #expect(free.deck.thermostat == .langevin(friction: 1e-3))
}

// MARK: - Zero kelvin

@Test func runsStartAtRest() throws {
  let folder = try TemporaryFolder()
  for motion in [
    "ensemble: nve", "ensemble: nve\ntemperature: 0 K", "ensemble: nve\nvelocities: rest",
    "ensemble: nvt\ntemperature: {from: 0 K, to: 30 K}\nthermostat: {type: langevin}",
    "ensemble: nvt\ntemperature: 30 K\nvelocities: rest",
  ] {
    var run = try simulation(argonStructure(), motion, in: folder)
    #expect(run.system.kineticEnergy == 0, "\(motion)")
    try run.run(overwrite: true)
    #expect(run.system.kineticEnergy > 0 && run.system.kineticEnergy.isFinite, "\(motion)")
  }
  let silent = try simulation(argonStructure(), "ensemble: nve", in: folder)
  #expect(silent.notices.contains { $0.description.hasPrefix("the run starts at rest") })
  #expect(silent.deck.resolvedText.contains("velocities: rest"))
  let moving = try simulation(row(3, velocity: [0, 0, 0]), "ensemble: nve", in: folder)
  #expect(moving.deck.velocities == .structure)
  #expect(
    moving.notices.contains {
      $0.description.hasPrefix("the run starts with the velocities of the structure")
    })
}

@Test func aQuenchReachesZeroKelvin() throws {
  let folder = try TemporaryFolder()
  let motion =
    "ensemble: nvt\ntemperature: {from: 30 K, to: 0 K}\nthermostat: {type: langevin, friction: 0.1 1/fs}"
  var run = try simulation(argonStructure(), motion, in: folder, steps: 200)
  try run.run(overwrite: false)
  let last = run.frame.temperature
  #expect(last < 1)
}

// MARK: - Estimates

@Test func estimatesOfTheLongestRunDoNotOverflow() throws {
  let folder = try TemporaryFolder()
  let every = "trajectory: {every: 1 steps}\nlog: {every: 1 steps}"
  let error = #expect(throws: FileError.self) {
    var run = try simulation(
      argonStructure(), "ensemble: nve\n\(every)", in: folder, steps: 1_000_000_000_000)
    _ = try run.check()
  }
  #expect(error?.description.contains("the run needs 1.2 PB") == true, "\(error as Any)")
  let system = try simulation(argonStructure(), "ensemble: nve", in: folder).system
  #expect(system.replicationProblem([.max, .max, .max], ranks: 1)?.message.contains("more than the") == true)
}

/// Atoms are numbered by 32 bits, on however many ranks their memory may be.
@Test func noMoreAtomsThanCanBeNumbered() throws {
  let folder = try TemporaryFolder()
  let argon = try simulation(argonStructure(), "ensemble: nve", in: folder).system
  let many = argon.replicationProblem([1000, 1000, 68], ranks: 1_000_000)
  #expect(many?.message.contains("2176000000 atoms, more than the 2147483647 that are numbered") == true)
  #expect(argon.replicationProblem([1000, 1000, 67], ranks: 1_000_000) == nil)
  #expect(argon.replicationProblem([1000, 1000, 67], ranks: 1)?.message.contains("of memory hold") == true)
}
