// The run loop: step, observe, checkpoint, until the last step or an interruption.

import Deck
import Dynamics
import Foundation
import Lattice
import Restraints
import Statics
import Trajectory

extension Simulation {
  /// Runs from the first step to the last.
  /// - Parameters:
  ///   - overwrite: replace the files of an earlier run.
  ///   - interruption: what asks the run to end after the present step, nil for nothing.
  /// - Throws: `FileError`, `TrajectoryError`, `NumericalError`, `BrokenRun`, `MissedGoal`, what the handler of events
  ///   throws.
  public mutating func run(overwrite: Bool, interruption: () -> String? = { nil }) throws {
    for notice in notices { try events(notice) }
    guard try minimizeEnds(until: interruption) else { return }
    try prepare()
    try tellBricks()
    let lock = try files.lock()
    try files.claim(overwrite: overwrite)
    let output: RunOutput
    do {
      try files.writeResolvedDeck(deck.resolvedText, of: deck.file)
      output = try RunOutput(
        creating: files, lock: lock, deck: deck, frame: frame, columns: columns, modelHash: forceField.hash)
      for observer in output.observers { try observer.observe(frame) }
      try writeCheckpoint(of: output.observers)
    } catch {
      files.remove()
      throw BrokenRun(cause: error, checkpoint: nil)
    }
    try integrate(writing: output, isNew: true, until: interruption)
  }

  /// How the system is divided among ranks, if it is.
  func tellBricks() throws {
    if let bricks = forceField.ranks?.bricks() { try events(.note(bricks)) }
  }

  /// Evaluates the forces from which the first step starts.
  mutating func prepare() throws {
    try numerically {
      do { try motion.prepare() } catch let error as StaticsError { throw deck.refusal(of: error) ?? error }
    }
  }

  /// - Parameter isNew: a run that goes on has seen its first configuration before.
  mutating func integrate(
    writing output: RunOutput, isNew: Bool, until interruption: () -> String?
  ) throws {
    // The files are this run's until its last word.
    defer { withExtendedLifetime(output) {} }
    let first = motion.completedSteps
    // Of several images at work at once nobody knows which was the last.
    let extrapolation = deck.band == nil ? ExtrapolationObserver(forceField, deck: deck, events: events) : nil
    let committee = deck.band == nil ? CommitteeObserver(deck, events: events) : nil
    let watchers: [(any Observer)?] = [extrapolation, committee]
    let observers: [any Observer] =
      output.observers + watchers.compactMap { $0 } + [
        ProgressObserver(from: first, to: lastStep, deck: deck, events: events)
      ]
    func stop() -> String? { interruption() ?? committee?.reasonToStop.map { _ in "`committee.stop`" } }
    let reports = forceField.ranks?.reports() ?? []
    var clock = RunClock()
    let report: RunReport
    do {
      // What the files have of the start, those who write nothing see, too.
      if isNew { for watcher in watchers { try watcher?.observe(frame) } }
      try advance(observers, &clock, until: stop)
      try finish(observers)
      clock.endOutput()
      report = RunReport(
        steps: motion.completedSteps - first, step: motion.completedSteps, lastStep: lastStep,
        isFinished: motion.isFinished, interruption: stop(), kind: deck.kind, timestep: deck.timestep,
        goal: motion.goal, atoms: system.count,
        potentialSeconds: deck.band == nil ? forceField.timings() : [], stepSeconds: clock.stepSeconds,
        outputSeconds: clock.outputSeconds, farthest: extrapolation?.farthest, committee: committee?.summary,
        imbalance: forceField.ranks.flatMap { RankBalance(reports, $0.reports()).imbalance }, files: files)
      try RunTimings.append(report, to: files.timings)
    } catch {
      // The frames up to here may tell what went wrong.
      for observer in observers { try? observer.close() }
      let isThere = FileManager.default.fileExists(atPath: files.checkpoint)
      throw BrokenRun(cause: error, checkpoint: isThere ? files.checkpoint : nil)
    }
    try events(.report(report))
    if let disagreement = committee?.reasonToStop { throw disagreement }
    if motion.isFinished { try requireGoal() }
  }

  /// - Throws: `MissedGoal` where the motion has not reached what it was to reach.
  func requireGoal() throws {
    guard let goal = motion.goal, !goal.isReached else { return }
    throw MissedGoal(
      kind: deck.kind, steps: motion.completedSteps, words: goal.words, checkpoint: files.checkpoint)
  }

  /// Steps, with observations and checkpoints at their intervals and a checkpoint at the end.
  private mutating func advance(
    _ observers: [any Observer], _ clock: inout RunClock, until interruption: () -> String?
  ) throws {
    var checkpointStep = motion.completedSteps
    while !motion.isFinished, interruption() == nil {
      try numerically { try motion.advance() }
      clock.endStep()
      let step = motion.completedSteps
      for observer in observers where observer.isDue(at: step) { try observer.observe(frame) }
      if step.isMultiple(of: Int64(deck.checkpointInterval)) {
        try writeCheckpoint(of: observers)
        checkpointStep = step
      }
      clock.endOutput()
    }
    if checkpointStep != motion.completedSteps { try writeCheckpoint(of: observers) }
  }

  /// Writes all that the next step needs. Observers come first: a checkpoint never counts what is not on the disk.
  func writeCheckpoint(of observers: [any Observer]) throws {
    let frame = frame
    var states: [String: StateTree] = [:]
    for observer in observers { states[observer.name] = try observer.state() }
    try Checkpoint(
      step: motion.completedSteps, system: frame.system, motion: motion.state,
      plan: frame.evaluation.plan?.state ?? [:], restraints: restraints.state, observers: states,
      deck: deck.resolvedText,
      modelHash: forceField.hash, engineVersion: Release.version
    ).write(to: files.checkpoint)
  }

  /// The last configuration, whatever the intervals. It comes after the checkpoint, which does not count it: a run that
  /// goes on drops it again, since an unbroken run would not have it.
  func finish(_ observers: [any Observer]) throws {
    for observer in observers where !motion.completedSteps.isMultiple(of: Int64(observer.interval)) {
      try observer.observe(frame)
    }
    for observer in observers { try observer.close() }
  }
}

/// Ends in a `NumericalError` where numbers make no sense any more.
func numerically<Result>(_ body: () throws -> Result) throws -> Result {
  do { return try body() } catch let error
    where error is DynamicsError || error is StaticsError || error is LatticeError
  { throw NumericalError(cause: "\(error)") }
}
