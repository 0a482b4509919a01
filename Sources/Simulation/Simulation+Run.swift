// The run loop: step, observe, checkpoint, until the last step or an interruption.

import Deck
import Dynamics
import Foundation
import Lattice
import Trajectory

extension Simulation {
  /// Runs from the first step to the last.
  /// - Parameter overwrite: replace the files of an earlier run.
  /// - Throws: `FileError`, `TrajectoryError`, `NumericalError`, `BrokenRun`.
  public mutating func run(overwrite: Bool) throws {
    notices.forEach(Console.note)
    try prepare()
    let lock = try files.lock()
    try files.claim(overwrite: overwrite)
    let output: RunOutput
    do {
      try files.writeResolvedDeck(deck)
      output = try RunOutput(creating: files, lock: lock, for: self)
      try output.writeFrame(self)
      try output.writeLogLine(self)
      try output.writeCheckpoint(self)
    } catch {
      files.remove()
      throw BrokenRun(cause: error, checkpoint: nil)
    }
    try integrate(writing: output)
  }

  /// Evaluates the forces from which the first step starts.
  mutating func prepare() throws {
    do {
      try integrator.prepare(system, forceField.potential, &evaluation)
    } catch let error where error is DynamicsError || error is LatticeError {
      throw NumericalError(cause: "\(error)")
    }
  }

  mutating func integrate(writing output: RunOutput) throws {
    let first = integrator.completedSteps
    var progress = Progress(from: first, to: lastStep, timestep: deck.timestep)
    var clock = RunClock()
    do {
      try advance(writing: output, &progress, &clock)
      try finish(output)
    } catch {
      progress.interrupt()
      // The frames up to here may tell what went wrong.
      try? output.close()
      let isThere = FileManager.default.fileExists(atPath: files.checkpoint)
      throw BrokenRun(cause: error, checkpoint: isThere ? files.checkpoint : nil)
    }
    clock.endOutput()
    progress.interrupt()
    try Console.print(report(steps: integrator.completedSteps - first, clock: clock))
  }

  /// Steps, with frames, log lines and checkpoints at their intervals and a checkpoint at the end.
  private mutating func advance(
    writing output: RunOutput, _ progress: inout Progress, _ clock: inout RunClock
  ) throws {
    var checkpointStep = integrator.completedSteps
    while integrator.completedSteps < lastStep, Interruption.name == nil {
      do {
        try integrator.step(&system, forceField.potential, &evaluation)
      } catch let error where error is DynamicsError || error is LatticeError {
        throw NumericalError(cause: "\(error)")
      }
      clock.endStep()
      let step = integrator.completedSteps
      if step % Int64(deck.trajectoryInterval) == 0 { try output.writeFrame(self) }
      if step % Int64(deck.logInterval) == 0 { try output.writeLogLine(self) }
      if step % Int64(deck.checkpointInterval) == 0 {
        try output.writeCheckpoint(self)
        checkpointStep = step
      }
      if progress.isDue(at: step) {
        progress.show(
          step: step, energy: evaluation.energy,
          temperature: system.temperature(degreesOfFreedom: degreesOfFreedom))
      }
      clock.endOutput()
    }
    if checkpointStep != integrator.completedSteps { try output.writeCheckpoint(self) }
  }

  /// The last configuration, whatever the intervals. It comes after the checkpoint, which does not count it: a run that
  /// goes on drops it again, since an unbroken run would not have it.
  func finish(_ output: RunOutput) throws {
    let step = integrator.completedSteps
    if step % Int64(deck.trajectoryInterval) != 0 { try output.writeFrame(self) }
    if step % Int64(deck.logInterval) != 0 { try output.writeLogLine(self) }
    try output.close()
  }
}
