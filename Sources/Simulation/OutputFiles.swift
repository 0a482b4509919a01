// The files of a run: one folder, one name, an ending for each.

import Deck
import Foundation
import Trajectory

public struct OutputFiles: Sendable {
  public let folder: String
  public let name: String

  public init(folder: String, name: String) {
    self.folder = folder
    self.name = name
  }

  public var trajectory: String { path(".trajectory.h5") }
  public var log: String { path(".log.tsv") }
  public var checkpoint: String { Checkpoint.path(of: path("")) }
  public var resolvedDeck: String { path(".resolved.yaml") }

  private func path(_ ending: String) -> String {
    URL(fileURLWithPath: folder).appendingPathComponent(name + ending).path
  }

  /// Makes the folder, and sees to it that no file of an earlier run is lost by mistake.
  /// - Parameter overwrite: remove the files of an earlier run.
  /// - Throws: `FileError` if there are such files and `overwrite` is false, or if the folder cannot be
  ///   written.
  func claim(overwrite: Bool) throws {
    let manager = FileManager.default
    do {
      try manager.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw FileError(file: folder, "this folder cannot be made", help: "choose another with --output-dir")
    }
    guard access(folder, W_OK) == 0 else {
      throw FileError(file: folder, "this folder cannot be written", help: "choose another with --output-dir")
    }
    let earlier = [trajectory, log, checkpoint, Checkpoint.previousPath(of: checkpoint), resolvedDeck].filter(
      manager.fileExists)
    if !overwrite, let first = earlier.first {
      let resume =
        earlier.contains(checkpoint) ? "`\(Release.command) resume \(checkpoint)` continues that run; " : ""
      throw FileError(
        file: first, "an earlier run left this file, which is not overwritten",
        help: resume + "--overwrite replaces its files, --output-dir writes elsewhere")
    }
    for file in earlier {
      do {
        try manager.removeItem(atPath: file)
      } catch {
        throw FileError(
          file: file, "this file of an earlier run cannot be removed", help: "check its permissions")
      }
    }
  }

  /// Writes what the run is made of, defaults included, beside its results.
  func writeResolvedDeck(_ deck: Deck) throws {
    let text = "# \(deck.file) with every default, by Bloch \(Release.version)\n" + deck.resolvedText
    do {
      try Data(text.utf8).write(to: URL(fileURLWithPath: resolvedDeck))
    } catch {
      throw FileError(file: resolvedDeck, "this file cannot be written", help: "is the disk full?")
    }
  }
}
