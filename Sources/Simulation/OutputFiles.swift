// The files of a run, and those of a training: one folder, one name, an ending for each.

import Deck
import Diagnostics
import Foundation
import Trajectory

/// Files in one folder whose names begin alike.
public protocol OutputNames: Sendable, Hashable {
  var folder: String { get }
  var name: String { get }
  init(folder: String, name: String)

  /// Without one of these there is nothing that a checkpoint could go on with.
  var growing: [String] { get }
  /// The others, but for the checkpoints.
  var others: [String] { get }
  /// The command that goes on from `checkpoint`.
  static var resumeCommand: String { get }
}

/// The files of a run.
public struct OutputFiles: OutputNames {
  public let folder: String
  public let name: String

  public init(folder: String, name: String) {
    self.folder = folder
    self.name = name
  }

  /// Ends of the names of what the run's analyses write.
  public var analysisEndings: [String] = []

  public var trajectory: String { path(".trajectory.h5") }
  public var log: String { path(".log.tsv") }
  /// Where the time went, session by session.
  public var timings: String { path(".timings.tsv") }
  /// The images of a band.
  public var band: String { path(".band.xyz") }
  /// Made by `bloch report`, at any time.
  public var page: String { path(".run.html") }
  public var growing: [String] { [trajectory, log] }
  public var others: [String] { [resolvedDeck, timings, band] + analyses }
  /// Tables, numbers and JSON of the run's analyses.
  public var analyses: [String] { analysisEndings.map { path("." + $0) } }
  public static let resumeCommand = "resume"
}

/// The files of a training.
public struct TrainingFiles: OutputNames {
  public let folder: String
  public let name: String

  public init(folder: String, name: String) {
    self.folder = folder
    self.name = name
  }

  /// One line for each epoch.
  public var table: String { path(".training.tsv") }
  /// The best so far.
  public var model: String { path(".model.h5") }
  public var report: String { path(".report.html") }
  public var growing: [String] { [table] }
  public var others: [String] { [model, report, resolvedDeck] }
  public static let resumeCommand = "train --resume"
}

extension OutputNames {
  public var checkpoint: String { Checkpoint.path(of: path("")) }
  public var resolvedDeck: String { path(".resolved.yaml") }

  func path(_ ending: String) -> String {
    URL(fileURLWithPath: folder).appendingPathComponent(name + ending).path
  }

  /// Those of the run whose checkpoint lies at `checkpoint`: beside it, under its name or, where it is a copy under another
  /// name, under `recorded`.
  init(besideCheckpoint checkpoint: String, recorded: String) {
    let url = URL(fileURLWithPath: checkpoint)
    let folder = url.deletingLastPathComponent().path
    var stem = url.lastPathComponent
    for ending in [".checkpoint.previous.h5", ".checkpoint.h5"] where stem.hasSuffix(ending) {
      stem = String(stem.dropLast(ending.count))
      break
    }
    let own = Self(folder: folder, name: stem)
    let isThere = own.growing.first.map(FileManager.default.fileExists(atPath:)) ?? false
    self.init(folder: folder, name: isThere ? stem : recorded)
  }

  /// Takes the lock of the files; makes the folder where there is none.
  /// - Throws: `FileError` if the folder cannot be made or written, `TrajectoryError.inUse`.
  func lock() throws -> OutputLock {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw FileError(file: folder, "this folder cannot be made", help: "choose another with --output-dir")
    }
    guard access(folder, W_OK) == 0 else {
      throw FileError(file: folder, "this folder cannot be written", help: "choose another with --output-dir")
    }
    return try OutputLock(path(".lock"))
  }

  /// Sees to it that no file of an earlier run is lost by mistake. The caller holds the lock.
  /// - Parameter overwrite: remove the files of an earlier run.
  /// - Throws: `FileError` if there are such files and `overwrite` is false, or if they cannot be removed.
  func claim(overwrite: Bool) throws {
    let earlier = all.filter(Disk.isTaken)
    if !overwrite, let first = earlier.first {
      let resume =
        earlier.contains(checkpoint)
        ? "`\(Release.command) \(Self.resumeCommand) \(shellQuoted(checkpoint))` continues that run; " : ""
      throw FileError(
        file: first, "an earlier run left this file, which is not overwritten",
        help: resume + "--overwrite replaces its files, --output-dir writes elsewhere")
    }
    for file in earlier where unlink(file) != 0 {
      throw FileError(
        file: file,
        "this file of an earlier run cannot be removed: \(String(cString: strerror(errno)).lowercased())",
        help: "check its permissions")
    }
    Checkpoint.removeLeftovers(of: checkpoint)
  }

  /// Removes what a run has written that never came to its first checkpoint: of no use, and in the way of the next try.
  func remove() {
    for file in all { unlink(file) }
    Checkpoint.removeLeftovers(of: checkpoint)
  }

  private var all: [String] {
    growing + [checkpoint, Checkpoint.previousPath(of: checkpoint)] + others
  }

  /// Writes what the run is made of, defaults included, beside its results.
  /// - Throws: `TrajectoryError`.
  func writeResolvedDeck(_ resolved: String, of file: String) throws {
    let text = "# \(file) with every default, by Bloch \(Release.version)\n" + resolved
    try Disk.replace(resolvedDeck, with: Array(text.utf8))
  }
}
