// What the keys of a training's deck mean to the parts that carry it out.

import Deck
import Diagnostics
import Foundation
import LRMACEModel
import Lattice
import Training

extension TrainingDeck {
  // MARK: - Data

  var demands: DataDemands {
    DataDemands(
      energy: energyWeight > 0 || (secondStageStart != nil && secondEnergyWeight > 0),
      forces: forceWeight > 0 || (secondStageStart != nil && secondForceWeight > 0),
      stress: stressWeight > 0 || (secondStageStart != nil && secondStressWeight > 0),
      largestForce: largestForce, smallestDistance: smallestDistance)
  }

  /// The model to go on from.
  /// - Throws: `DeckError` at `start` if there is no such file; `HDF5Error`, `ModelError`.
  func readStart() throws -> Model? {
    try start.map { path in
      guard FileManager.default.fileExists(atPath: path) else {
        throw error(
          at: "start", "there is no file \(path)", help: "paths are relative to the folder of the deck")
      }
      return try Model(contentsOf: path)
    }
  }

  /// Energies of free atoms, from where the deck says.
  /// - Throws: `DeckError` at `isolated_energies` where the data do not have them, or where a fit would take for energies of
  ///   free atoms what the model to go on from knows of bonds.
  func isolatedEnergies(of data: LabelledData, start: Model?) throws -> IsolatedEnergies {
    if !isolatedEnergies.isEmpty { return IsolatedEnergies(energies: isolatedEnergies, source: .given) }
    switch (isolatedSource, start) {
    case (.automatic, let start?):
      return IsolatedEnergies(
        energies: Dictionary(uniqueKeysWithValues: zip(start.species, start.isolatedEnergies)),
        source: .model)
    case (.leastSquares, _?):
      throw error(
        at: "isolated_energies", "a fit would count the bonds that the model knows twice",
        help: "leave it out for the model's own, or give energies: {H: -13.6 eV, ...}")
    case (.leastSquares, nil): return try data.fittedIsolatedEnergies()
    case (.automatic, nil): return try data.isolatedAtoms ?? data.fittedIsolatedEnergies()
    case (.atoms, _):
      guard let energies = data.isolatedAtoms else {
        let symbols = data.species.compactMap(Elements.symbol).joined(separator: ", ")
        throw error(
          at: "isolated_energies", "the data do not have a frame of one free atom for each of \(symbols)",
          help: "add frames of one atom without a cell, or give the energies: {H: -13.6 eV, ...}")
      }
      return energies
    }
  }

  /// - Throws: `DeckError` where the data have elements that the model or the energies of free atoms lack.
  func requireSpecies(of data: [LabelledData], _ isolated: IsolatedEnergies, start: Model?) throws {
    let found = Set(data.flatMap(\.species)).sorted()
    func require(_ known: [Int], _ key: String, _ whose: String) throws {
      guard let stranger = found.first(where: { !known.contains($0) }) else { return }
      throw error(
        at: key, "the data have \(Elements.symbol(stranger) ?? "?"), which \(whose) lacks",
        help: "\(whose) has \(known.compactMap(Elements.symbol).joined(separator: ", "))")
    }
    if let start { try require(start.species, "start", "the model") }
    if !species.isEmpty { try require(species, "model.species", "`species`") }
    try require(isolated.energies.keys.sorted(), "isolated_energies", "`isolated_energies`")
    if let stranger = species.first(where: { isolated.energies[$0] == nil }) {
      throw error(
        at: "model.species", "\(Elements.symbol(stranger) ?? "?") is not in the data",
        help: "give the energies of free atoms in `isolated_energies`, this one's among them")
    }
  }

  // MARK: - Model

  /// The sizes of a new model for these elements.
  func architecture(species found: [Int]) -> Architecture {
    let longRange: Architecture.LongRange =
      switch longRange {
      case .none: .none
      case .attention:
        .attention(
          .init(layers: longRangeLayers, columns: columns, heads: heads, sigmas: sigmas, isGated: isGated))
      case .conserved:
        .conserved(
          .init(
            layers: longRangeLayers, columns: columns, sigma: sigmas[0],
            dispersionSigma: hasDispersion ? dispersionSigma : nil,
            charges: charges.map { formula, charge in
              .init(formula: formula, composition: chemicalFormula(formula) ?? [:], charge: charge)
            }, atomicCharges: Dictionary(uniqueKeysWithValues: atomicCharges)))
      }
    return Architecture(
      species: species.isEmpty ? found : species, cutoff: cutoff, layers: layers, channels: channels,
      hiddenDegree: hiddenDegree, lmax: lmax, correlation: correlation, besselCount: besselCount,
      radialWidths: radialWidths, readoutWidth: readoutWidth, longRange: longRange)
  }

  /// - Throws: `DeckError` at the pattern that no block of parameters matches.
  func selection(of blocks: [ParameterBlock]) throws -> ParameterSelection {
    do {
      return try ParameterSelection(
        blocks, frozen: frozen, factors: rateFactors.map { (pattern: $0.key, factor: $0.value) })
    } catch let mistake as PatternError {
      let names = mistake.names.prefix(8).joined(separator: ", ") + (mistake.names.count > 8 ? ", ..." : "")
      guard let pattern = mistake.pattern else {
        throw error(
          at: "freeze", or: ["rate_factors"], "nothing is left to learn", help: "the blocks are \(names)")
      }
      let key = frozen.contains(pattern) ? "freeze" : "rate_factors"
      throw error(at: key, "`\(pattern)` is no block of parameters", help: "the blocks are \(names)")
    }
  }

  // MARK: - Optimiser

  var settings: TrainingSettings {
    func loss(_ energy: Double, _ forces: Double, _ stress: Double) -> Training.Loss {
      let kinds: [LossType: Training.Loss.Kind] = [
        .l1: .l1, .squared: .squared, .huber: .huber, .universal: .universal,
      ]
      return Training.Loss(
        kind: kinds[self.loss] ?? .l1, energyWeight: energy, forceWeight: forces, stressWeight: stress,
        delta: delta)
    }
    let shape: RateSchedule.Shape =
      switch schedule {
      case .cosine: .cosine(end: finalRate)
      case .plateau: .plateau(factor: plateauFactor, patience: plateauPatience)
      case .constant: .constant
      }
    return TrainingSettings(
      loss: loss(energyWeight, forceWeight, stressWeight),
      secondStage: secondStageStart.map {
        .init(
          start: $0, loss: loss(secondEnergyWeight, secondForceWeight, secondStressWeight), rate: secondRate)
      },
      adam: Adam(kind: optimizer == .adam ? .adam : .adamw, decay: decay, usesLargest: usesLargest),
      largestNorm: largestNorm, average: MovingAverage(decay: averageDecay),
      schedule: RateSchedule(peak: rate, warmUp: warmUp, shape: shape),
      batch: batchFrames.map { BatchSize(.frames, $0) } ?? BatchSize(.atoms, batchAtoms), epochs: epochs,
      patience: patience, seed: seed)
  }
}
