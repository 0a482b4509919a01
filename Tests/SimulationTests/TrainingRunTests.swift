// A training from its deck to its files: what it writes, refuses and goes on from. The potential is a Morse pair.

import Diagnostics
import Foundation
import LRMACEModel
import Lattice
import MorsePair
import Testing
import Training
import Trajectory

@testable import Deck
@testable import Simulation

private let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .appendingPathComponent("Golden/lr_a_16x0e_1layer.model.h5").path

private let energies = [10: -3.0, 18: -5.0]

private func morse(_ parameters: [Double] = [0.2, 1.2, 2.1]) throws -> MorsePair {
  try MorsePair(parameters: parameters, isolatedEnergies: energies, file: Model(contentsOf: golden))
}

/// Neon and argon with labels of another Morse pair.
private func writeFrames(
  _ count: Int, to path: String, seed: UInt64 = 1, change: (inout Configuration, Int) -> Void = { _, _ in }
) throws {
  let truth = try morse([0.3, 1.4, 2.3])
  let random = CounterRNG(seed: seed)
  let writer = try ExtendedXYZWriter(creating: path)
  for n in 0..<count {
    let stretch = 1 + 0.01 * Double(n % 4)
    let vectors = Matrix3([5.1, 0, 0], [0.4, 5.3, 0], [-0.3, 0.2, 4.9]) * stretch
    let numbers = (0..<(6 + n % 3)).map { $0 % 3 == 0 ? 10 : 18 }
    let system = AtomicSystem(
      cell: Cell(vectors: vectors), atomicNumbers: numbers, masses: numbers.map { Elements.mass($0) ?? 1 },
      positions: numbers.indices.map { i in
        Vector3(Double(i & 1), Double(i >> 1 & 1), Double(i >> 2 & 1)) / 2 * vectors
          + random.normals(step: Int64(n), atom: i, stream: 1) * 0.15
      })
    let result = try truth.predict(system)
    var frame = Configuration(
      system: system, energy: result.energy, forces: result.forces, stress: result.stress)
    change(&frame, n)
    try writer.append(frame)
  }
  try writer.close()
}

private func trainingDeck(
  _ extra: String = "", epochs: Int = 4, in folder: String, file: String = "morse.yaml"
)
  throws -> TrainingDeck
{
  try TrainingDeck(
    text: """
      train: data.xyz
      epochs: \(epochs)
      isolated_energies: {Ne: -3 eV, Ar: -5 eV}
      batch: {frames: 3}
      valid_fraction: 0.25
      output: {folder: ., name: morse}
      threads: 1
      \(extra)

      """, file: file, folder: folder)
}

/// What becomes of files and words.
private func train(
  _ deck: TrainingDeck, overwrite: Bool = false, potential: MorsePair? = nil, interruptAfter polls: Int? = nil
) throws -> (TrainingRun, [Event]) {
  var heard: [Event] = []
  var run = try TrainingRun(
    deck: deck, events: { heard.append($0) }, potential: { _ in try potential ?? morse() })
  var count = 0
  try run.run(
    overwrite: overwrite,
    interruption: {
      count += 1
      return polls.map { count > $0 } == true ? "a test" : nil
    })
  return (run, heard)
}

private func text(_ folder: TemporaryFolder, _ name: String) throws -> String {
  String(decoding: try folder.bytes(name), as: UTF8.self)
}

@Suite struct TrainingRunTests {
  @Test func writesItsFilesAndSaysHowGoodTheModelIs() throws {
    let folder = try TemporaryFolder()
    try writeFrames(16, to: "\(folder.path)/data.xyz")
    let (run, heard) = try train(trainingDeck("loss: {stress: 1}\nnote: 'Morse: made up'", in: folder.path))
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(
      Set(names) == [
        "data.xyz", "morse.model.h5", "morse.training.tsv", "morse.checkpoint.h5",
        "morse.checkpoint.previous.h5", "morse.resolved.yaml", "morse.report.html",
      ])
    let table = try text(folder, "morse.training.tsv").split(separator: "\n")
    #expect(table.count == 5)
    #expect(table[0].contains("valid_forces_mae [meV/Angstrom]"))
    #expect(table.allSatisfy { $0.split(separator: "\t").count == TrainingTable.columns.count })
    let words = heard.map(\.description).joined(separator: "\n")
    for expected in [
      "energies of free atoms: Ne -3.0000, Ar -5.0000 eV, given", "energy forces stress", "3 parameters",
      "12 frames to learn, 4 held back; 4 steps an epoch", "Trained for 4 epochs", "Held back:",
      "forces on Ar",
    ] { #expect(words.contains(expected), "\(words)") }
    let model = try Model(contentsOf: run.files.model)
    #expect(model.name == "morse")
    #expect(model.provenance.contains("data.xyz (12 frames, sha256 "))
    #expect(model.provenance.contains("(Morse: made up); settings: "))
    #expect(model.errors?.contains("on frames held back: energy ") == true)
    let resolved = try TrainingDeck(path: run.files.resolvedDeck)
    #expect(resolved.resolvedText == run.deck.resolvedText)
  }

  @Test func interruptedTrainingsGoOnBitForBit() throws {
    let whole = try TemporaryFolder()
    try writeFrames(16, to: "\(whole.path)/data.xyz")
    let (unbroken, _) = try train(trainingDeck(epochs: 6, in: whole.path))
    for polls in [3, 8, 14, 22] {
      let parts = try TemporaryFolder()
      try writeFrames(16, to: "\(parts.path)/data.xyz")
      let (first, heard) = try train(trainingDeck(epochs: 6, in: parts.path), interruptAfter: polls)
      #expect(heard.last?.description.contains("Interrupted by a test") == true)
      #expect(!first.trainer.isFinished)
      // What a training that is killed has written after its checkpoint does not count.
      let path = first.files.table
      try (text(parts, "morse.training.tsv") + "99\t1\t2\n").write(
        toFile: path, atomically: false, encoding: .utf8)
      var rest = try TrainingRun(checkpoint: first.files.checkpoint, potential: { _ in try morse() })
      #expect(rest.trainer.state == first.trainer.state)
      try rest.resume()
      #expect(rest.trainer.state == unbroken.trainer.state, "after \(polls)")
      #expect(try parts.bytes("morse.training.tsv") == whole.bytes("morse.training.tsv"))
      #expect(try parts.bytes("morse.model.h5") == whole.bytes("morse.model.h5"))
    }
  }

  @Test func damagedCheckpointsFallBackToTheOneBefore() throws {
    let folder = try TemporaryFolder()
    try writeFrames(16, to: "\(folder.path)/data.xyz")
    let (run, _) = try train(trainingDeck(in: folder.path), interruptAfter: 25)
    var bytes = try folder.bytes("morse.checkpoint.h5")
    bytes[bytes.count / 2] ^= 1
    try bytes.write(to: URL(fileURLWithPath: run.files.checkpoint))
    var heard: [Event] = []
    var rest = try TrainingRun(
      checkpoint: run.files.checkpoint, events: { heard.append($0) }, potential: { _ in try morse() })
    #expect(heard.first?.description.contains("going on from epoch") == true)
    try rest.resume()
    #expect(rest.trainer.isFinished)
    #expect(
      throws: TrajectoryError.self, "a checkpoint of a training is none of a run",
      performing: { try Checkpoint.read(run.files.checkpoint) })
  }

  @Test func olderCheckpointsDoNotDropNewerResultsByMistake() throws {
    let folder = try TemporaryFolder()
    try writeFrames(16, to: "\(folder.path)/data.xyz")
    let (run, _) = try train(trainingDeck(in: folder.path))
    let previous = Checkpoint.previousPath(of: run.files.checkpoint)
    // The last two of a training are of its end: make one of before.
    let (early, _) = try train(trainingDeck(in: folder.path), overwrite: true, interruptAfter: 8)
    try FileManager.default.copyItem(atPath: early.files.checkpoint, toPath: "\(folder.path)/early.h5")
    var rest = try TrainingRun(checkpoint: early.files.checkpoint, potential: { _ in try morse() })
    try rest.resume()
    _ = try? FileManager.default.removeItem(atPath: previous)
    try FileManager.default.moveItem(atPath: "\(folder.path)/early.h5", toPath: previous)
    let refusal = failure { _ = try TrainingRun(checkpoint: previous, potential: { _ in try morse() }) }
    #expect(refusal?.exitCode == 3)
    #expect(refusal?.message.contains("goes on from its end") == true, "\(refusal?.message ?? "")")
    try FileManager.default.removeItem(atPath: early.files.checkpoint)
    var again = try TrainingRun(checkpoint: previous, potential: { _ in try morse() })
    try again.resume()
    #expect(again.trainer.state == rest.trainer.state)
  }

  @Test func aModelToGoOnFromBringsItsEnergiesOfFreeAtoms() throws {
    let folder = try TemporaryFolder()
    var model = try Model(contentsOf: golden)
    model.species = [10, 18]
    model.isolatedEnergies = [-3, -5]
    try model.write(to: "\(folder.path)/start.h5")
    try writeFrames(8, to: "\(folder.path)/data.xyz")
    func origin(_ extra: String) throws -> (Model?, String) {
      var request: PotentialRequest?
      var heard: [Event] = []
      _ = try TrainingRun(
        deck: TrainingDeck(
          text: "train: data.xyz\nepochs: 1\nstart: start.h5\n\(extra)\n", file: "morse.yaml",
          folder: folder.path),
        events: { heard.append($0) },
        potential: {
          request = $0
          return try morse()
        })
      guard case .model(let model)? = request?.origin else { return (nil, "") }
      return (model, heard.map(\.description).joined(separator: "\n"))
    }
    let (own, words) = try origin("")
    #expect(own?.isolatedEnergies == [-3, -5])
    #expect(words.contains("of the model to go on from") && words.contains("as it is: energy "), "\(words)")
    #expect(try origin("isolated_energies: {Ne: -4 eV, Ar: -5 eV}").0?.isolatedEnergies == [-4, -5])
    let refusal = failure { _ = try origin("isolated_energies: least-squares") }
    #expect(refusal?.message.contains("a fit would count the bonds that the model knows twice") == true)
  }

  @Test func changedDecksAreShownKeyByKeyAndRefused() throws {
    let folder = try TemporaryFolder()
    try writeFrames(16, to: "\(folder.path)/data.xyz")
    let (run, _) = try train(trainingDeck(in: folder.path), interruptAfter: 10)
    let changed = try trainingDeck("optimizer: {rate: 0.001}\nmax_hours: 2", epochs: 5, in: folder.path)
    try changed.resolvedText.write(toFile: "\(folder.path)/new.yaml", atomically: true, encoding: .utf8)
    var options = TrainingResumeOptions(deck: "\(folder.path)/new.yaml")
    let refusal = failure {
      _ = try TrainingRun(
        checkpoint: run.files.checkpoint, options: options, potential: { _ in try morse() })
    }
    #expect(refusal?.exitCode == 2)
    for words in ["optimizer.rate: 0.01 -> 0.001", "epochs: 4 -> 5", "--allow-changes"] {
      #expect(refusal?.message.contains(words) == true, "\(refusal?.message ?? "")")
    }
    // Where and how long is not what.
    #expect(refusal?.message.contains("max_hours") == false)
    options.allowsChanges = true
    var rest = try TrainingRun(
      checkpoint: run.files.checkpoint, options: options, potential: { _ in try morse() })
    try rest.resume()
    #expect(rest.trainer.state.epoch == 5 && rest.deck.rate == 0.001)
  }

  @Test func changedDataAreRefusedUnlessAllowed() throws {
    let folder = try TemporaryFolder()
    let data = "\(folder.path)/data.xyz"
    try writeFrames(16, to: data)
    let (run, _) = try train(trainingDeck(in: folder.path), interruptAfter: 10)
    try FileManager.default.removeItem(atPath: data)
    try writeFrames(16, to: data, seed: 2)
    func resume(_ allowsChanges: Bool) throws {
      _ = try TrainingRun(
        checkpoint: run.files.checkpoint, options: .init(allowsChanges: allowsChanges),
        potential: { _ in try morse() })
    }
    let refusal = failure { try resume(false) }
    #expect(refusal?.exitCode == 3)
    #expect(
      refusal?.message.contains("data.xyz: error: this is not what the training began with") == true)
    try resume(true)
  }

  @Test func dataThatHaveMovedAreKnownByTheirHash() throws {
    let folder = try TemporaryFolder()
    try writeFrames(16, to: "\(folder.path)/data.xyz")
    let (run, _) = try train(trainingDeck(in: folder.path), interruptAfter: 10)
    let elsewhere = try TemporaryFolder()
    try FileManager.default.moveItem(atPath: "\(folder.path)/data.xyz", toPath: "\(elsewhere.path)/data.xyz")
    let moved = try trainingDeck(in: elsewhere.path)
    try moved.resolvedText.write(toFile: "\(elsewhere.path)/moved.yaml", atomically: true, encoding: .utf8)
    var rest = try TrainingRun(
      checkpoint: run.files.checkpoint, options: .init(deck: "\(elsewhere.path)/moved.yaml"),
      potential: { _ in try morse() })
    try rest.resume()
    #expect(rest.trainer.isFinished && rest.files.folder == folder.path)
  }

  @Test func earlierFilesAreKeptUnlessOverwriteIsAsked() throws {
    let folder = try TemporaryFolder()
    try writeFrames(8, to: "\(folder.path)/data.xyz")
    let deck = try trainingDeck(epochs: 1, in: folder.path)
    _ = try train(deck)
    let before = try folder.bytes("morse.model.h5")
    let refusal = failure { _ = try train(deck) }
    #expect(refusal?.exitCode == 3 && refusal?.message.contains("train --resume") == true)
    #expect(try folder.bytes("morse.model.h5") == before)
    _ = try train(deck, overwrite: true)
  }

  @Test func notANumberIsAWarningAndInTheEndAnErrorByName() throws {
    let folder = try TemporaryFolder()
    try writeFrames(16, to: "\(folder.path)/data.xyz")
    let bad = try ExtendedXYZ.read("\(folder.path)/data.xyz", frame: 4).system.positions
    let potential = try morse()
    var setbacks = 2
    potential.isPoisonous = { system, _ in
      guard setbacks > 0, system.positions == bad else { return false }
      setbacks -= 1
      return true
    }
    let deck = try trainingDeck(in: folder.path)
    let (run, heard) = try train(deck, potential: potential)
    let warnings = heard.filter(\.isWarning).map(\.description)
    #expect(warnings.count == 2 && warnings[0].contains("data, frame 5"), "\(warnings)")
    #expect(run.trainer.isFinished && run.trainer.state.rateFactor == 0.25)

    potential.isPoisonous = { system, _ in system.positions == bad }
    let end = failure { _ = try train(deck, overwrite: true, potential: potential) }
    #expect(end?.exitCode == 4)
    #expect(end?.message.contains("data, frame 5 is not finite, whatever the rate") == true)
    #expect(end?.message.contains("morse.checkpoint.h5") == true)
  }

  @Test func timeIsUpAfterMaxHours() throws {
    let folder = try TemporaryFolder()
    try writeFrames(8, to: "\(folder.path)/data.xyz")
    // A third of a second.
    let deck = try trainingDeck("max_hours: 0.0001", epochs: 10_000_000, in: folder.path)
    let (run, heard) = try train(deck)
    #expect(!run.trainer.isFinished)
    #expect(heard.last?.description.contains("Interrupted by `max_hours`") == true)
  }

  @Test func checkTellsWhatTheTrainingWouldBeAndWritesNothing() throws {
    let folder = try TemporaryFolder()
    try writeFrames(16, to: "\(folder.path)/data.xyz")
    let run = try TrainingRun(deck: trainingDeck(in: folder.path), potential: { _ in try morse() })
    let report = try run.check()
    for words in ["data", "3 parameters", "step  ", "epoch  ", "memory", "train morse.yaml"] {
      #expect(report.contains(words), "\(report)")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["data.xyz"])
  }

  @Test func dataThatCannotBeMeantAreRefusedByName() throws {
    let cases: [(String, String, (inout Configuration, Int) -> Void, Int32, [String])] = [
      ("", "data.xyz", { frame, _ in frame.forces = nil }, 3, ["none of its 8 frames has forces"]),
      (
        "loss: {stress: 1}", "data.xyz", { frame, _ in frame.stress = frame.stress.map { $0 * -1 } }, 3,
        // Disturbed lattices do not show the sign: no pair of frames is near enough.
        []
      ),
      (
        "", "data.xyz", { frame, n in if n == 3 { frame.energy = (frame.energy ?? 0) - 5000 } }, 3,
        ["data.xyz: error: frame 4: its energy is", "eV per atom away", "isolated_energies"]
      ),
      ("valid: none.xyz", "data.xyz", { _, _ in }, 2, ["there is no file"]),
      ("model: {species: [Ar]}", "data.xyz", { _, _ in }, 2, ["the data have Ne, which `species` lacks"]),
      (
        "freeze: [nothing/*]", "data.xyz", { _, _ in }, 2,
        ["`nothing/*` is no block of parameters", "pair/depth"]
      ),
      ("freeze: ['*']", "data.xyz", { _, _ in }, 2, ["nothing is left to learn"]),
      ("start: none.h5", "data.xyz", { _, _ in }, 2, ["there is no file"]),
    ]
    for (extra, name, change, code, words) in cases {
      let folder = try TemporaryFolder()
      try writeFrames(8, to: "\(folder.path)/\(name)", change: change)
      let end = failure {
        let deck = try TrainingDeck(
          text: "train: data.xyz\nepochs: 1\n\(extra)\n"
            + (extra.hasPrefix("start") ? "" : "isolated_energies: {Ne: -3 eV, Ar: -5 eV}\n"),
          file: "morse.yaml", folder: folder.path)
        _ = try TrainingRun(deck: deck, potential: { _ in try morse() })
      }
      if words.isEmpty {
        #expect(end == nil)
      } else {
        #expect(end?.exitCode == code, "\(extra): \(end?.message ?? "no error")")
        for word in words {
          #expect(end?.message.contains(word) == true, "\(extra): \(end?.message ?? "no error")")
        }
      }
    }
  }

  @Test func freeAtomsInTheDataGiveTheirEnergiesAndAreNotLearned() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/data.xyz"
    try writeFrames(8, to: path)
    let atoms = [("Ne", -3.0), ("Ar", -5.0)].map { "1\nenergy=\($1)\n\($0) 0 0 0\n" }.joined()
    try (String(contentsOfFile: path, encoding: .utf8) + atoms).write(
      toFile: path, atomically: true, encoding: .utf8)
    let deck = try TrainingDeck(
      text: "train: data.xyz\nepochs: 1\nvalid_fraction: 0\noutput: {folder: .}\n", file: "morse.yaml",
      folder: folder.path)
    let (run, heard) = try train(deck)
    #expect(run.trainer.train.count == 8 && run.trainer.valid.isEmpty)
    let words = heard.map(\.description).joined(separator: "\n")
    #expect(words.contains("Ne -3.0000, Ar -5.0000 eV, of the data's frames of one atom"), "\(words)")
    #expect(words.contains("no frames are held back"))
    #expect(!words.contains("have no forces"))
  }

  @Test func aNewModelIsAskedForWithWhatTheDataSay() throws {
    let folder = try TemporaryFolder()
    try writeFrames(8, to: "\(folder.path)/data.xyz")
    var request: PotentialRequest?
    let deck = try trainingDeck(
      "model: {cutoff: 4 A, channels: 8}\nlong_range: {charges: {NeAr: 0}, atomic_charges: {Ar: 0.1}, layers: [2], columns: 4}",
      in: folder.path)
    _ = try TrainingRun(
      deck: deck,
      potential: {
        request = $0
        return try morse()
      })
    guard case .architecture(let architecture, let scaling)? = request?.origin else {
      Issue.record("no architecture")
      return
    }
    #expect(architecture.species == [10, 18] && architecture.channels == 8)
    #expect(
      architecture.longRange
        == .conserved(
          .init(
            layers: [1], columns: 4, sigma: 1.6,
            charges: [.init(formula: "NeAr", composition: [10: 1, 18: 1], charge: 0)],
            atomicCharges: [18: 0.1])))
    #expect(scaling.isolatedEnergies == [-3, -5] && scaling.shift == 0)
    #expect(scaling.averageNeighbors > 5 && scaling.scale > 0.01)
  }
}

@Suite struct TrainingReportTests {
  @Test func reportIsOnePageThatNeedsNothingElse() throws {
    let folder = try TemporaryFolder()
    try writeFrames(16, to: "\(folder.path)/data.xyz")
    let deck = try TrainingDeck(
      text: "train: {file: data.xyz, name: '<b>&'}\nepochs: 3\nisolated_energies: {Ne: -3 eV, Ar: -5 eV}\n"
        + "batch: {frames: 3}\noutput: {folder: ., name: morse}\n", file: "morse.yaml", folder: folder.path)
    _ = try train(deck)
    let html = try text(folder, "morse.report.html")
    for link in ["http", "src=", "href", "url(", "@import", "<script"] {
      #expect(!html.contains(link), "\(link)")
    }
    for words in [
      "Learning curves", "Energy less free atoms", "Forces on Ne", "Forces on Ar", "Worst frames",
      "&lt;b&gt;&amp;, frame ", "sha256", "epochs: 3", "Time of this session",
    ] { #expect(html.contains(words), "\(words)") }
    #expect(!html.contains("<b>"))
    // Every element that is opened is closed: as XML it parses.
    let check = Process()
    check.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    check.arguments = [
      "python3", "-c",
      "import sys, xml.dom.minidom; xml.dom.minidom.parseString(open(sys.argv[1]).read().split('\\n', 1)[1])",
      "\(folder.path)/morse.report.html",
    ]
    try check.run()
    check.waitUntilExit()
    #expect(check.terminationStatus == 0)
  }
}
