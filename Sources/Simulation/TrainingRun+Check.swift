// What a training would be, without training.

import Deck
import Diagnostics
import Foundation
import Training

extension TrainingRun {
  /// Times a few steps and one prediction, and describes the training: data, parameters, memory, time.
  /// - Throws: what `run` would throw before its first epoch; `NumericalError` where the first steps are not finite.
  public func check() throws -> String {
    var probe = trainer
    var (stepSeconds, steps) = (0.0, 0)
    // The first one allocates.
    for turn in 0...Self.timedSteps where !probe.isFinished && probe.state.position < probe.train.count {
      let start = ContinuousClock.now
      guard case .step = try probe.advance() else {
        throw NumericalError(
          cause: "the first steps are not finite: see the table of labels, or lower `optimizer.rate`")
      }
      if turn > 0 || probe.state.position == probe.train.count {
        stepSeconds += seconds(ContinuousClock.now - start)
        steps += 1
      }
    }
    let start = ContinuousClock.now
    if let frame = trainer.valid.first { _ = try trainer.potential.predict(frame.system) }
    let validation = seconds(ContinuousClock.now - start) * Double(trainer.valid.count)
    let perStep = stepSeconds / Double(max(1, steps))
    let perEpoch = perStep * Double(trainer.batchesPerEpoch) + validation
    let isAllWell = !notices.contains(where: \.isWarning)
    return
      (notices.map(\.description) + [
        "step        \(String(format: "%.3f s", perStep)), mean of \(steps)",
        "epoch       \(String(format: "%.1f s", perEpoch)); \(deck.epochs) of them "
          + clock(perEpoch * Double(deck.epochs)) + " (hours:minutes:seconds)",
        "memory      \(bytes(Double(peakMemory()))) (measured in these steps)",
        "files       \(files.folder)/\(files.name).*",
        "\(isAllWell ? "All is well" : "It can train, with the warnings above"): \(Release.command) train "
          + shellQuoted(deck.file),
      ]).joined(separator: "\n")
  }

  private static let timedSteps = 3
}
