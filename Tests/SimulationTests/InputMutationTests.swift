// Decks and structures damaged at random: each is a typed error that names its file, or a system whose first evaluation
// is finite; never a trap (which would end the suite), a hang, or a number beyond sense. `BLOCH_MUTATIONS=N` tries N.

import Foundation
import LRMACEModel
import Lattice
import MorsePair
import Testing

@testable import Deck
@testable import Simulation

/// SplitMix64 (Steele, Lea, Flood 2014, doi 10.1145/2660193.2660195).
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

private let count = ProcessInfo.processInfo.environment["BLOCH_MUTATIONS"].flatMap { Int($0) } ?? 300

/// What people and damage put in the place of words.
private let words = [
  "nan", "inf", "-inf", "0", "-0", "-1", "1", "7", "1e300", "-1e300", "1e-300", "1e400", "0.1",
  "99999999999999999999",
  "9223372036854775807", "-9223372036854775808", "18446744073709551615", "2147483648", "1e12", "0x1p9", "T",
  "F", "None",
  "Ar", "Xx", "18", "0 K", "1 fs", "1 as", "-5 fs", "1 steps", "{}", "[]", "[", "\"", "'", "=", ":", "#",
  "&a", "*a",
  "nvt", "nve", "langevin", "rest", "structure", "maxwell-boltzmann", "[1-99999999999]", "é", "\u{0}",
  "\u{1B}[2J", "\t",
]

/// `text` with one to three changes: of a byte, of a line, or of a word.
private func mutated(_ text: String, _ random: inout SplitMix) -> String {
  var text = text
  for _ in 0..<Int.random(in: 1...3, using: &random) {
    switch Int.random(in: 0..<6, using: &random) {
    case 0:
      var bytes = Array(text.utf8)
      guard let i = bytes.indices.randomElement(using: &random) else { continue }
      bytes[i] = UInt8.random(in: 0...255, using: &random)
      text = String(decoding: bytes, as: UTF8.self)
    case 1:
      text = String(text.prefix(Int.random(in: 0...text.count, using: &random)))
    case 2:
      var lines = text.components(separatedBy: "\n")
      guard let i = lines.indices.randomElement(using: &random),
        let j = lines.indices.randomElement(using: &random)
      else { continue }
      if Bool.random(using: &random) { lines.swapAt(i, j) } else { lines.insert(lines[i], at: j) }
      text = lines.joined(separator: "\n")
    default:
      // Words are what stands between spaces, quotes and signs.
      let separators = Set(" \n\":=,{}[]")
      var parts: [String] = [""]
      for character in text {
        if separators.contains(character) {
          parts += [String(character), ""]
        } else {
          parts[parts.count - 1].append(character)
        }
      }
      let filled = parts.indices.filter { !parts[$0].isEmpty }
      guard let i = filled.randomElement(using: &random), let word = words.randomElement(using: &random)
      else { continue }
      parts[i] = word
      text = parts.joined()
    }
  }
  return text
}

/// Nil if `body` gives a finite energy, or fails with one of Bloch's errors that names `file`; else what went wrong.
private func fault(_ file: String, _ body: () throws -> Double) -> String? {
  let start = ContinuousClock.now
  var fault: String?
  do {
    let energy = try body()
    if !energy.isFinite { fault = "energy \(energy)" }
  } catch {
    if let failure = RunFailure(error) {
      // Numerical errors and full disks are not about the text of a file.
      let isNamed =
        failure.message.contains(file) || failure.exitCode == 4 || failure.message.contains("the disk has")
      if !isNamed { fault = "does not name its file: \(failure.message)" }
    } else {
      fault = "not one of Bloch's errors: \(error)"
    }
  }
  let seconds = seconds(ContinuousClock.now - start)
  return seconds > 30 ? "took \(seconds) s" : fault
}

private func firstEnergy(_ deck: Deck) throws -> Double {
  var simulation = try Simulation(deck: deck, forceField: ForceField.lennardJones)
  _ = try simulation.check()
  return simulation.frame.evaluation.energy
}

@Test(.timeLimit(.minutes(10))) func damagedDecksAreErrorsOrRun() throws {
  let folder = try TemporaryFolder()
  try argonStructure().write(toFile: "\(folder.path)/mutated.xyz", atomically: true, encoding: .utf8)
  let deck = """
    structure: {file: mutated.xyz, frame: 1}
    model: none.h5
    replicate: [1, 1, 2]
    masses: {Ar: 39 u}
    ensemble: nvt
    temperature: {from: 120 K, to: 90 K, over: 40 fs}
    thermostat: {type: nose-hoover, tau: 100 fs, chain: 3}
    timestep: 4 fs
    steps: 20
    fixed: [1, 4, 10-20]
    seed: 5
    trajectory: {every: 3 steps, velocities: true, forces: true, precision: double}
    log: {every: 8 fs}
    checkpoint: {every: 7 steps}
    output: {folder: ., name: mutated}
    threads: 1

    """
  var random = SplitMix(state: 11)
  for n in 0..<count {
    let text = mutated(deck, &random)
    let file = "\(folder.path)/mutated.yaml"
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    let fault = fault("mutated") { try firstEnergy(Deck(path: file)) }
    #expect(fault == nil, "mutation \(n) of seed 11:\n\(text)")
  }
}

@Test(.timeLimit(.minutes(10))) func damagedStructuresAreErrorsOrRun() throws {
  let folder = try TemporaryFolder()
  let structure = """
    4
    Lattice="10.8 0 0 0.3 10.8 0 0 0.2 11" Properties=species:S:1:pos:R:3:move_mask:L:1:masses:R:1:velocities:R:3:forces:R:3 \
    pbc="T T F" energy=-1.5 REF_energy=-2 stress="0 0 0 0 0 0 0 0 0" virial="1 0 0 0 1 0 0 0 1" name="two words"
    Ar 0.1 0.2 0.3 T 39.9 0.001 0.002 -0.001 0.1 0.2 0.3
    Ar 3.9 0.2 0.3 T 39.9 0.001 0.002 -0.001 0.1 0.2 0.3
    Ar 0.1 4.2 0.3 F 39.9 0.001 0.002 -0.001 0.1 0.2 0.3
    Ar 0.1 0.2 4.3 T 40.5 0.001 0.002 -0.001 0.1 0.2 0.3

    """
  let deck =
    "structure: mutated.xyz\nmodel: none.h5\nensemble: nve\nvelocities: structure\ntimestep: 1 fs\nsteps: 9\n"
  var random = SplitMix(state: 12)
  for n in 0..<count {
    let text = mutated(structure + (n % 4 == 0 ? structure : ""), &random)
    let file = "\(folder.path)/mutated.xyz"
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    let start = fault("mutated") {
      try firstEnergy(Deck(text: deck, file: "\(folder.path)/mutated.yaml", folder: folder.path))
    }
    #expect(start == nil, "mutation \(n) of seed 12:\n\(text)")
    let evaluation = fault("mutated.xyz") {
      let known = ForceField(potential: LennardJones(), species: Set(1...118), hash: "lennard-jones")
      var table: [String] = []
      try evaluateStructures(in: file, with: known, output: nil) {
        if case .result(let line) = $0 { table.append(line) }
      }
      return table.contains { $0.contains("nan") || $0.contains("inf") } ? .nan : 0
    }
    #expect(evaluation == nil, "mutation \(n) of seed 12:\n\(text)")
  }
}

/// The loss of the first batch of a training.
private func firstLoss(_ deck: TrainingDeck, _ model: Model) throws -> Double {
  var run = try TrainingRun(
    deck: deck, potential: { _ in MorsePair(isolatedEnergies: [18: -5], file: model) })
  guard case .step(let loss) = try run.trainer.advance() else { return 0 }
  return loss
}

@Test(.timeLimit(.minutes(10))) func damagedTrainingsAreErrorsOrTrain() throws {
  let folder = try TemporaryFolder()
  let model = try Model(
    contentsOf: URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Golden/lr_a_16x0e_1layer.model.h5").path)
  let frame = """
    2
    Lattice="10.8 0 0 0.3 10.8 0 0.1 0.2 11" Properties=species:S:1:pos:R:3:REF_forces:R:3 pbc="T T T" REF_energy=-11.5 \
    stress="0 0 0.1 0 0 0" charge=-1 config_weight=0.5
    Ar 0.1 0.2 0.3 0.1 0.2 0.3
    Ar 3.9 0.2 0.3 -0.1 -0.2 -0.3

    """
  let deck = """
    train: [{file: mutated.xyz, name: a, weight: 2}]
    valid_fraction: 0.5
    labels: {energy: REF_energy, stress: stress}
    isolated_energies: {Ar: -5 eV}
    limits: {force: 50 eV/A, distance: 0.5 A}
    model: {cutoff: 4 A, species: [Ar], radial: [8, 8]}
    long_range: {type: conserved, charges: {Ar: 0}, layers: [1, 2], sigma: 1.6 A}
    loss: {type: universal, energy: 1, forces: 10, stress: 1, delta: 0.01}
    stage_two: {start: 0.5, energy: 10}
    optimizer: {rate: 0.01, clip: 10}
    batch: {atoms: 10}
    rate_factors: {"pair/*": 0.5}
    epochs: 4
    checkpoint: {every: 1 min}
    output: {folder: ., name: mutated}
    threads: 1

    """
  var random = SplitMix(state: 13)
  for n in 0..<count {
    let isDeck = n.isMultiple(of: 2)
    let data = isDeck ? frame + frame : mutated(frame + frame, &random)
    try data.write(toFile: "\(folder.path)/mutated.xyz", atomically: true, encoding: .utf8)
    let text = isDeck ? mutated(deck, &random) : deck
    let fault = fault("mutated") {
      try firstLoss(
        TrainingDeck(text: text, file: "\(folder.path)/mutated.yaml", folder: folder.path), model)
    }
    #expect(fault == nil, "mutation \(n) of seed 13:\n\(isDeck ? text : data)")
  }
}
