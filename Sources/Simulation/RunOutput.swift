// What a run writes while it goes on: trajectory, log, checkpoint.

import Deck
import Dynamics
import Foundation
import Lattice
import Trajectory

struct RunOutput {
  let files: OutputFiles
  private let lock: OutputLock
  private let trajectory: H5MDWriter
  private let log: LogTable

  private static let trajectoryMark = "trajectory"
  private static let logMark = "log"

  /// Begins the files of a new run; the caller holds their lock.
  init(creating files: OutputFiles, lock: OutputLock, for simulation: Simulation) throws {
    self.files = files
    self.lock = lock
    trajectory = try H5MDWriter(
      creating: files.trajectory, system: simulation.system,
      observables: Simulation.observables(of: simulation.system.cell),
      options: simulation.deck.trajectoryOptions,
      provenance: Provenance(
        engineVersion: Release.version, modelHash: simulation.forceField.hash,
        deck: simulation.deck.resolvedText))
    log = try LogTable(creating: files.log, columns: RunOutput.columns(simulation.system.cell))
  }

  /// Opens the files on which `checkpoint` counts, having made sure that they hold what it counts. Nothing is changed
  /// before `dropWhatFollows`.
  init(resuming files: OutputFiles, lock: OutputLock, deck: Deck, from checkpoint: Checkpoint) throws {
    func mark(_ name: String) throws -> OutputMark {
      guard let mark = checkpoint.outputs[name], mark.count >= 0 else {
        throw TrajectoryError.corruptCheckpoint(
          file: files.checkpoint, reason: "it does not say how much of the \(name) counts")
      }
      return mark
    }
    self.files = files
    self.lock = lock
    let (frames, lines) = try (mark(RunOutput.trajectoryMark), mark(RunOutput.logMark))
    trajectory = try H5MDWriter(
      resuming: files.trajectory, system: checkpoint.system,
      observables: Simulation.observables(of: checkpoint.cell), options: deck.trajectoryOptions,
      frameCount: Int(frames.count), digest: frames.digest)
    log = try LogTable(
      resuming: files.log, columns: RunOutput.columns(checkpoint.cell), byteCount: Int(lines.count),
      digest: lines.digest)
  }

  private static func columns(_ cell: Cell) -> [LogTable.Column] {
    [.init(name: "step", unit: "1"), .init(name: "time", unit: "ps")]
      + Simulation.observables(of: cell).map { LogTable.Column(name: $0.name, unit: $0.unit) }
  }

  /// What the files hold beyond the checkpoint.
  func whatFollows() throws -> (frames: Int, lines: Int, lastStep: Int64?) {
    let steps = try trajectory.stepsThatFollow()
    return (steps.count, log.countLinesThatFollow(), steps.last)
  }

  /// Cuts the files back to what the checkpoint counts.
  func dropWhatFollows() throws {
    try trajectory.dropWhatFollows()
    try log.dropWhatFollows()
  }

  func writeFrame(_ simulation: Simulation) throws {
    try trajectory.append(
      step: simulation.integrator.completedSteps, time: simulation.time, system: simulation.system,
      forces: simulation.evaluation.forces, observables: simulation.observables)
  }

  func writeLogLine(_ simulation: Simulation) throws {
    try log.append(
      step: simulation.integrator.completedSteps, [simulation.time * 1e-3] + simulation.observables)
  }

  /// Trajectory and log first: a checkpoint never counts what is not on disk.
  func writeCheckpoint(_ simulation: Simulation) throws {
    try trajectory.synchronize()
    try log.synchronize()
    let (state, system) = (simulation.integrator.state, simulation.system)
    try Checkpoint(
      step: state.completedSteps, system: system,
      plan: simulation.evaluation.plan ?? EvaluationPlan(cell: system.cell, positions: system.positions),
      arrays: state.variables,
      outputs: [
        RunOutput.trajectoryMark: OutputMark(count: Int64(trajectory.frameCount), digest: trajectory.digest),
        RunOutput.logMark: OutputMark(count: Int64(log.byteCount), digest: log.digest),
      ],
      deck: simulation.deck.resolvedText, modelHash: simulation.forceField.hash,
      engineVersion: Release.version
    ).write(to: files.checkpoint)
  }

  /// Brings everything to the disk and lets go of the files.
  func close() throws {
    try trajectory.close()
    try log.synchronize()
  }
}

extension Deck {
  fileprivate var trajectoryOptions: H5MDOptions {
    H5MDOptions(
      storesVelocities: writesVelocities, storesForces: writesForces, isDouble: framePrecision == .double)
  }
}
