// What a checkpoint tells of its run, here and now: the deck with models and structure where they are, the files beside it.

import Deck
import Diagnostics
import Foundation
import HDF5
import Lattice
import Trajectory

/// A checkpoint with its deck; nothing of the run's other files was looked at.
struct RecordedRun<Files: OutputNames> {
  let checkpoint: Checkpoint
  /// By which the run evaluates its forces; nil where its potential makes no plan.
  let plan: EvaluationPlan?
  let deck: Deck
  let files: Files
  /// The file that the checkpoint was read from.
  let path: String
  /// What a person should know.
  private(set) var notes: [Event] = []

  /// - Throws: `UsageError` for options that do not fit; `TrajectoryError`, `HDF5Error`, `DeckError`.
  init(at path: String, _ options: ResumeOptions) throws {
    let checkpoint = try Checkpoint.read(path)
    notes += Release.notices(ofCheckpointBy: checkpoint.engineVersion, of: "run")
    let recorded = try Deck(text: checkpoint.deck, file: path, folder: "/")
    files = Files(besideCheckpoint: path, recorded: recorded.outputName)
    let folder = files.folder
    func present(_ file: String) -> String { presentPath(file, recorded.outputFolder, folder) }
    var overrides: [String: DeckValue] = ["output.folder": .text(folder), "output.name": .text(files.name)]
    overrides["model"] = .list(
      options.models.isEmpty ? recorded.models.map(present) : options.models.map(absolute))
    // Which of its structures the deck still says itself.
    overrides["structure.file"] = .text(options.structure.map(absolute) ?? present(recorded.structure))
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
    (self.checkpoint, self.path) = (checkpoint, path)
  }
}

/// What `body` makes of the checkpoint at `path` or, if that is damaged or the files do not hold what it counts, of the one
/// before it; then also the words about it.
/// - Parameters:
///   - body: told the path, and whether it is of the one before: what follows that is computed again, not lost.
///   - step: at which a run goes on.
/// - Throws: the first error of `body` if neither is usable.
func newestUsable<Point>(
  _ path: String, step: (Point) -> Int64, _ body: (_ path: String, _ isPrevious: Bool) throws -> Point
) throws -> (Point, warning: Event?) {
  do { return (try body(path, false), nil) } catch {
    let previous = Checkpoint.previousPath(of: path)
    guard let (file, reason) = disagreement(error), let point = try? body(previous, true) else { throw error }
    return (
      point,
      .warning(
        Diagnostic(
          severity: .warning, file: file, "\(reason); going on from step \(step(point)) in \(previous)"))
    )
  }
}

/// Which file does not fit the checkpoint, and why; nil for other errors.
private func disagreement(_ error: any Error) -> (file: String, reason: String)? {
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

/// Where a file that the deck names is now: as it lay to the old output folder, if it has moved with it; else where it was.
private func presentPath(_ recorded: String, _ oldFolder: String, _ newFolder: String) -> String {
  let (file, old) = (recorded.split(separator: "/"), oldFolder.split(separator: "/"))
  let shared = zip(file, old).prefix { $0 == $1 }.count
  let relative = old.dropFirst(shared).map { _ in ".." } + file.dropFirst(shared).map(String.init)
  let moved = absolute("\(newFolder)/\(relative.joined(separator: "/"))")
  return FileManager.default.fileExists(atPath: moved) ? moved : recorded
}

private func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }

extension Deck {
  /// The force field of a run that goes on.
  /// - Parameter hash: that of the force field with which it began.
  /// - Throws: `FileError` where a model is missing or is another one.
  func recordedForceField(_ hash: String, _ makeForceField: (Deck) throws -> ForceField) throws -> ForceField
  {
    let forceField: ForceField
    do { forceField = try makeForceField(self) } catch let error as DeckError {
      let missing = models.first { !FileManager.default.fileExists(atPath: $0) }
      guard let missing else { throw error }
      throw FileError(
        file: missing, "the model of the run is not there", help: "--model names it where it is now")
    }
    let (old, new) = (hash.split(separator: ","), forceField.hash.split(separator: ","))
    guard old.count == new.count else {
      throw FileError(
        file: models[0], "the run began with \(old.count) models, not \(new.count)",
        help: "name each of them with --model, in their order")
    }
    for (n, hash) in old.enumerated() where hash != new[n] {
      throw FileError(
        file: models[n], "this is not the model with which the run began (\(hash.prefix(12))...)",
        help: "put the old model back, name it with --model, or begin a new run")
    }
    return forceField
  }
}
