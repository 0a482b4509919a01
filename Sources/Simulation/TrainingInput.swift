// From the deck of a training to what it learns from: frames read, checked and split, the energies of free atoms, and what a
// new model takes from them.

import Deck
import Diagnostics
import Foundation
import LRMACEModel
import Lattice
import Training
import Trajectory

struct TrainingInput {
  /// The frames that are learned, with their files.
  let train: LabelledData
  /// Those held back, with theirs.
  let valid: LabelledData
  let isolated: IsolatedEnergies
  /// The model to go on from, with the energies of free atoms that the deck wants; nil for a new one.
  let start: Model?
  /// What a person should know, the table of labels among it.
  let notices: [Event]

  /// - Throws: `DeckError` where the deck does not fit the data, `StructureError` and `FileError` for what is wrong with these,
  ///   `HDF5Error` and `ModelError` for the model to go on from.
  /// - Parameter events: hears the notices as they come, before what they may explain is refused.
  init(_ deck: TrainingDeck, events: EventHandler) throws {
    var notices: [Event] = []
    func say(_ notice: Event) throws {
      notices.append(notice)
      try events(notice)
    }
    let names = LabelNames(
      energy: deck.energyName, forces: deck.forcesName, stress: deck.stressName, virial: deck.virialName,
      charge: deck.chargeName, weight: deck.weightName)
    let demands = deck.demands
    var all = try Self.read(deck.train, "train", deck, names, demands, say)
    var heldBack = try deck.valid.isEmpty ? nil : Self.read(deck.valid, "valid", deck, names, demands, say)
    let sets = [all] + (heldBack.map { [$0] } ?? [])

    let given = try deck.readStart()
    let isolated = try deck.isolatedEnergies(of: all, start: given)
    try say(.note("energies of free atoms: \(isolated.description)"))
    try deck.requireSpecies(of: sets, isolated, start: given)
    start = given.map { model in
      var model = model
      model.isolatedEnergies = zip(model.species, model.isolatedEnergies).map { isolated.energies[$0] ?? $1 }
      return model
    }
    self.isolated = isolated

    for data in sets {
      try say(.note(LabelTable(data, demands: demands, isolated: isolated).text))
      try data.requireBinding(isolated)
      if demands.stress { try data.requireStressSign() }
    }
    if isolated.source == .atoms {
      all.frames.removeAll(where: \.isIsolatedAtom)
      heldBack?.frames.removeAll(where: \.isIsolatedAtom)
    }
    if let heldBack {
      (train, valid) = (all, heldBack)
    } else {
      (train, valid) = all.split(fraction: deck.validFraction, seed: deck.seed)
    }
    guard !train.frames.isEmpty else {
      throw deck.error(at: "train", "no frame is left to learn from", help: "give more frames")
    }
    if valid.frames.isEmpty {
      try say(
        .warning(
          Diagnostic(
            severity: .warning, file: deck.file,
            "no frames are held back: the best epoch is that of the lowest training loss")))
    }
    if !demands.stress, all.frames.contains(where: { $0.labels.stress != nil }) {
      try say(.note("the data have stresses, which have no weight: `loss: {stress: ...}` gives them one"))
    }
    self.notices = notices
  }

  private static func read(
    _ files: [DeckFile], _ key: String, _ deck: TrainingDeck, _ names: LabelNames, _ demands: DataDemands,
    _ say: EventHandler
  ) throws -> LabelledData {
    for file in files where !FileManager.default.fileExists(atPath: file.path) {
      throw deck.error(
        at: key, "there is no file \(file.path)", help: "paths are relative to the folder of the deck")
    }
    let data = try LabelledData(
      reading: files.map { file in
        DataFile(
          name: file.name, path: file.path, weight: file.weight,
          labelWeights: LabelWeights(
            energy: file.energyWeight, forces: file.forcesWeight, stress: file.stressWeight))
      }, names: names, demands: demands, warnings: { try say(.warning($0)) })
    for (file, found) in zip(data.files, data.names) {
      guard let virial = found.virial else { continue }
      try say(.note("\(file.name): `\(virial)` is read as the virial in eV, -V times the stress"))
    }
    return data
  }

  /// What the file of a model says of where it comes from: files with the beginnings of their hashes.
  var provenance: String {
    func words(_ data: LabelledData) -> String {
      data.files.indices.map { n in
        let frames = data.frames.count { $0.file == n }
        let name = URL(fileURLWithPath: data.files[n].path).lastPathComponent
        return "\(name) (\(frames) frames, sha256 \(data.hashes[n]))"
      }.joined(separator: ", ")
    }
    return "\(words(train)); held back: \(valid.frames.isEmpty ? "none" : words(valid))"
      + (start.map { "; from \($0.name) (sha256 \($0.hash))" } ?? "")
  }
}
