// All that the next step of a training needs: 2N epochs are N epochs, a checkpoint and N epochs, bit for bit.
//
//   epoch e of E:   batches of the order (seed, e) from `position` on, then validation, then e + 1

import Lattice

public struct TrainingState: Sendable, Hashable {
  /// What a step changes.
  public struct Weights: Sendable, Hashable {
    public var parameters: [Double]
    public var average: [Double]
    public var moments: Adam.Moments

    public init(parameters: [Double]) {
      self.parameters = parameters
      average = parameters
      moments = Adam.Moments(count: parameters.count)
    }
  }

  /// The weights that did best on the frames held back.
  public struct Best: Sendable, Hashable {
    /// Validation loss.
    public var loss: Double
    /// Epochs done then.
    public var epoch: Int
    /// Averaged.
    public var parameters: [Double]
  }

  public var weights: Weights
  /// Where a step that ends in NaN goes back to: the weights at the beginning of this epoch.
  public var lastGood: Weights
  /// Epochs done.
  public var epoch = 0
  /// Frames of the present epoch that have been used; all of them before validation.
  public var position = 0
  public var schedule = RateSchedule.Memory()
  /// Halved with every setback.
  public var rateFactor = 1.0
  /// Setbacks of this epoch.
  public var setbacks = 0
  /// Over the batches of this epoch.
  public var lossSum = 0.0
  public var batches = 0
  public var errors = ErrorSums()
  public var best: Best?
  /// Epochs since the best.
  public var idleEpochs = 0
  /// Whether patience has ended the training before its last epoch.
  public var hasStopped = false
  public var history: [EpochRecord] = []

  public init(parameters: [Double]) {
    weights = Weights(parameters: parameters)
    lastGood = weights
  }

  /// Steps done, those undone by setbacks left out.
  public var step: Int64 { weights.moments.step }
}

/// What a table shows of one epoch.
public struct EpochRecord: Sendable, Hashable {
  /// From 1.
  public var epoch: Int
  /// Steps done at its end.
  public var step: Int64
  /// At its end.
  public var rate: Double
  /// Mean over its batches, each at the weights that it met.
  public var loss: Double
  /// Of the same predictions.
  public var train: ErrorSums
  /// Of the averaged weights at its end, on the frames held back; nil where none are.
  public var validLoss: Double?
  public var valid: ErrorSums

  public init(
    epoch: Int, step: Int64, rate: Double, loss: Double, train: ErrorSums, validLoss: Double?,
    valid: ErrorSums
  ) {
    self.epoch = epoch
    self.step = step
    self.rate = rate
    self.loss = loss
    self.train = train
    self.validLoss = validLoss
    self.valid = valid
  }

  /// By which epochs are compared.
  public var measure: Double { validLoss ?? loss }
}

// MARK: - As a tree

extension TrainingState.Weights {
  var state: StateTree {
    ["parameters": .numbers(parameters), "average": .numbers(average), "moments": .group(moments.state)]
  }

  init(_ state: StateTree, count: Int) throws {
    self = try state.read { state in
      var weights = try Self(parameters: state.numbers("parameters", count: count))
      weights.average = try state.numbers("average", count: count)
      let moments = try state.group("moments")
      weights.moments = try StateError.inside("moments") { try Adam.Moments(moments, count: count) }
      return weights
    }
  }
}

extension TrainingState {
  public var state: StateTree {
    var state: StateTree = [
      "weights": .group(weights.state), "epoch": .integers([Int64(epoch)]),
      "position": .integers([Int64(position)]), "schedule": .group(schedule.state),
      "rate_factor": .numbers([rateFactor]), "setbacks": .integers([Int64(setbacks)]),
      "loss_sum": .numbers([lossSum]), "batches": .integers([Int64(batches)]),
      "errors": .group(errors.state), "idle_epochs": .integers([Int64(idleEpochs)]),
      "has_stopped": .flags([hasStopped]), "history": .group(history.state),
    ]
    // At the beginning of an epoch the two are one.
    if lastGood != weights { state.values["last_good"] = .group(lastGood.state) }
    if let best {
      state.values["best"] = .group([
        "loss": .numbers([best.loss]), "epoch": .integers([Int64(best.epoch)]),
        "parameters": .numbers(best.parameters),
      ])
    }
    return state
  }

  /// - Parameter count: of parameters.
  /// - Throws: `StateError`.
  public init(_ state: StateTree, count: Int) throws {
    self = try state.read { reader in
      func weights(_ name: String) throws -> Weights {
        let group = try reader.group(name)
        return try StateError.inside(name) { try Weights(group, count: count) }
      }
      func part<Part>(_ name: String, _ make: (StateTree) throws -> Part) throws -> Part {
        let group = try reader.group(name)
        return try StateError.inside(name) { try make(group) }
      }
      var new = TrainingState(parameters: [])
      new.weights = try weights("weights")
      new.lastGood = state.values["last_good"] == nil ? new.weights : try weights("last_good")
      new.epoch = try reader.natural("epoch")
      new.position = try reader.natural("position")
      new.schedule = try part("schedule") { try RateSchedule.Memory($0) }
      new.rateFactor = try reader.number("rate_factor")
      new.setbacks = try reader.natural("setbacks")
      new.lossSum = try reader.number("loss_sum")
      new.batches = try reader.natural("batches")
      new.errors = try part("errors") { try ErrorSums($0) }
      new.idleEpochs = try reader.natural("idle_epochs")
      new.hasStopped = try reader.flags("has_stopped", count: 1)[0]
      new.history = try part("history") { try [EpochRecord]($0) }
      if state.values["best"] != nil {
        new.best = try part("best") { best in
          try best.read { best in
            try Best(
              loss: best.number("loss"), epoch: best.natural("epoch"),
              parameters: best.numbers("parameters", count: count))
          }
        }
      }
      return new
    }
  }
}

extension [EpochRecord] {
  /// Column by column.
  fileprivate var state: StateTree {
    var state: StateTree = [
      "epoch": .integers(map { Int64($0.epoch) }), "step": .integers(map(\.step)),
      "rate": .numbers(map(\.rate)), "loss": .numbers(map(\.loss)),
    ]
    let validLosses = compactMap(\.validLoss)
    if !validLosses.isEmpty { state.values["valid_loss"] = .numbers(validLosses) }
    for (name, path) in [("train", \EpochRecord.train), ("valid", \EpochRecord.valid)] {
      let sums = flatMap { [$0[keyPath: path].energy, $0[keyPath: path].forces, $0[keyPath: path].stress] }
      state.values["\(name)_counts"] = .integers(sums.map { Int64($0.count) })
      state.values["\(name)_sums"] = .numbers(sums.flatMap { [$0.absolute, $0.square] })
    }
    return state
  }

  fileprivate init(_ state: StateTree) throws {
    self = try state.read { reader in
      let epochs = try reader.naturals("epoch")
      let count = epochs.count
      let steps = try reader.naturals("step", count: count)
      let rates = try reader.numbers("rate", count: count)
      let losses = try reader.numbers("loss", count: count)
      let validLosses =
        state.values["valid_loss"] == nil ? [] : try reader.numbers("valid_loss", count: count)
      func errors(_ name: String) throws -> [ErrorSums] {
        let counts = try reader.naturals("\(name)_counts", count: 3 * count)
        let sums = try reader.numbers("\(name)_sums", count: 6 * count)
        return (0..<count).map { ErrorSums(counts: counts[(3 * $0)...], sums: sums[(6 * $0)...]) }
      }
      let (train, valid) = try (errors("train"), errors("valid"))
      return (0..<count).map {
        EpochRecord(
          epoch: epochs[$0], step: Int64(steps[$0]), rate: rates[$0], loss: losses[$0], train: train[$0],
          validLoss: validLosses.isEmpty ? nil : validLosses[$0], valid: valid[$0])
      }
    }
  }
}

extension StateReader {
  /// Numbers of epochs, steps or labels: beyond 2^53 sums of them could overflow.
  mutating func naturals(_ name: String, count: Int? = nil) throws -> [Int] {
    try integers(name, count: count).map { value in
      guard (0...1 << 53).contains(value) else { throw StateError(name, "holds \(value)") }
      return Int(value)
    }
  }

  mutating func natural(_ name: String) throws -> Int { try naturals(name, count: 1)[0] }
}
