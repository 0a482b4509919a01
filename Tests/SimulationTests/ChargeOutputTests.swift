// Charges of atoms on their way out: extended XYZ of `evaluate`, trajectories through restarts, their export.

import Foundation
import Lattice
import Testing
import Trajectory

@testable import Deck
@testable import Simulation

/// Argon with charges that follow its positions.
private final class ChargedArgon: Potential {
  private let base = LennardJones()

  static func charges(of system: AtomicSystem) -> [Double] {
    system.positions.enumerated().map { i, r in (i % 2 == 0 ? 0.25 : -0.25) + 0.01 * sin(r.x + 2 * r.y) }
  }

  func evaluate(_ system: AtomicSystem, into result: inout Evaluation) throws {
    try base.evaluate(system, into: &result)
    result.charges = Self.charges(of: system)
  }
}

extension ForceField {
  fileprivate static func chargedArgon(_: Deck) -> ForceField {
    ForceField(potential: ChargedArgon(), species: [18], hash: "charged-argon", hasCharges: true)
  }
}

/// A deck that asks for charges, in frames of double precision.
private func deck(steps: Int, in folder: String, name: String) throws -> Deck {
  let text = try argonDeck("ensemble: nve", steps: steps, in: folder, name: name).resolvedText
  return try Deck(
    text: text.replacingOccurrences(of: "charges: false", with: "charges: true"), file: "argon.yaml",
    folder: folder)
}

@Suite struct ChargeOutputTests {
  @Test func evaluateWritesChargesAndTheDipoleOfAFreeCluster() throws {
    let folder = try TemporaryFolder()
    let atoms = "Ar 0.5 0 0\nAr 0.5 0 3.8\n"
    let frames =
      "2\nProperties=species:S:1:pos:R:3\n" + atoms
      + "2\nLattice=\"12 0 0 0 12 0 0 0 12\" Properties=species:S:1:pos:R:3\n" + atoms
    try frames.write(toFile: "\(folder.path)/in.xyz", atomically: true, encoding: .utf8)
    let argon = try argonDeck("ensemble: nve", steps: 1, in: folder.path)
    for (forceField, output) in [(ForceField.chargedArgon(argon), "with"), (.lennardJones(argon), "without")]
    {
      try evaluateStructures(
        in: "\(folder.path)/in.xyz", with: forceField, output: "\(folder.path)/\(output).xyz"
      ) { _ in }
    }
    let lines = try String(contentsOfFile: "\(folder.path)/with.xyz", encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 8)
    // Both atoms have the same x and y, so 0.01 sin(x + 2 y) is a charge that the centre of mass takes out.
    let shift = 0.01 * sin(0.5)
    let dipole = try #require(lines[1].firstMatch(of: /dipole="(\S+) (\S+) (\S+)"/))
    #expect(Double(dipole.1) == 0 && Double(dipole.2) == 0)
    let z = try #require(Double(dipole.3))
    #expect(abs(z + 0.25 * 3.8) < 1e-14)
    for (line, charge) in [(2, 0.25 + shift), (3, -0.25 + shift), (6, 0.25 + shift)] {
      #expect(lines[line].split(separator: " ").last.flatMap { Double($0) } == charge)
    }
    #expect(lines[1].contains(":charges:R:1") && lines[5].contains(":charges:R:1"))
    #expect(!lines[5].contains("dipole"))
    let without = try String(contentsOfFile: "\(folder.path)/without.xyz", encoding: .utf8)
    #expect(!without.contains("charges") && !without.contains("dipole"))
  }

  @Test func trajectoryHoldsChargesThroughARestart() throws {
    let folder = try TemporaryFolder()
    func run(_ name: String, steps: Int) throws -> Simulation {
      var simulation = try Simulation(
        deck: deck(steps: steps, in: folder.path, name: name), forceField: ForceField.chargedArgon)
      try simulation.run(overwrite: false)
      return simulation
    }
    let whole = try run("whole", steps: 40)
    let half = try run("half", steps: 21)
    var rest = try Simulation(
      checkpoint: half.files.checkpoint, options: ResumeOptions(steps: 19),
      forceField: ForceField.chargedArgon)
    try rest.resume()
    let readers = try [whole, rest].map { try H5MDReader($0.files.trajectory) }
    #expect(readers.allSatisfy { $0.hasCharges })
    #expect(readers[0].frameCount == 15 && readers[1].frameCount == 15)
    for index in 0..<min(readers[0].frameCount, readers[1].frameCount) {
      let frames = try readers.map { try $0.frame(index) }
      #expect(frames[0].charges == ChargedArgon.charges(of: frames[0].system))
      #expect(frames[1].charges == frames[0].charges)
    }

    let exported = "\(folder.path)/exported.xyz"
    var options = ExportOptions()
    options.every = .frames(5)
    _ = try exportTrajectory(whole.files.trajectory, to: exported, options)
    let text = try String(contentsOfFile: exported, encoding: .utf8)
    #expect(text.components(separatedBy: ":charges:R:1").count == 4)
  }

  @Test func deckThatAsksForChargesOfAModelWithoutIsRefused() throws {
    let folder = try TemporaryFolder()
    let refusal = failure {
      _ = try Simulation(
        deck: deck(steps: 3, in: folder.path, name: "argon"), forceField: ForceField.lennardJones)
    }
    #expect(
      refusal?.message.contains("this model has no charges to write") == true, "\(refusal?.message ?? "")")
    #expect(refusal?.message.contains("charges: true") == true)
  }
}
