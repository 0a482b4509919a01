// The keys of a training: defaults, mistakes with their places, and the resolved deck.

import Diagnostics
import Foundation
import Testing

@testable import Deck

private func training(_ extra: String = "") throws -> TrainingDeck {
  try TrainingDeck(
    text: "train: water.xyz\nepochs: 10\n" + extra, file: "train.yaml", folder: "/decks")
}

private func mistakes(_ extra: String) -> String {
  do {
    _ = try training(extra)
    return "no error"
  } catch { return "\(error)" }
}

@Suite struct TrainingDeckTests {
  @Test func defaultsFillWhatTheDeckLeavesOut() throws {
    let deck = try training()
    #expect(deck.train == [DeckFile(path: "/decks/water.xyz", name: "water", weight: 1)])
    #expect(deck.valid.isEmpty && deck.validFraction == 0.1)
    #expect(deck.loss == .l1 && deck.energyWeight == 10 && deck.secondEnergyWeight == 50)
    #expect(deck.longRange == .conserved && deck.longRangeLayers == [0, 1] && deck.sigmas == [2])
    #expect(deck.isolatedSource == .automatic && deck.start == nil && deck.patience == nil)
    #expect(deck.checkpointInterval == 600 && deck.largestForce == 100)
  }

  @Test func filesHaveNamesAndWeights() throws {
    let deck = try training(
      "valid: [v.xyz, {file: ../ions.xyz, name: salt, weight: 2.5, energy: 0, stress: 3}]")
    #expect(
      deck.valid == [
        DeckFile(path: "/decks/v.xyz", name: "v", weight: 1),
        DeckFile(path: "/ions.xyz", name: "salt", weight: 2.5, energyWeight: 0, stressWeight: 3),
      ])
  }

  @Test func tablesTakeNamesOfTheUsersOwn() throws {
    let deck = try training(
      """
      isolated_energies: {H: -13.6 eV, O: -75 Ha}
      long_range: {charges: {H2O: 0, F: -1, CH3I: 0}, atomic_charges: {O: -0.76, H: 0.38}, layers: [2], columns: 8}
      rate_factors: {"*/radial/*": 0.1}
      freeze: [layers/0/*]
      model: {radial: [32, 16], species: [O, H]}
      """)
    #expect(deck.isolatedEnergies[1] == -13.6)
    #expect(abs((deck.isolatedEnergies[8] ?? 0) + 75 * 27.211386245988) < 1e-9)
    #expect(deck.charges.map(\.key) == ["H2O", "F", "CH3I"] && deck.charges.map(\.value) == [0, -1, 0])
    #expect(deck.atomicCharges.map(\.key) == [8, 1] && deck.atomicCharges.map(\.value) == [-0.76, 0.38])
    #expect(deck.rateFactors.first?.key == "*/radial/*" && deck.frozen == ["layers/0/*"])
    #expect(deck.longRangeLayers == [1] && deck.radialWidths == [32, 16] && deck.species == [1, 8])
    #expect(chemicalFormula("CH3I") == [6: 1, 1: 3, 53: 1])
    #expect(chemicalFormula("CH3COOH") == [6: 2, 1: 4, 8: 2])
  }

  @Test func noteOfSeveralLinesIsOneLine() throws {
    let deck = try training("note: |\n  liquid water,\n    PBE0")
    #expect(deck.note == "liquid water, PBE0")
  }

  @Test func resolvedDeckReadsBackAsTheSameDeck() throws {
    let extras = [
      "", "loss: {type: universal, delta: 0.02}\nstage_two: {start: none}\nbatch: {frames: 3}",
      "start: m.h5\nfreeze: ['*/radial/?']\nrate_factors: {\"layers/0/*\": 0.5}\nmax_hours: 23.5\npatience: 7",
      "long_range: {type: attention, columns: 8, heads: 2, sigma: [1 A, 0.25 nm], gate: true}",
      "isolated_energies: {H: -1 eV}\nvalid: [{file: a b.xyz, name: 'x y', weight: 0.5, forces: 0.25}]\nschedule: {type: plateau}",
      "labels: {energy: REF_energy, virial: my virial}\nlong_range: {type: none}",
    ]
    for extra in extras {
      let deck = try training(extra)
      let again = try TrainingDeck(text: deck.resolvedText, file: "resolved.yaml", folder: "/elsewhere")
      #expect(again.resolvedText == deck.resolvedText, "\(extra)")
      #expect(again.differences(from: deck).isEmpty)
    }
  }

  @Test func mistakesAreSaidWithTheirPlaces() {
    let cases: [(String, [String])] = [
      ("model: {cutoff: 5}", ["train.yaml:3:17: error: `5` has no unit", "write `cutoff: 5 A`"]),
      ("checkpoint: {every: 10}", ["`10` has no unit", "10 min"]),
      ("loss: {type: huberr}", ["train.yaml:3:14", "did you mean `huber`?"]),
      ("loss: {delta: 0.1}", ["`delta` has no place here: `l1` has no corner"]),
      ("optimizer: {rate: fast}", ["`fast` is not a number", "a number from"]),
      ("start: m.h5\nmodel: {channels: 8}", ["`channels` has no place here: `start` brings its own model"]),
      ("valid: v.xyz\nvalid_fraction: 0.2", ["`valid_fraction` has no place here: `valid` gives the frames"]),
      ("isolated_energies: {Xx: 1 eV}", ["`Xx` is no element"]),
      ("isolated_energies: {H: 1}", ["train.yaml:3:24", "`1` has no unit"]),
      ("isolated_energies: fit", ["`fit` is not known here"]),
      ("long_range: {charges: {h2o: 0}}", ["`h2o` is no formula such as CH3I"]),
      ("long_range: {atomic_charges: {OH: 1}}", ["`OH` is no element", "train.yaml:3:"]),
      ("long_range: {atomic_charges: {O: -30}}", ["a number from -20 to 20"]),
      (
        "long_range: {type: attention, atomic_charges: {O: -1}}",
        ["`atomic_charges` has no place here: it is for `conserved`"]
      ),
      ("long_range: {type: none, columns: 4}", ["`type: none` has no long range"]),
      (
        "long_range: {type: attention, columns: 8, heads: 3}",
        ["8 columns cannot be shared out among 3 heads"]
      ),
      ("long_range: {layers: [2, 1]}", ["1 comes after 2"]),
      ("long_range: {layers: [3]}", ["`3` is not a whole number from 1 to 2"]),
      ("long_range: {sigma: [1 A, 2 A]}", ["`conserved` takes one sigma"]),
      ("model: {species: [H, H]}", ["`H` is given twice"]),
      ("valid: [a/x.xyz, b/x.xyz]", ["two files are called `x`", "name: ..."]),
      ("valid: [{file: x.xyz, wieght: 2}]", ["unknown key `wieght` of a file"]),
      ("epoch: 3", ["did you mean `epochs`?"]),
      ("batch: {atoms: 10, frames: 2}", ["`frames` says how large a batch is"]),
      ("max_hours: 24 h", ["`24 h` is not a number"]),
      ("freeze: layers/0", ["not a list"]),
      (
        "note: \(String(repeating: "ab ", count: 400))",
        ["train.yaml:3:7", "a text of 1199 characters", "`none`, or a line of up to 1000 characters"]
      ),
    ]
    for (extra, words) in cases {
      let message = mistakes(extra)
      for word in words { #expect(message.contains(word), "\(extra): \(message)") }
    }
  }

  @Test func decksOfRunsAndTrainingsAreToldApart() throws {
    do {
      _ = try Deck(text: "train: a.xyz\nepochs: 3\n", file: "t.yaml", folder: "/")
      Issue.record("no error")
    } catch {
      #expect("\(error)".contains("t.yaml:1:1: error: this is the deck of a training, not of a run"))
      #expect("\(error)".contains("`bloch train t.yaml`"))
    }
    do {
      _ = try TrainingDeck(text: "structure: a.xyz\n", file: "r.yaml", folder: "/")
      Issue.record("no error")
    } catch { #expect("\(error)".contains("`bloch run r.yaml`")) }
  }

  @Test func differencesNameKeysWithBothValues() throws {
    let old = try training("optimizer: {rate: 0.01}")
    let new = try training("optimizer: {rate: 0.02}\nstage_two: {start: none}\nthreads: 7")
    let differences = new.differences(from: old, ignoring: ["threads"])
    #expect(differences.contains(.init(key: "optimizer.rate", old: "0.01", new: "0.02")))
    #expect(differences.contains(.init(key: "stage_two.energy", old: "50", new: nil)))
    #expect(!differences.contains { $0.key == "threads" })
  }

  @Test func everyKeyIsInTheReferenceWithItsHelp() {
    #expect(DeckKind.training.keys.count == Set(DeckKind.training.keys.map(\.path)).count)
    for key in DeckKind.training.keys {
      #expect(key.help.hasSuffix("."), "\(key.path)")
      #expect(DeckKind.training.reference.contains("\(key.path)  ("))
    }
  }
}
