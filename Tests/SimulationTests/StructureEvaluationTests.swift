// `evaluate`: every frame as if it were the only one, no labels of other calculators beside the new results, and
// nothing beyond sense written with exit code 0.

import Foundation
import Lattice
import Testing
import Training
import Trajectory

@testable import Simulation

/// Lennard-Jones that counts how often it may make a plan of its own, and adds `offset` eV.
private final class Planner: Potential {
  let base = LennardJones()
  var offset = 0.0
  private(set) var plans = 0

  func evaluate(_ system: AtomicSystem, into result: inout Evaluation) throws {
    if result.plan == nil { plans += 1 }
    result.plan = EvaluationPlan(cell: system.cell, positions: system.positions)
    try base.evaluate(system, into: &result)
    result.energy += offset
  }
}

private func forceField(_ potential: any Potential) -> ForceField {
  ForceField(potential: potential, species: [18], hash: "lennard-jones")
}

private func pair(_ words: String, distance: Double = 3.8) -> String {
  "2\nProperties=species:S:1:pos:R:3:forces:R:3 \(words)\nAr 0 0 0 1 2 3\nAr 0 0 \(distance) nan 0 0\n"
}

/// Evaluates `text` into `out.xyz`; returns the table and the failure.
private func evaluate(
  _ text: String, with forceField: ForceField, in folder: TemporaryFolder
) throws -> (table: [String], failure: RunFailure?) {
  try text.write(toFile: "\(folder.path)/in.xyz", atomically: true, encoding: .utf8)
  var table: [String] = []
  do {
    try evaluateStructures(
      in: "\(folder.path)/in.xyz", with: forceField, output: "\(folder.path)/out.xyz"
    ) { if case .result(let line) = $0 { table.append(line) } }
    return (table, nil)
  } catch {
    return (table, RunFailure(error))
  }
}

@Test func everyFrameIsEvaluatedAsIfAlone() throws {
  let folder = try TemporaryFolder()
  let potential = Planner()
  let frames = pair("energy=nan") + pair("energy=None dipole=\"1 2 3\" free_energy=7 REF_energy=-3 name=b")
  let outcome = try evaluate(frames, with: forceField(potential), in: folder)
  #expect(outcome.failure == nil && outcome.table.count == 4)
  #expect(potential.plans == 2)
  let written = try ExtendedXYZ.readAll("\(folder.path)/out.xyz")
  #expect(written.count == 2 && written[1].info == ["name": "b"])
  #expect(written[1].reference.energy == -3)
  #expect(try written.allSatisfy { try #require($0.energy) < 0 && $0.forces != nil && $0.stress == nil })
  let text = try String(contentsOfFile: "\(folder.path)/out.xyz", encoding: .utf8)
  #expect(text.components(separatedBy: " free_energy=").count == 3 && !text.contains("dipole"))
}

@Test func aStressIsComparedOnlyWhereTheModelHasOne() throws {
  let folder = try TemporaryFolder()
  let stress = "stress=\"1 0 0 0 1 0 0 0 1\""
  let free = try evaluate(pair(stress), with: forceField(LennardJones()), in: folder)
  #expect(free.failure == nil && free.table.count == 2)
  try FileManager.default.removeItem(atPath: "\(folder.path)/out.xyz")
  let periodic = try evaluate(
    pair(stress + " Lattice=\"9 0 0 0 9 0 0 0 9\""), with: forceField(LennardJones()), in: folder)
  #expect(periodic.table.last?.contains("stress ") == true)
}

@Test func resultsBeyondSenseEndWithTheFrameAndLeaveNothing() throws {
  let exploding = LennardJones()
  exploding.failingEvaluation = 2
  let shifted = Planner()
  shifted.offset = 1e9
  for (potential, text, words) in [
    (exploding as any Potential, pair("") + pair(""), "frame 2 of "),
    (shifted, pair(""), "the potential energy is 5e+08 eV per atom, beyond the limit"),
    (LennardJones(), pair("") + pair("", distance: 1), "frame 2 of "),
  ] {
    let folder = try TemporaryFolder()
    let failure = try evaluate(text, with: forceField(potential), in: folder).failure
    #expect(failure?.exitCode == 4)
    #expect(failure?.message.contains(words) == true && failure?.message.contains("in.xyz: ") == true)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["in.xyz"])
  }
}

// MARK: - Wires and slabs

@Test(arguments: [
  ("9 0 0 0 9 0 0 0 0", "T T F", "9.0 0.0 0.0 0.0 9.0 0.0 0.0 0.0 0.0"),
  ("0 0 0 0 9 0 0 0 0", "F T F", "0.0 0.0 0.0 0.0 9.0 0.0 0.0 0.0 0.0"),
  ("9 0 0 0 9 0 1 0 5", "T T F", "9.0 0.0 0.0 0.0 9.0 0.0 1.0 0.0 5.0"),
])
func anOpenAxisNeedsNoVectorAndKeepsWhatItHas(lattice: String, axes: String, written: String) throws {
  let folder = try TemporaryFolder()
  let text =
    "2\nLattice=\"\(lattice)\" Properties=species:S:1:pos:R:3 pbc=\"\(axes)\"\nAr 0 0 0\nAr 0 0 6\n"
  #expect(try evaluate(text, with: forceField(LennardJones()), in: folder).failure == nil)
  let output = try String(contentsOfFile: "\(folder.path)/out.xyz", encoding: .utf8)
  #expect(output.contains("Lattice=\"\(written)\"") && output.contains("pbc=\"\(axes)\""))
}

// MARK: - Labels by name, columns that are kept

/// Evaluates `text`; returns what is said and the failure.
private func compare(
  _ text: String, _ names: LabelNames, in folder: TemporaryFolder
) throws -> (words: String, failure: RunFailure?) {
  try text.write(toFile: "\(folder.path)/in.xyz", atomically: true, encoding: .utf8)
  try? FileManager.default.removeItem(atPath: "\(folder.path)/out.xyz")
  var words = ""
  do {
    try evaluateStructures(
      in: "\(folder.path)/in.xyz", with: forceField(LennardJones()), labels: names,
      output: "\(folder.path)/out.xyz"
    ) { words += "\($0)\n" }
    return (words, nil)
  } catch {
    return (words, RunFailure(error))
  }
}

@Test func labelsAreFoundByTheirUsualNamesOrThoseThatAreGiven() throws {
  let folder = try TemporaryFolder()
  var reference = Evaluation()
  let system = AtomicSystem(
    cell: .free, atomicNumbers: [18, 18], masses: [40, 40], positions: [.zero, [0, 0, 3.8]])
  try LennardJones().evaluate(system, into: &reference)
  let (e, f) = (reference.energy, reference.forces[1].z)
  func frame(_ keys: String, _ column: String) -> String {
    "2\nProperties=species:S:1:pos:R:3:\(column):R:3:tags:I:1 \(keys)\nAr 0 0 0 0 0 \(-f) 7\nAr 0 0 3.8 0 0 \(f) 8\n"
  }
  let usual = try compare(frame("dft_energy=\(e + 0.2)", "dft_forces"), LabelNames(), in: folder)
  #expect(
    usual.words.contains(
      "labels (dft_energy, dft_forces): energy 100.000 meV/atom, forces 0.00 meV/Angstrom"), "\(usual.words)")
  // The bare name may be a result; the user decides.
  let both = frame("energy=\(e) REF_energy=\(e + 0.2) mine=\(e + 0.4)", "my_forces")
  #expect(try compare(both, LabelNames(), in: folder).words.contains("labels (REF_energy): energy 100.000"))
  let named = try compare(both, LabelNames(energy: "mine", forces: "my_forces"), in: folder)
  #expect(
    named.words.contains("labels (mine, my_forces): energy 200.000 meV/atom, forces 0.00"), "\(named.words)")
  #expect(
    try compare(both, LabelNames(energy: "energy"), in: folder).words.contains("(energy): energy 0.000"))
  let two = try compare(frame("dft_energy=1 qm_energy=2", "x"), LabelNames(), in: folder)
  #expect(
    two.failure?.message.contains("help: name the one that is meant: `--energy-key dft_energy`") == true)

  // Names of the other kind.
  let column = try compare(both, LabelNames(energy: "my_forces"), in: folder)
  #expect(column.failure?.message.contains("`my_forces`, which --energy-key names, is a column") == true)
  let number = try compare(both, LabelNames(forces: "mine"), in: folder)
  #expect(
    number.failure?.message.contains("`mine`, which --forces-key names, is in the comment line") == true)

  // A name that is not there is an error after all is written.
  let absent = try compare(both, LabelNames(energy: "mien"), in: folder)
  #expect(absent.failure?.message.contains("no frame has `mien`, which --energy-key names") == true)
  let out = try String(contentsOfFile: "\(folder.path)/out.xyz", encoding: .utf8)
  #expect(out.contains("my_forces:R:3:tags:I:1") && out.contains(" mine=") && out.contains(" 8\n"))
  let nan = try compare(frame("mine=nan", "x"), LabelNames(energy: "mine"), in: folder)
  #expect(nan.failure == nil && nan.words.contains("`mine` is not a finite number; this label is left out"))
}
