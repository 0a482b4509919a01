// Where the wall-clock time of a training goes, and how much of it is left.

import Deck
import Foundation

final class TrainingClock {
  private(set) var stepSeconds = 0.0
  private(set) var validationSeconds = 0.0
  private(set) var outputSeconds = 0.0
  private let start = ContinuousClock.now
  private let firstProgress: Double
  private let checkpointInterval: Double
  private let limit: Double?
  private var mark = ContinuousClock.now
  private var checkpointed = ContinuousClock.now
  private var told: ContinuousClock.Instant?

  private static let pause = Duration.milliseconds(250)

  /// - Parameter progress: of the training at its first step now.
  init(deck: TrainingDeck, from progress: Double) {
    firstProgress = progress
    checkpointInterval = deck.checkpointInterval
    limit = deck.maxHours.map { $0 * 3600 }
  }

  private func lap() -> Double {
    let now = ContinuousClock.now
    defer { mark = now }
    return seconds(now - mark)
  }

  func endStep() { stepSeconds += lap() }
  func endValidation() { validationSeconds += lap() }
  func endOutput() { outputSeconds += lap() }

  /// Why the training is to end, where its time is up.
  var overTime: String? {
    guard let limit, seconds(ContinuousClock.now - start) > limit else { return nil }
    return "`max_hours`"
  }

  /// Whether it is time for a checkpoint, which `noteCheckpoint` starts anew.
  var isCheckpointDue: Bool { seconds(ContinuousClock.now - checkpointed) >= checkpointInterval }
  func noteCheckpoint() { checkpointed = .now }

  /// Whether a person should hear of a step again.
  func shouldTell() -> Bool {
    if let told, ContinuousClock.now - told < Self.pause { return false }
    told = .now
    return true
  }

  /// Seconds to the last epoch, at the speed so far; nil before there is one.
  func secondsLeft(at progress: Double) -> Double? {
    let done = progress - firstProgress
    return done > 0 ? seconds(ContinuousClock.now - start) * (1 - progress) / done : nil
  }

  var table: String {
    timingTable([
      ("steps", stepSeconds), ("validation", validationSeconds), ("output", outputSeconds),
    ])
  }
}
