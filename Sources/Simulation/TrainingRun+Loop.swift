// The loop of a training: step, table, checkpoint, until the last epoch or an interruption.

import Deck
import Diagnostics
import Foundation
import LRMACEModel
import Lattice
import Training
import Trajectory

extension TrainingRun {
  /// Trains from the first step to the last.
  /// - Parameters:
  ///   - overwrite: replace the files of an earlier training.
  ///   - interruption: what asks the training to end after the present step, nil for nothing.
  /// - Throws: `FileError`, `TrajectoryError`, `NumericalError`, `BrokenRun`, what the handler of events throws.
  public mutating func run(overwrite: Bool, interruption: () -> String? = { nil }) throws {
    let lock = try files.lock()
    try files.claim(overwrite: overwrite)
    let table: LogTable
    do {
      try files.writeResolvedDeck(deck.resolvedText, of: deck.file)
      table = try LogTable(creating: files.table, columns: TrainingTable.columns)
      try writeCheckpoint(table)
    } catch {
      files.remove()
      throw broken(by: error, checkpoint: nil)
    }
    try train(writing: table, lock, until: interruption)
  }

  /// - Parameter lock: held to the last word.
  mutating func train(
    writing table: LogTable, _ lock: OutputLock, until interruption: () -> String?
  ) throws {
    defer { withExtendedLifetime(lock) {} }
    let timer = TrainingClock(deck: deck, from: trainer.progress)
    let reason = { interruption() ?? timer.overTime }
    let words: String
    do {
      try events(.note(TrainingTable.header(hasStress: hasStress)))
      try advance(table, timer, until: reason)
      words = try finish(timer, until: reason)
    } catch {
      let isThere = FileManager.default.fileExists(atPath: files.checkpoint)
      throw broken(by: error, checkpoint: isThere ? files.checkpoint : nil)
    }
    try events(.result(words))
  }

  /// Steps and epochs, with a checkpoint at its interval, at the best so far, and at the end.
  private mutating func advance(
    _ table: LogTable, _ timer: TrainingClock, until reason: () -> String?
  ) throws {
    while !trainer.isFinished, reason() == nil {
      let advance = try trainer.advance(until: { reason() != nil })
      var isBestYet = false
      switch advance {
      case .step(let loss):
        timer.endStep()
        try tell(loss, timer)
      case .epoch(let record, let isBest):
        timer.endValidation()
        try table.append(step: Int64(record.epoch), TrainingTable.values(of: record))
        let left = timer.secondsLeft(at: trainer.progress).map { clock($0) } ?? ""
        try events(
          .note(TrainingTable.row(record, hasStress: hasStress, isBest: isBest, left: left)))
        isBestYet = isBest
      case .setback(let setback): try tell(setback)
      case .interrupted, .finished: break
      }
      if isBestYet || timer.isCheckpointDue {
        try writeCheckpoint(table)
        timer.noteCheckpoint()
        // After the checkpoint, which can make it again.
        if isBestYet { try writeModel() }
      }
      timer.endOutput()
    }
    try writeCheckpoint(table)
  }

  /// Errors of the best weights, model and report; where the training was interrupted, how to go on.
  /// - Returns: the last words.
  private func finish(_ timer: TrainingClock, until reason: () -> String?) throws -> String {
    var lines: [String] = []
    let potential = trainer.potential
    potential.parameters = trainer.result
    func isInterrupted() -> Bool { reason() != nil }
    if trainer.isFinished,
      let learned = try Assessment(
        of: potential, on: input.train.frames, of: input.train, isolated: input.isolated,
        until: isInterrupted),
      let heldBack = try Assessment(
        of: potential, on: input.valid.frames, of: input.valid, isolated: input.isolated,
        until: isInterrupted),
      case let domain = try potential.domain(of: input.train.frames.map(\.system), until: isInterrupted),
      !isInterrupted()
    {
      timer.endValidation()
      try writeModel(domain)
      let epoch = trainer.state.best?.epoch ?? 0
      lines += [
        trainer.state.hasStopped
          ? "Patience ended the training after epoch \(trainer.state.epoch); its best was epoch \(epoch)."
          : "Trained for \(trainer.state.epoch) epochs; the best was epoch \(epoch).", "",
        "Learned:", learned.table, "",
      ]
      if !input.valid.frames.isEmpty { lines += ["Held back:", heldBack.table, ""] }
      try writeReport(learned, heldBack, summary: lines[0], timer)
      timer.endOutput()
    } else {
      lines += [
        "Interrupted by \(reason() ?? "?") "
          + (trainer.isFinished
            ? "before its last errors" : "in epoch \(trainer.state.epoch + 1) of \(deck.epochs)")
          + ". Continue with:",
        "  \(Release.command) \(TrainingFiles.resumeCommand) \(shellQuoted(files.checkpoint))", "",
      ]
    }
    lines += [timer.table, "", "Written:"]
    if FileManager.default.fileExists(atPath: files.model) {
      lines.append("  \(files.model)   the best model so far")
    }
    if FileManager.default.fileExists(atPath: files.report) {
      lines.append("  \(files.report)   curves, parity plots, worst frames: open it in a browser")
    }
    lines += [
      "  \(files.table)   losses and errors, epoch by epoch",
      "  \(files.checkpoint)   for bloch train --resume",
      "  \(files.resolvedDeck)   the deck with every default",
    ]
    return lines.joined(separator: "\n")
  }

  private func writeReport(
    _ learned: Assessment, _ heldBack: Assessment, summary: String, _ timer: TrainingClock
  ) throws {
    let model = model()
    let report = TrainingReport(
      name: deck.outputName, summary: summary + " " + (model.errors.map { "Errors \($0)." } ?? ""),
      history: trainer.state.history, learned: learned, heldBack: heldBack,
      sections: [
        ("Data and model", notices.map(\.description).joined(separator: "\n")),
        ("Time of this session", timer.table), ("Provenance, as in the model's file", model.provenance),
        ("Deck with every default", deck.resolvedText),
      ])
    try Disk.replace(files.report, with: Array(report.html.utf8))
  }

  // MARK: - Words

  private func tell(_ loss: Double, _ timer: TrainingClock) throws {
    guard timer.shouldTell() else { return }
    try events(
      .trainingProgress(
        TrainingProgress(
          epoch: trainer.state.epoch + 1, lastEpoch: deck.epochs, frame: trainer.state.position,
          frames: trainer.train.count, loss: loss, rate: trainer.rate,
          secondsLeft: timer.secondsLeft(at: trainer.progress))))
  }

  private func tell(_ setback: Trainer.Setback) throws {
    try events(
      .warning(
        Diagnostic(
          severity: .warning,
          "the \(setback.quantity) for \(place(of: setback.frame)) is not finite: back to the beginning of the epoch, at "
            + "half the rate (\(setback.rate) from now on)")))
  }

  private func place(of frame: LabelledFrame) -> String {
    let isHeldBack = input.valid.frames.contains {
      $0.file == frame.file && $0.number == frame.number && $0.system.positions == frame.system.positions
    }
    return (isHeldBack ? input.valid : input.train).place(of: frame)
  }

  private func broken(by error: any Error, checkpoint: String?) -> BrokenRun {
    var cause = error
    if let failure = error as? TrainingFailure {
      cause = NumericalError(
        cause: "the \(failure.quantity) for \(place(of: failure.frame)) is not finite, whatever the rate: "
          + "\(failure.setbacks) halvings did not help; check the frame, or take it out")
    }
    return BrokenRun(cause: cause, checkpoint: checkpoint, resumeCommand: TrainingFiles.resumeCommand)
  }

  // MARK: - Checkpoint

  /// Writes all that the next step needs. The table comes first: a checkpoint never counts what is not on the disk.
  func writeCheckpoint(_ table: LogTable) throws {
    try table.synchronize()
    let mark = OutputMark(count: table.byteCount, digest: table.digest)
    let blocks = trainer.potential.blocks
    var tree: StateTree = [
      "run": .group(["deck": .text(deck.resolvedText), "engine_version": .text(Release.version)]),
      "blocks": .group([
        "names": .text(blocks.map(\.name).joined(separator: "\n")),
        "counts": .integers(blocks.map { Int64($0.range.count) }),
      ]),
      "data": .group([
        "hashes": .text(
          input.allHashes.joined(separator: "\n"))
      ]),
      "table": .group(mark.state), "training": .group(trainer.state.state),
    ]
    tree.values["scaling"] = scaling.map { .group($0.state) }
    try CheckpointFormat.training.write(tree, to: files.checkpoint)
  }
}

extension TrainingInput {
  /// Of the files that are learned, of those held back, and of the model to go on from.
  var allHashes: [String] {
    Array(Set(train.hashes + valid.hashes + [start?.hash].compactMap { $0 })).sorted()
  }
}

extension DataScaling {
  var state: StateTree {
    [
      "isolated_energies": .numbers(isolatedEnergies),
      "numbers": .numbers([scale, shift, averageNeighbors]),
    ]
  }

  init(_ state: StateTree) throws {
    self = try state.read { state in
      let numbers = try state.numbers("numbers", count: 3)
      return try DataScaling(
        isolatedEnergies: state.numbers("isolated_energies"), scale: numbers[0], shift: numbers[1],
        averageNeighbors: numbers[2])
    }
  }
}
