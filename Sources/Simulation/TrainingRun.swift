// A deck turned into a training: data, a potential, the machine that trains it, and files for what comes out.

import Deck
import Diagnostics
import Foundation
import LRMACEModel
import Lattice
import Training
import Trajectory

/// A training: made from a deck or from a checkpoint, then run or resumed once.
public struct TrainingRun {
  public let deck: TrainingDeck
  public let files: TrainingFiles
  let input: TrainingInput
  /// What the new model took from its data; nil for a model that went on.
  let scaling: DataScaling?
  public internal(set) var trainer: Trainer
  private var startNotice: Event?
  /// What the training goes on from, until it does; nil for a new one.
  var resumePoint: TrainingResumePoint?
  let events: EventHandler

  /// Reads the data of `deck`, says what they are, and makes the potential; no file is written.
  /// - Throws: `DeckError`, `FileError`, `StructureError`, or what making the potential throws.
  public init(
    deck: TrainingDeck, events: @escaping EventHandler = { _ in },
    potential makePotential: PotentialMaker = makePotential
  ) throws {
    try self.init(
      deck: deck, files: TrainingFiles(folder: deck.outputFolder, name: deck.outputName), point: nil,
      events: events, potential: makePotential)
  }

  /// - Parameter point: whose scaling and state are taken; nil for a new training.
  init(
    deck: TrainingDeck, files: TrainingFiles, point: TrainingResumePoint?, events: @escaping EventHandler,
    potential makePotential: PotentialMaker
  ) throws {
    self.deck = deck
    self.files = files
    self.events = events
    input = try TrainingInput(deck, events: events)
    resumePoint = point
    let origin: PotentialRequest.Origin
    if let start = input.start {
      origin = .model(start)
      scaling = nil
    } else {
      let architecture = deck.architecture(species: input.train.species)
      let scaling = try point?.scaling ?? input.scaling(for: architecture)
      origin = .architecture(architecture, scaling)
      self.scaling = scaling
    }
    let potential = try makePotential(
      PotentialRequest(deck: deck, origin: origin, frames: input.train.frames))
    let selection = try deck.selection(of: potential.blocks)
    let state = try point?.state(for: potential.blocks)
    trainer = Trainer(
      potential, settings: deck.settings, train: input.train.frames, valid: input.valid.frames,
      selection: selection, state: state)
    if let start = input.start, point == nil, let errors = try trainer.errorsOfStart() {
      startNotice = .note("\(start.name) as it is: \(errors.summary(frames: input.valid.frames.count))")
    }
    for notice in closingNotices { try events(notice) }
  }

  /// Sizes, and how good the model to go on from is before the first step.
  private var closingNotices: [Event] { [.note(trainer.sizes)] + (startNotice.map { [$0] } ?? []) }

  /// What a person has been told before the first step.
  var notices: [Event] { input.notices + closingNotices }

  var hasStress: Bool { deck.demands.stress }

  // MARK: - The model's file

  /// The model of the best epoch so far, with where it comes from and how good it is.
  /// - Parameter domain: where the data lie, which is worked out at the end.
  func model(_ domain: Model.TrainingDomain? = nil) -> Model {
    let state = trainer.state
    let epoch = state.best?.epoch ?? state.epoch
    let record = state.history.last { $0.epoch == epoch }
    let errors = record.map { record in
      input.valid.frames.isEmpty
        ? "on its own training data: " + record.train.summary(frames: input.train.frames.count)
        : "on frames held back: " + record.valid.summary(frames: input.valid.frames.count)
    }
    var model = trainer.potential.model(
      with: trainer.result, name: deck.outputName,
      provenance:
        "trained by Bloch \(Release.version), epoch \(epoch) of \(deck.epochs), seed \(deck.seed), on "
        + input.provenance + (deck.note.map { " (\($0))" } ?? "") + "; settings: " + deck.settingsInWords,
      errors: errors)
    model.domain = domain
    return model
  }

  func writeModel(_ domain: Model.TrainingDomain? = nil) throws {
    try model(domain).write(to: files.model)
  }
}

extension TrainingInput {
  /// What a new model takes from the frames that it learns.
  func scaling(for architecture: Architecture) throws -> DataScaling {
    let statistics = try DataStatistics(of: train.frames, cutoff: architecture.cutoff)
    return DataScaling(
      isolatedEnergies: architecture.species.map { isolated.energies[$0] ?? 0 },
      scale: statistics.forceScale, shift: 0, averageNeighbors: statistics.averageNeighbors)
  }
}

extension TrainingDeck {
  /// Loss and optimiser in one line.
  var settingsInWords: String {
    var parts = [
      "loss \(loss.rawValue) with weights \(energyWeight), \(forceWeight), \(stressWeight) of energy, forces, stress"
    ]
    if let secondStageStart {
      parts.append(
        "from \(secondStageStart) of the epochs \(secondEnergyWeight), \(secondForceWeight), \(secondStressWeight)"
      )
    }
    parts.append(
      "\(optimizer.rawValue) at \(rate) (\(schedule.rawValue)), batches of "
        + (batchFrames.map { "\($0) frames" } ?? "\(batchAtoms) atoms"))
    return parts.joined(separator: ", ")
  }
}

extension Trainer {
  /// Parameters, frames and steps in one line.
  var sizes: String {
    let total = state.weights.parameters.count
    let learning = selection.learningCount
    return "\(total) parameters" + (learning < total ? ", of which \(learning) learn" : "")
      + "; \(train.count) frames to learn, \(valid.count) held back; \(batchesPerEpoch) steps an epoch"
  }

  /// Errors on the frames held back at the present parameters; nil without such frames.
  fileprivate func errorsOfStart() throws -> ErrorSums? {
    guard !valid.isEmpty else { return nil }
    var errors = ErrorSums()
    for (prediction, frame) in zip(try potential.predict(valid.map(\.system)), valid) {
      errors.add(prediction, frame)
    }
    return errors
  }

  var batchesPerEpoch: Int {
    let order = epochOrder(count: train.count, epoch: state.epoch, seed: settings.seed)
    var (start, count) = (0, 0)
    while start < order.count {
      start = settings.batch.end(from: start, order: order, frames: train)
      count += 1
    }
    return count
  }
}
