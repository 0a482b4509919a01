// The run loop: step, observe, checkpoint, until the last step or an interruption.

import Deck
import Dynamics
import Foundation
import Lattice
import Trajectory

extension Simulation {
  /// Runs from the first step to the last.
  /// - Parameter overwrite: replace the files of an earlier run.
  /// - Throws: `FileError`, `HDF5Error`, `NumericalError`.
  public mutating func run(overwrite: Bool) throws {
    try prepare()
    try files.claim(overwrite: overwrite)
    try files.writeResolvedDeck(deck)
    let output = try RunOutput(creating: files, for: self)
    try output.writeFrame(self)
    try output.writeLogLine(self)
    try output.writeCheckpoint(self)
    try integrate(writing: output)
  }

  /// Evaluates the forces from which the first step starts.
  mutating func prepare() throws {
    do {
      try integrator.prepare(system, forceField.potential, &evaluation)
    } catch let error where error is DynamicsError || error is LatticeError {
      throw NumericalError(cause: "\(error)", checkpoint: nil)
    }
  }

  mutating func integrate(writing output: RunOutput) throws {
    let first = integrator.completedSteps
    var progress = Progress(from: first, to: lastStep, timestep: deck.timestep)
    var clock = RunClock()
    var checkpointStep = first
    while integrator.completedSteps < lastStep, Interruption.name == nil {
      do {
        try integrator.step(&system, forceField.potential, &evaluation)
      } catch let error where error is DynamicsError || error is LatticeError {
        progress.interrupt()
        throw NumericalError(cause: "\(error)", checkpoint: files.checkpoint)
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
    try output.close()
    clock.endOutput()
    progress.interrupt()
    printReport(steps: integrator.completedSteps - first, clock: clock)
  }
}
