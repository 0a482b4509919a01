// What a run writes while it goes on: trajectory, log, checkpoint.

import Deck
import Dynamics
import Lattice
import Trajectory

struct RunOutput {
  private let files: OutputFiles
  private let trajectory: H5MDWriter
  private let log: LogTable

  private static let frameCounter = "trajectory_frames"
  private static let logCounter = "log_bytes"

  /// Begins the files of a new run.
  init(creating files: OutputFiles, for simulation: Simulation) throws {
    self.files = files
    trajectory = try H5MDWriter(
      creating: files.trajectory, system: simulation.system,
      observables: simulation.observables.map(\.description),
      options: simulation.deck.trajectoryOptions,
      provenance: Provenance(
        engineVersion: Release.version, modelHash: simulation.forceField.hash,
        deck: simulation.deck.resolvedText))
    log = try LogTable(creating: files.log, columns: RunOutput.columns(simulation))
  }

  /// Goes on where `checkpoint` was written; whatever the files hold beyond it is dropped.
  init(resuming files: OutputFiles, for simulation: Simulation, from checkpoint: Checkpoint) throws {
    func counter(_ name: String) throws -> Int {
      guard let value = checkpoint.counters[name] else {
        throw TrajectoryError.corruptCheckpoint(file: files.checkpoint, reason: "it has no counter \(name)")
      }
      return Int(value)
    }
    self.files = files
    trajectory = try H5MDWriter(
      resuming: files.trajectory, system: simulation.system,
      observables: simulation.observables.map(\.description),
      options: simulation.deck.trajectoryOptions, frameCount: counter(RunOutput.frameCounter))
    log = try LogTable(
      resuming: files.log, columns: RunOutput.columns(simulation), byteCount: counter(RunOutput.logCounter))
  }

  private static func columns(_ simulation: Simulation) -> [LogTable.Column] {
    [.init(name: "step", unit: "1"), .init(name: "time", unit: "ps")]
      + simulation.observables.map { LogTable.Column(name: $0.description.name, unit: $0.description.unit) }
  }

  func writeFrame(_ simulation: Simulation) throws {
    try trajectory.append(
      step: simulation.integrator.completedSteps, time: simulation.time, system: simulation.system,
      forces: simulation.evaluation.forces, observables: simulation.observables.map(\.value))
  }

  func writeLogLine(_ simulation: Simulation) throws {
    try log.append(
      step: simulation.integrator.completedSteps,
      [simulation.time * 1e-3] + simulation.observables.map(\.value))
  }

  /// Trajectory and log first: a checkpoint never counts what is not on disk.
  func writeCheckpoint(_ simulation: Simulation) throws {
    try trajectory.flush()
    let (state, potential) = (simulation.integrator.state, simulation.forceField.potential)
    try Checkpoint(
      step: state.completedSteps, system: simulation.system,
      neighborListPositions: potential.neighborListPositions,
      arrays: state.variables.merging(potential.settings) { variable, _ in variable },
      counters: [
        RunOutput.frameCounter: Int64(trajectory.frameCount), RunOutput.logCounter: Int64(log.byteCount),
      ],
      deck: simulation.deck.resolvedText, modelHash: simulation.forceField.hash,
      engineVersion: Release.version
    ).write(to: files.checkpoint)
  }

  func close() throws {
    try trajectory.close()
  }
}

extension Deck {
  fileprivate var trajectoryOptions: H5MDOptions {
    H5MDOptions(
      storesVelocities: writesVelocities, storesForces: writesForces, isDouble: framePrecision == .double)
  }
}
