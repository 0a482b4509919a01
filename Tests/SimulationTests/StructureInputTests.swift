// Structures as a deck names them: which of several, isotopes, masks, columns that stay with the trajectory.

import Foundation
import Lattice
import Testing
import Trajectory

@testable import Deck
@testable import Simulation

private let argon = "2\nLattice=\"12 0 0 0 12 0 0 0 12\"\nAr 0 0 0\nAr 3.9 0 0\n"

private func deck(_ structure: String, _ rest: String = "", in folder: TemporaryFolder) throws -> Deck {
  try Deck(
    text: """
      structure: \(structure)
      model: none.h5
      ensemble: nve
      timestep: 4 fs
      steps: 6
      trajectory: {every: 2 steps, precision: double}
      output: {folder: ., name: run}
      \(rest)
      """, file: "run.yaml", folder: folder.path)
}

private func save(_ text: String, _ name: String, in folder: TemporaryFolder) throws {
  try text.write(toFile: "\(folder.path)/\(name)", atomically: true, encoding: .utf8)
}

private func simulation(
  _ deck: Deck, events: @escaping EventHandler = { _ in }
) throws -> Simulation {
  try Simulation(deck: deck, events: events, forceField: ForceField.lennardJones)
}

@Test func ofSeveralStructuresADeckNamesOne() throws {
  let folder = try TemporaryFolder()
  try save(argon + argon.replacingOccurrences(of: "3.9", with: "4.2"), "two.xyz", in: folder)
  let refusal = failure { _ = try simulation(deck("two.xyz", in: folder)) }
  #expect(refusal?.exitCode == 2)
  #expect(
    refusal?.message.contains(
      "run.yaml:1:12: error: two.xyz holds several structures\n"
        + "  1 | structure: two.xyz\n    |            ^~~~~~~\n"
        + "  help: say which: `structure: {file: two.xyz, frame: 1}` is the first, `structure: {file: two.xyz, frame: last}` the last"
    ) == true, "\(refusal?.message ?? "")")
  for (frame, x) in [("1", 3.9), ("2", 4.2), ("last", 4.2)] {
    let deck = try deck("{file: two.xyz, frame: \(frame)}", in: folder)
    #expect(try simulation(deck).system.positions[1].x == x)
    #expect(try Deck(text: deck.resolvedText, file: "r.yaml", folder: "/").resolvedText == deck.resolvedText)
  }
  for (structure, words) in [
    ("{file: two.xyz, frame: 0}", "`0` is no frame"), ("{frame: 1}", "a structure without `file`"),
    ("{file: two.xyz, index: 1}", "unknown key `index` of a structure"),
  ] {
    #expect(failure { _ = try deck(structure, in: folder) }?.message.contains(words) == true)
  }
  #expect(
    failure { _ = try simulation(deck("{file: two.xyz, frame: 3}", in: folder)) }?.message.contains(
      "there is no frame 3") == true)
}

@Test func aRunGoesOnWithTheFrameThatItBeganWith() throws {
  let folder = try TemporaryFolder()
  try save(argon + argon.replacingOccurrences(of: "3.9", with: "4.2"), "two.xyz", in: folder)
  var first = try simulation(deck("{file: two.xyz, frame: 2}", in: folder))
  try first.run(overwrite: false)
  let rest = try Simulation(
    checkpoint: first.files.checkpoint, options: ResumeOptions(steps: 2), forceField: ForceField.lennardJones)
  #expect(rest.deck.resolvedText.contains("two.xyz, frame: 2}"))
}

@Test func structuresOfOtherProgramsRun() throws {
  let folder = try TemporaryFolder()
  try save("two atoms\n1.0\n12 0 0\n0 12 0\n0 0 12\nAr\n2\nDirect\n0 0 0\n0.325 0 0\n", "POSCAR", in: folder)
  try save(argon, "argon.xyz", in: folder)
  var energies: [Double] = []
  for name in ["argon.xyz", "POSCAR"] {
    var run = try simulation(deck(name, in: folder))
    _ = try run.check()
    energies.append(run.frame.evaluation.energy)
  }
  #expect(abs(energies[0] - energies[1]) < 1e-12)
}

@Test func massesOfStructureAndDeckMoveAtomsAndAreTold() throws {
  let folder = try TemporaryFolder()
  try save(
    "2\nLattice=\"12 0 0 0 12 0 0 0 12\" Properties=species:S:1:pos:R:3:masses:R:1\nAr 0 0 0 36\nAr 3.9 0 0 39.948\n",
    "argon.xyz", in: folder)
  var notes: [String] = []
  func run(_ rest: String) throws -> AtomicSystem {
    notes = []
    var run = try simulation(deck("argon.xyz", rest, in: folder)) {
      if case .note(let note) = $0 { notes.append(note) }
    }
    try run.run(overwrite: true)
    let masses = run.system.masses
    let reader = try H5MDReader(run.files.trajectory)
    #expect(try reader.frame(0).system.masses == masses)
    #expect(try Checkpoint.read(run.files.checkpoint).system.masses == masses)
    // Both pull each other with one force.
    let v = run.system.velocities
    #expect(abs(masses[0] * v[0].x + masses[1] * v[1].x) < 1e-15 && v[0].x != 0)
    return run.system
  }
  #expect(try run("").masses == [36, 39.948])
  #expect(notes.contains("masses that are not those of the elements: Ar 36 u (1 of 2)"))
  #expect(try run("masses: {Ar: 40 u}").masses == [40, 40])
  #expect(notes.contains("masses that are not those of the elements: Ar 40 u (2 of 2)"))
  #expect(
    failure { _ = try simulation(deck("argon.xyz", "masses: {H: 2 Da}", in: folder)) }?.message.contains(
      "there is no H in the structure") == true)
}

@Test func masksOfSingleAxesHoldInARunAndAreKept() throws {
  let folder = try TemporaryFolder()
  let text =
    "2\nLattice=\"12 0 0 0 12 0 0 0 12\" Properties=species:S:1:pos:R:3:move_mask:L:3:tags:I:1\nAr 0 0 0 T F F 3\nAr 3.9 0 0 F F F 4\n"
  try save(text, "argon.xyz", in: folder)
  var run = try simulation(deck("argon.xyz", in: folder))
  #expect(try run.check().contains("1 fixed, 1 fixed along one axis or two"))
  try run.run(overwrite: false)
  #expect(try exportTrajectory(run.files.trajectory, to: "\(folder.path)/run.xyz") > 1)
  let end = try #require(try ExtendedXYZ.readAll("\(folder.path)/run.xyz").last).system
  #expect(end.moveMask == [[1, 0, 0], .zero] && end.positions[1] == [3.9, 0, 0])
  #expect(end.positions[0].x != 0 && end.positions[0].y == 0 && end.positions[0].z == 0)
  try evaluateStructures(
    in: "\(folder.path)/argon.xyz", with: ForceField.lennardJones(try deck("argon.xyz", in: folder)),
    output: "\(folder.path)/out.xyz", events: { _ in })
  let out = try String(contentsOfFile: "\(folder.path)/out.xyz", encoding: .utf8).split(separator: "\n")
  #expect(
    out[1].contains(":move_mask:L:3:") && out[1].contains(":tags:I:1 ") && out[2].contains(" T F F ")
      && out[3].contains(" F F F ") && out[3].hasSuffix(" 4"))
}

@Test func fixedAtomsAndColumnsOfTheStructureComeOutOfTheTrajectory() throws {
  let folder = try TemporaryFolder()
  try save(
    "2\nLattice=\"12 0 0 0 12 0 0 0 12\" Properties=species:S:1:pos:R:3:move_mask:L:1:tags:I:1:name:S:1\nAr 0 0 0 F 3 a\n"
      + "Ar 3.9 0 0 T 4 b\n", "argon.xyz", in: folder)
  var run = try simulation(deck("argon.xyz", "replicate: [2, 1, 1]", in: folder))
  try run.run(overwrite: false)
  #expect(try exportTrajectory(run.files.trajectory, to: "\(folder.path)/out.xyz") == 4)
  let frame = try #require(try ExtendedXYZReader("\(folder.path)/out.xyz", keeping: .columns).next())
  #expect(frame.system.fixedAtoms == [0, 2] && frame.system.partlyFixedAtoms.isEmpty)
  #expect(frame.columns.map(\.texts) == [["3", "4", "3", "4"], ["a", "b", "a", "b"]])
}
