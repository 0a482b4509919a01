// How a training goes about it.

public struct TrainingSettings: Sendable, Hashable {
  /// More weight on energies towards the end: forces come first, and energies follow from them but for a constant.
  public struct SecondStage: Sendable, Hashable {
    /// The part of all epochs after which it begins.
    public var start: Double
    public var loss: Loss
    /// Peak of the rate; nil goes on with the schedule's.
    public var rate: Double?

    public init(start: Double, loss: Loss, rate: Double? = nil) {
      self.start = start
      self.loss = loss
      self.rate = rate
    }
  }

  public var loss: Loss
  public var secondStage: SecondStage?
  public var adam: Adam
  /// Of the gradient; nil does not clip.
  public var largestNorm: Double?
  public var average: MovingAverage
  public var schedule: RateSchedule
  public var batch: BatchSize
  public var epochs: Int
  /// Epochs without a lower validation loss that end the training; nil for no end before the last.
  public var patience: Int?
  public var seed: UInt64

  public init(
    loss: Loss, secondStage: SecondStage? = nil, adam: Adam = Adam(), largestNorm: Double? = 10,
    average: MovingAverage = MovingAverage(decay: 0.99), schedule: RateSchedule, batch: BatchSize,
    epochs: Int,
    patience: Int? = nil, seed: UInt64 = 1
  ) {
    self.loss = loss
    self.secondStage = secondStage
    self.adam = adam
    self.largestNorm = largestNorm
    self.average = average
    self.schedule = schedule
    self.batch = batch
    self.epochs = epochs
    self.patience = patience
    self.seed = seed
  }

  /// The loss by which epochs are compared: that of the last stage, throughout, so that they can be.
  var measure: Loss { secondStage?.loss ?? loss }
}
