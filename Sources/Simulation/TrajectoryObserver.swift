// Frames of a run, in H5MD.

import Deck
import Dynamics
import Lattice
import Trajectory

final class TrajectoryObserver: Observer {
  static let name = "trajectory"
  var name: String { Self.name }
  let interval: Int
  private let writer: H5MDWriter
  private let observables: [Observable]

  /// Begins the file of a new run, whose first configuration is `frame`.
  init(creating path: String, deck: Deck, frame: Frame, columns: [AtomColumn], modelHash: String) throws {
    interval = deck.trajectoryInterval
    observables = deck.observables(in: frame.system.cell)
    writer = try H5MDWriter(
      creating: path, system: frame.system, observables: observables.names,
      columns: columns, options: deck.trajectoryOptions,
      provenance: Provenance(
        engineVersion: Release.version, modelHash: modelHash, deck: deck.resolvedText))
  }

  /// Opens the file of a run that goes on, having made sure that it holds what `mark` counts.
  init(resuming path: String, deck: Deck, system: AtomicSystem, mark: OutputMark) throws {
    interval = deck.trajectoryInterval
    observables = deck.observables(in: system.cell)
    writer = try H5MDWriter(
      resuming: path, system: system, observables: observables.names,
      options: deck.trajectoryOptions, frameCount: mark.count, digest: mark.digest)
  }

  func observe(_ frame: Frame) throws {
    try writer.append(
      step: frame.step, time: frame.time, system: frame.system,
      forces: frame.evaluation.forces, charges: frame.evaluation.charges ?? [],
      forceSpreads: frame.evaluation.forceSpreads ?? [], observables: observables.values(of: frame))
  }

  func state() throws -> StateTree? {
    try writer.synchronize()
    return OutputMark(count: writer.frameCount, digest: writer.digest).state
  }

  func close() throws { try writer.close() }

  func stepsThatFollow() throws -> [Int64] { try writer.stepsThatFollow() }
  func dropWhatFollows() throws { try writer.dropWhatFollows() }
}

extension Deck {
  var trajectoryOptions: H5MDOptions {
    H5MDOptions(
      storesVelocities: writesVelocities, storesForces: writesForces, storesCharges: writesCharges,
      storesForceSpreads: models.count > 1, isDouble: framePrecision == .double, isInTime: timestep != nil)
  }
}
