// Keys that the decks of runs and of trainings share.

import Foundation
import Kernels

extension DeckReader {
  /// Where output goes, and what its names begin with.
  mutating func output() -> (folder: String, name: String) {
    let folder = path(
      "output.folder", takes: "a folder", default: FileManager.default.currentDirectoryPath,
      defaultInWords: "the current folder", help: "Where the files go.")
    let name = fileName(
      "output.name",
      default: URL(fileURLWithPath: source.file).deletingPathExtension().lastPathComponent,
      defaultInWords: "the deck's name", help: "What their names begin with.")
    return (folder, name)
  }

  /// - Parameter subject: what repeats bit for bit.
  mutating func threads(_ subject: String) -> Int {
    count(
      "threads", 1...1024, default: "\(Processors.count)",
      defaultInWords: "all processors that the job may use",
      help: "Threads; \(subject) repeats bit for bit with the same number.")
  }

  /// How a system is divided among the ranks that mpirun starts.
  mutating func bricks() -> BrickChoice {
    BrickChoice(
      optionalCounts(
        "grid", length: 3, BrickChoice.range, example: "[2, 2, 1]",
        help:
          "Bricks along the lattice vectors, one for each process that mpirun starts; `auto`: those that cost least."
      ))
  }
}
