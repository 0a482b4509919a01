// Where a run goes on: the newest checkpoint that agrees with the files beside it, which may have been moved, renamed or
// damaged since.

import Deck
import Diagnostics
import Foundation
import Lattice
import Trajectory

/// What a user may change when a run goes on.
public struct ResumeOptions: Sendable {
  /// Number of steps from the checkpoint on; nil for what is left of the deck's.
  public var steps: Int?
  /// Where the models, as many as the run has, and the structure are now; empty and nil for where they were.
  public var models: [String]
  public var structure: String?
  public var threads: Int?
  public var grid: BrickChoice?
  /// Drop what a later part of the run has written after the checkpoint.
  public var overwrite: Bool

  public init(
    steps: Int? = nil, models: [String] = [], structure: String? = nil, threads: Int? = nil,
    grid: BrickChoice? = nil, overwrite: Bool = false
  ) {
    self.steps = steps
    self.models = models
    self.structure = structure
    self.threads = threads
    self.grid = grid
    self.overwrite = overwrite
  }
}

/// A checkpoint, its deck as it holds here and now, and its output files, opened and locked.
struct ResumePoint {
  let checkpoint: Checkpoint
  /// By which the run evaluates its forces; nil where its potential makes no plan.
  let plan: EvaluationPlan?
  let deck: Deck
  let output: RunOutput
  /// The file that the checkpoint was read from.
  let path: String
  /// What a person should know.
  private(set) var notes: [Event]

  /// Finds the point at which the run of the checkpoint `path` goes on: there or, where the checkpoint is damaged or the
  /// files do not hold what it counts, at the one before it.
  ///
  /// - Throws: `UsageError` for options that do not fit; `FileError` where newer results would be dropped and the options
  ///   do not say so; `TrajectoryError`, `HDF5Error` of the first checkpoint if none is usable.
  init(_ path: String, _ options: ResumeOptions) throws {
    let (point, warning) = try newestUsable(path, step: \.checkpoint.step) { path, isPrevious in
      try ResumePoint(at: path, options, mayDropNewer: isPrevious || options.overwrite)
    }
    self = point
    if let warning { notes.insert(warning, at: 0) }
  }

  private init(at path: String, _ options: ResumeOptions, mayDropNewer: Bool) throws {
    let recorded = try RecordedRun<OutputFiles>(at: path, options)
    var notes = recorded.notes
    let checkpoint = recorded.checkpoint
    (deck, plan) = (recorded.deck, recorded.plan)
    let files = deck.outputFiles(recorded.files)
    output = try RunOutput(resuming: files, lock: files.lock(), deck: deck, from: checkpoint, at: path)
    let following = try output.whatFollows()
    let newest = path == files.checkpoint ? nil : (try? Checkpoint.read(files.checkpoint))?.step
    let last = max(following.lastStep ?? 0, newest ?? 0)
    // A run that is killed leaves less than an interval of steps after its newest checkpoint.
    let isNewest =
      (newest ?? 0) <= checkpoint.step && last - checkpoint.step <= Int64(deck.checkpointInterval)
    if !isNewest {
      let loss =
        "\(following.frames) frames and \(following.lines) lines of the log after step \(checkpoint.step)"
      guard mayDropNewer else {
        throw FileError(
          file: path, "the run went on to step \(last) after this checkpoint of step \(checkpoint.step)",
          help:
            "`\(Release.command) resume \(shellQuoted(files.checkpoint))` goes on from its end; --overwrite drops "
            + "\(loss); to keep both, copy the folder and resume in the copy")
      }
      notes.append(.note("note: dropping \(loss)"))
    }
    self.checkpoint = checkpoint
    self.path = path
    self.notes = notes
  }
}
