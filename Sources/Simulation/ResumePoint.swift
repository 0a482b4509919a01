// Where a run goes on: the newest checkpoint that agrees with the files beside it, which may have been moved, renamed or
// damaged since.

import Deck
import Diagnostics
import Foundation
import HDF5
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
    let previous = Checkpoint.previousPath(of: path)
    do {
      try self.init(at: path, options, mayDropNewer: options.overwrite)
    } catch {
      // What follows the checkpoint before is what the damaged one counted: computed again, not lost.
      guard let (file, reason) = ResumePoint.disagreement(error),
        let point = try? ResumePoint(at: previous, options, mayDropNewer: true)
      else { throw error }
      let warning = Diagnostic(
        severity: .warning, file: file,
        "\(reason); going on from step \(point.checkpoint.step) in \(previous)"
      )
      self = point
      notes.insert(.warning(warning), at: 0)
    }
  }

  /// Which file does not fit the checkpoint, and why; nil for other errors.
  private static func disagreement(_ error: any Error) -> (file: String, reason: String)? {
    switch error {
    case let error as TrajectoryError:
      switch error {
      case .corruptCheckpoint, .mismatch: (error.file, error.message)
      default: nil
      }
    case let error as HDF5Error: (error.file, error.pathAndReason)
    default: nil
    }
  }

  private init(at path: String, _ options: ResumeOptions, mayDropNewer: Bool) throws {
    let checkpoint = try Checkpoint.read(path)
    var notes: [Event] = []
    if checkpoint.engineVersion != Release.version {
      notes.append(
        .warning(
          Diagnostic(
            severity: .warning,
            "Bloch \(checkpoint.engineVersion) wrote this checkpoint, this is \(Release.version); "
              + "the run goes on, but not bit for bit")))
    }
    let recorded = try Deck(text: checkpoint.deck, file: path, folder: "/")
    let files = recorded.outputFiles(OutputFiles(besideCheckpoint: path, recorded: recorded.outputName))
    var overrides: [String: DeckValue] = [
      "output.folder": .text(files.folder), "output.name": .text(files.name),
    ]
    overrides["model"] = .list(
      options.models.isEmpty
        ? recorded.models.map { ResumePoint.present($0, recorded.outputFolder, files.folder) }
        : options.models.map(absolute))
    // Which of its structures the deck still says itself.
    overrides["structure.file"] = .text(
      options.structure.map(absolute)
        ?? ResumePoint.present(recorded.structure, recorded.outputFolder, files.folder))
    if let steps = options.steps {
      let most = Deck.mostSteps - Int(checkpoint.step)
      guard steps <= most else {
        throw UsageError(
          message: "--steps \(steps) is out of range",
          help: "the run is at step \(checkpoint.step), so --steps takes 0 to \(max(most, 0))")
      }
      overrides["steps"] = "\(Int(checkpoint.step) + steps)"
    }
    if let threads = options.threads, threads != recorded.threads {
      overrides["threads"] = "\(threads)"
      notes.append(
        .note("note: \(threads) threads instead of \(recorded.threads): the run goes on, but not bit for bit")
      )
    }
    if let grid = options.grid { overrides["grid"] = grid.deckValue }
    deck = try Deck(text: checkpoint.deck, file: path, folder: "/", overrides: overrides)
    plan = try Checkpoint.reading("plan", of: path) {
      try EvaluationPlan(checkpoint.plan, of: checkpoint.system)
    }
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

  /// Where a file that the deck names is now: as it lay to the old output folder, if it has moved with it; else where it
  /// was.
  private static func present(_ recorded: String, _ oldFolder: String, _ newFolder: String) -> String {
    let (file, old) = (recorded.split(separator: "/"), oldFolder.split(separator: "/"))
    let shared = zip(file, old).prefix { $0 == $1 }.count
    let relative = old.dropFirst(shared).map { _ in ".." } + file.dropFirst(shared).map(String.init)
    let moved = absolute("\(newFolder)/\(relative.joined(separator: "/"))")
    return FileManager.default.fileExists(atPath: moved) ? moved : recorded
  }
}

private func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
