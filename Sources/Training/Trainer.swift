// A training as a machine of states: each `advance` is one step, or the validation at the end of an epoch, and what it does is a
// function of `state` alone.

import Lattice

public struct Trainer {
  /// What an `advance` did.
  public enum Advance: Sendable {
    /// A step; the loss of its batch.
    case step(loss: Double)
    /// The end of an epoch, and whether it was the best so far.
    case epoch(EpochRecord, isBest: Bool)
    /// Numbers that were none: the epoch begins again at half the rate.
    case setback(Setback)
    /// Nothing: what `interruption` asked for came first.
    case interrupted
    /// Nothing: the training is complete.
    case finished
  }

  public struct Setback: Sendable {
    public let frame: LabelledFrame
    /// What is not finite.
    public let quantity: String
    /// The peak of the rate from now on.
    public let rate: Double
  }

  public let settings: TrainingSettings
  public let train: [LabelledFrame]
  public let valid: [LabelledFrame]
  public let potential: any TrainablePotential
  public let selection: ParameterSelection
  public private(set) var state: TrainingState

  /// The order of `state.epoch`.
  private var order: [Int]
  private var gradient: [Double]

  /// - Parameters:
  ///   - train: at least one frame.
  ///   - state: where to go on; nil begins with the parameters of `potential`.
  public init(
    _ potential: any TrainablePotential, settings: TrainingSettings, train: [LabelledFrame],
    valid: [LabelledFrame], selection: ParameterSelection, state: TrainingState? = nil
  ) {
    precondition(!train.isEmpty)
    self.potential = potential
    self.settings = settings
    self.train = train
    self.valid = valid
    self.selection = selection
    self.state = state ?? TrainingState(parameters: potential.parameters)
    // Data that have changed since the checkpoint have other epochs.
    self.state.position = min(self.state.position, train.count)
    gradient = Array(repeating: 0, count: self.state.weights.parameters.count)
    order = []
    order = epochOrder(count: train.count, epoch: self.state.epoch, seed: settings.seed)
  }

  public var isFinished: Bool { state.hasStopped || state.epoch >= settings.epochs }

  /// p: the part of all epochs that is done.
  public var progress: Double {
    let count = Double(train.count)
    return (Double(state.epoch) * count + Double(state.position)) / (Double(settings.epochs) * count)
  }

  /// The stage of the next step.
  private var secondStage: TrainingSettings.SecondStage? {
    settings.secondStage.flatMap { progress >= $0.start ? $0 : nil }
  }

  /// a of the next step.
  public var rate: Double {
    var schedule = settings.schedule
    schedule.peak = (secondStage?.rate ?? schedule.peak) * state.rateFactor
    return schedule.rate(step: state.step, progress: progress, state.schedule)
  }

  /// The best averaged parameters so far; the present ones before the first validation.
  public var result: [Double] { state.best?.parameters ?? state.weights.average }

  /// - Parameter interruption: asked between the frames of a validation, which is then left for later.
  /// - Throws: `TrainingFailure` where setbacks do not help; what the potential throws.
  public mutating func advance(until interruption: () -> Bool = { false }) throws -> Advance {
    if isFinished { return .finished }
    return state.position < train.count ? try step() : try finishEpoch(until: interruption)
  }

  // MARK: - A step

  private mutating func step() throws -> Advance {
    let end = settings.batch.end(from: state.position, order: order, frames: train)
    let batch = order[state.position..<end].map { train[$0] }
    let loss = secondStage?.loss ?? settings.loss
    let counts = Loss.Counts(of: batch)
    potential.parameters = state.weights.parameters
    for i in gradient.indices { gradient[i] = 0 }
    var errors = state.errors
    var value = 0.0
    var seeded: [SeededSystem] = []
    for (prediction, frame) in zip(try potential.predict(batch.map(\.system)), batch) {
      guard prediction.isFinite else { return try setback(at: frame, "prediction") }
      errors.add(prediction, frame)
      let term = loss.term(of: prediction, frame, in: counts)
      value += term.value
      seeded.append(SeededSystem(frame.system, term))
    }
    try potential.addGradient(of: seeded, to: &gradient)
    let norm = clip(&gradient, to: settings.largestNorm, selection: selection)
    guard norm.isFinite else { return try setback(at: culprit(seeded, batch), "gradient") }
    let rate = rate
    settings.adam.step(
      &state.weights.parameters, &state.weights.moments, gradient: gradient, rate: rate,
      selection: selection)
    let step = state.step
    settings.average.update(&state.weights.average, with: state.weights.parameters, step: step)
    state.errors = errors
    state.lossSum += value
    state.batches += 1
    state.position = end
    return .step(loss: value)
  }

  /// The first frame whose own gradient is not finite.
  private func culprit(_ seeded: [SeededSystem], _ batch: [LabelledFrame]) throws -> LabelledFrame {
    for (system, frame) in zip(seeded, batch) {
      var own = [Double](repeating: 0, count: gradient.count)
      try potential.addGradient(of: [system], to: &own)
      if !own.allSatisfy(\.isFinite) { return frame }
    }
    return batch[0]
  }

  // MARK: - Setbacks

  /// Beyond these a smaller rate is no cure: 2^-10 of it did not help.
  private static let mostSetbacks = 10

  private mutating func setback(at frame: LabelledFrame, _ quantity: String) throws -> Advance {
    guard state.setbacks < Self.mostSetbacks else {
      throw TrainingFailure(frame: frame, quantity: quantity, setbacks: state.setbacks)
    }
    state.setbacks += 1
    state.rateFactor /= 2
    state.weights = state.lastGood
    beginEpoch()
    return .setback(
      Setback(frame: frame, quantity: quantity, rate: settings.schedule.peak * state.rateFactor))
  }

  private mutating func beginEpoch() {
    state.position = 0
    state.lossSum = 0
    state.batches = 0
    state.errors = ErrorSums()
    order = epochOrder(count: train.count, epoch: state.epoch, seed: settings.seed)
  }

  // MARK: - The end of an epoch

  private mutating func finishEpoch(until interruption: () -> Bool) throws -> Advance {
    let lastRate = rate
    potential.parameters = state.weights.average
    let counts = Loss.Counts(of: valid)
    var (validLoss, errors) = (0.0, ErrorSums())
    var culprit: LabelledFrame?
    let isWhole = try potential.forEachPrediction(
      of: valid, until: { culprit != nil || interruption() }
    ) { prediction, frame in
      guard prediction.isFinite else {
        culprit = culprit ?? frame
        return
      }
      errors.add(prediction, frame)
      validLoss += settings.measure.term(of: prediction, frame, in: counts).value
    }
    if let culprit { return try setback(at: culprit, "prediction") }
    guard isWhole else { return .interrupted }
    let record = EpochRecord(
      epoch: state.epoch + 1, step: state.step, rate: lastRate,
      loss: state.lossSum / Double(max(1, state.batches)), train: state.errors,
      validLoss: valid.isEmpty ? nil : validLoss, valid: errors)
    state.history.append(record)
    state.epoch += 1
    let isBest = record.measure < state.best?.loss ?? .infinity
    if isBest {
      state.best = .init(loss: record.measure, epoch: state.epoch, parameters: state.weights.average)
      state.idleEpochs = 0
    } else {
      state.idleEpochs += 1
    }
    settings.schedule.note(record.measure, in: &state.schedule)
    losePatience()
    state.lastGood = state.weights
    state.setbacks = 0
    beginEpoch()
    return .epoch(record, isBest: isBest)
  }

  /// Ends the training, or its first stage where a second is to come.
  private mutating func losePatience() {
    guard let patience = settings.patience, state.idleEpochs >= patience else { return }
    if let second = settings.secondStage, progress < second.start {
      state.epoch = Int((second.start * Double(settings.epochs)).rounded(.up))
      state.idleEpochs = 0
    } else {
      state.hasStopped = true
    }
  }
}

/// A training that does not come past a frame.
public struct TrainingFailure: Error, Sendable {
  public let frame: LabelledFrame
  public let quantity: String
  public let setbacks: Int
}
