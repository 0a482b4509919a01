// What a run writes while it goes on: trajectory and log, which belong to it as long as it holds their lock.

import Deck
import Dynamics
import Lattice
import Trajectory

struct RunOutput {
  let files: OutputFiles
  private let lock: OutputLock
  private let trajectory: TrajectoryObserver
  private let log: LogObserver
  /// Of a deck with a band; it keeps nothing, its file is written anew.
  private let band: BandObserver?
  /// Of a deck with analyses.
  private let analyses: AnalysisObserver?

  /// Begins the files of a new run, whose first configuration is `frame`; the caller holds their lock.
  /// - Parameter columns: of the structure, to be kept with the trajectory.
  init(
    creating files: OutputFiles, lock: OutputLock, deck: Deck, frame: Frame, columns: [AtomColumn],
    modelHash: String
  ) throws {
    self.files = files
    self.lock = lock
    trajectory = try TrajectoryObserver(
      creating: files.trajectory, deck: deck, frame: frame, columns: columns, modelHash: modelHash)
    log = try LogObserver(creating: files.log, deck: deck, cell: frame.system.cell)
    band = BandObserver(files.band, deck: deck)
    analyses = AnalysisObserver(deck, files, cell: frame.system.cell)
  }

  /// Opens the files on which `checkpoint`, read from `path`, counts, having made sure that they hold what it counts.
  /// Nothing is changed before `dropWhatFollows`.
  /// - Throws: `TrajectoryError`, `HDF5Error`.
  init(
    resuming files: OutputFiles, lock: OutputLock, deck: Deck, from checkpoint: Checkpoint, at path: String
  ) throws {
    self.files = files
    self.lock = lock
    var states = checkpoint.observers
    func mark(_ name: String) throws -> OutputMark {
      guard let state = states.removeValue(forKey: name) else { throw StateError(name, "is missing") }
      return try StateError.inside(name) { try OutputMark(state) }
    }
    let analyses = AnalysisObserver(deck, files, cell: checkpoint.system.cell)
    self.analyses = analyses
    let (frames, lines) = try Checkpoint.reading("observers", of: path) {
      let marks = try (mark(TrajectoryObserver.name), mark(LogObserver.name))
      if let analyses {
        guard let state = states.removeValue(forKey: analyses.name) else {
          throw StateError(analyses.name, "is missing")
        }
        try StateError.inside(analyses.name) { try analyses.restore(state) }
      }
      if let unknown = states.keys.min() { throw StateError(unknown, "is not known to this program") }
      return marks
    }
    trajectory = try TrajectoryObserver(
      resuming: files.trajectory, deck: deck, system: checkpoint.system, mark: frames)
    log = try LogObserver(
      resuming: files.log, deck: deck, cell: checkpoint.system.cell, mark: lines)
    band = BandObserver(files.band, deck: deck)
  }

  var observers: [any Observer] {
    [trajectory, log] + ([band, analyses] as [(any Observer)?]).compactMap { $0 }
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
}
