// Where a training goes on: the newest checkpoint that agrees with the table beside it, and a deck that is the one with which it
// began, or is allowed not to be.

import Deck
import Diagnostics
import Foundation
import LRMACEModel
import Lattice
import Training
import Trajectory

/// What a user may change when a training goes on.
public struct TrainingResumeOptions: Sendable {
  /// The deck as it is now; nil for that of the checkpoint.
  public var deck: String?
  /// Go on although deck or data are not those with which the training began.
  public var allowsChanges: Bool
  public var threads: Int?

  public init(deck: String? = nil, allowsChanges: Bool = false, threads: Int? = nil) {
    self.deck = deck
    self.allowsChanges = allowsChanges
    self.threads = threads
  }
}

struct TrainingResumePoint {
  /// The file that the checkpoint was read from.
  let path: String
  let files: TrainingFiles
  let deck: TrainingDeck
  let scaling: DataScaling?
  let table: LogTable
  let lock: OutputLock
  /// What a person should know.
  private(set) var notes: [Event] = []
  private let content: Content
  private let allowsChanges: Bool

  /// What the file holds.
  private struct Content {
    var deck = ""
    var engineVersion = ""
    var blockNames: [String] = []
    var blockCounts: [Int] = []
    var hashes: [String] = []
    var mark = OutputMark(count: 0, digest: "")
    var training = StateTree()
    var scaling: DataScaling?
    /// Epochs done, and frames of the present one.
    var epoch: Int64 = 0
    var position: Int64 = 0

    init(_ tree: StateTree) throws {
      try tree.read { reader in
        func part(_ name: String, _ body: (inout StateReader) throws -> Void) throws {
          let group = try reader.group(name)
          try StateError.inside(name) { try group.read(body) }
        }
        try part("run") {
          deck = try $0.text("deck")
          engineVersion = try $0.text("engine_version")
        }
        try part("blocks") {
          blockNames = try $0.text("names").split(separator: "\n").map(String.init)
          blockCounts = try $0.integers("counts", count: blockNames.count).map { Int($0) }
        }
        try part("data") { hashes = try $0.text("hashes").split(separator: "\n").map(String.init) }
        let table = try reader.group("table")
        mark = try StateError.inside("table") { try OutputMark(table) }
        training = try reader.group("training")
        func integer(_ name: String) throws -> Int64 {
          guard case .integers(let values)? = training.values[name], values.count == 1 else {
            throw StateError("training", "has no \(name)")
          }
          return values[0]
        }
        (epoch, position) = try (integer("epoch"), integer("position"))
        if tree.values["scaling"] != nil {
          let group = try reader.group("scaling")
          scaling = try StateError.inside("scaling") { try DataScaling(group) }
        }
      }
    }
  }

  /// Keys that say where and how fast, not what.
  private static let freeKeys: Set = [
    "output.folder", "output.name", "threads", "checkpoint.every", "max_hours",
  ]

  /// Those, and of files that have only moved: what they hold is known by its hash.
  private static func freeKeys(from old: TrainingDeck, to new: TrainingDeck) -> Set<String> {
    func isMoved(_ a: [DeckFile], _ b: [DeckFile]) -> Bool {
      a.map(\.name) == b.map(\.name) && a.map(\.weights) == b.map(\.weights)
    }
    var keys = freeKeys
    if isMoved(old.train, new.train) { keys.insert("train") }
    if isMoved(old.valid, new.valid) { keys.insert("valid") }
    if old.start != nil, new.start != nil { keys.insert("start") }
    return keys
  }

  /// Finds the point at which the training of the checkpoint `path` goes on: there or, where it is damaged or the table does
  /// not hold what it counts, at the one before it.
  ///
  /// - Throws: `UsageError` for a deck that differs and may not, `DeckError`; `TrajectoryError`, `HDF5Error` of the first
  ///   checkpoint if none is usable.
  init(_ path: String, _ options: TrainingResumeOptions) throws {
    do {
      try self.init(at: path, options, mayDropNewer: false)
    } catch let error as TrajectoryError {
      switch error {
      case .corruptCheckpoint, .mismatch: break
      default: throw error
      }
      let previous = Checkpoint.previousPath(of: path)
      guard let point = try? TrainingResumePoint(at: previous, options, mayDropNewer: true) else {
        throw error
      }
      self = point
      notes.insert(
        .warning(
          Diagnostic(
            severity: .warning, file: error.file,
            "\(error.message); going on from epoch \(content.epoch) in \(previous)")), at: 0)
    }
  }

  private init(at path: String, _ options: TrainingResumeOptions, mayDropNewer: Bool) throws {
    self.path = path
    allowsChanges = options.allowsChanges
    content = try CheckpointFormat.training.read(path) { try Content($0) }
    scaling = content.scaling
    notes += Release.notices(ofCheckpointBy: content.engineVersion, of: "training")
    let recorded = try TrainingDeck(text: content.deck, file: path, folder: "/")
    files = TrainingFiles(besideCheckpoint: path, recorded: recorded.outputName)
    let newest =
      path == files.checkpoint || mayDropNewer
      ? nil : try? CheckpointFormat.training.read(files.checkpoint) { try Content($0) }
    if let newest, (newest.epoch, newest.position) > (content.epoch, content.position) {
      throw FileError(
        file: path,
        "the training went on to epoch \(newest.epoch + 1) after this checkpoint of epoch \(content.epoch + 1)",
        help:
          "`\(Release.command) \(TrainingFiles.resumeCommand) \(shellQuoted(files.checkpoint))` goes on from its end; "
          + "to go back, remove that checkpoint first")
    }
    var overrides: [String: DeckValue] = [
      "output.folder": .text(files.folder), "output.name": .text(files.name),
    ]
    if let threads = options.threads { overrides["threads"] = "\(threads)" }
    deck =
      try options.deck.map { try TrainingDeck(path: $0, overrides: overrides) }
      ?? TrainingDeck(text: content.deck, file: path, folder: "/", overrides: overrides)
    if deck.threads != recorded.threads {
      notes.append(
        .note(
          "note: \(deck.threads) threads instead of \(recorded.threads): the training goes on, but not bit for bit"
        ))
    }
    try Self.requireAllowed(
      deck.differences(from: recorded, ignoring: Self.freeKeys(from: recorded, to: deck)), options, &notes,
      file: options.deck ?? path)
    lock = try files.lock()
    table = try LogTable(
      resuming: files.table, columns: TrainingTable.columns, byteCount: content.mark.count,
      digest: content.mark.digest)
  }

  private static func requireAllowed(
    _ differences: [TrainingDeck.Difference], _ options: TrainingResumeOptions, _ notes: inout [Event],
    file: String
  ) throws {
    guard !differences.isEmpty else { return }
    let lines = differences.map { "  \($0.key): \($0.old ?? "(none)") -> \($0.new ?? "(none)")" }
      .joined(separator: "\n")
    guard options.allowsChanges else {
      throw UsageError(
        message: "\(file) is not the deck with which the training began:\n\(lines)",
        help: "--allow-changes goes on with the new values; without the deck the old ones are kept")
    }
    notes.append(.note("going on with changes:\n\(lines)"))
  }

  /// - Throws: `FileError` where the data are not those with which the training began and may not be others.
  func requireData(_ input: TrainingInput) throws {
    guard input.allHashes != content.hashes, !allowsChanges else { return }
    let files = zip(input.train.files + input.valid.files, input.train.hashes + input.valid.hashes)
    let changed = files.first { !content.hashes.contains($0.1) }?.0.path
    throw FileError(
      file: changed ?? deck.start ?? deck.file, "this is not what the training began with",
      help: "put the old file back, or go on with --allow-changes")
  }

  /// The state of the training, for a potential with these blocks.
  /// - Throws: `FileError` where it had other parameters, `TrajectoryError.corruptCheckpoint`.
  func state(for blocks: [ParameterBlock]) throws -> TrainingState {
    guard blocks.map(\.name) == content.blockNames, blocks.map(\.range.count) == content.blockCounts else {
      throw FileError(
        file: path, "its model has other parameters than the deck asks for",
        help: "go on with the model's old sizes, or begin a new training with `start: \(files.model)`")
    }
    return try Checkpoint.reading("training", of: path) {
      try TrainingState(content.training, count: content.blockCounts.reduce(0, +))
    }
  }
}

extension TrainingRun {
  /// Sets up the training whose checkpoint is at `path`, or, if that is damaged, the one before it. It goes on in the folder
  /// where the checkpoint lies now, in files of its name.
  /// - Throws: `TrajectoryError` if no checkpoint is usable, `UsageError` where deck or data have changed and may not have,
  ///   and what a new training throws.
  public init(
    checkpoint path: String, options: TrainingResumeOptions = TrainingResumeOptions(),
    events: @escaping EventHandler = { _ in },
    potential makePotential: PotentialMaker = makePotential
  ) throws {
    let point = try TrainingResumePoint(path, options)
    for note in point.notes { try events(note) }
    try self.init(
      deck: point.deck, files: point.files, point: point, events: events, potential: makePotential)
    try point.requireData(input)
  }

  /// Trains from the checkpoint to the last epoch.
  /// - Parameter interruption: what asks the training to end after the present step, nil for nothing.
  /// - Throws: as `run`.
  public mutating func resume(interruption: () -> String? = { nil }) throws {
    guard let point = resumePoint else {
      preconditionFailure("a training resumes only from a checkpoint")
    }
    resumePoint = nil
    try point.table.dropWhatFollows()
    try files.writeResolvedDeck(deck.resolvedText, of: deck.file)
    if point.path != files.checkpoint { try writeCheckpoint(point.table) }
    // The file may be older than the checkpoint, or newer.
    if trainer.state.best != nil { try writeModel() }
    try train(writing: point.table, point.lock, until: interruption)
  }
}
