// What an analysis leaves on the disk: a table for each curve, one for all numbers, and both for a program.

import Diagnostics
import Foundation
import Trajectory

extension TrajectoryAnalysis {
  /// Of the names of trajectories, before their format's.
  private static let ending = ".trajectory"

  /// Writes NAME.analysis.json, NAME.numbers.tsv and NAME.TABLE.tsv for every curve into `folder`, which is made if need be.
  ///
  /// - Parameter name: nil for that of the trajectory.
  /// - Returns: the files' paths.
  /// - Throws: `FileError` where there are such files and `overwrite` is false; `TrajectoryError`.
  public func write(to folder: String, named name: String? = nil, overwrite: Bool) throws -> [String] {
    let url = URL(fileURLWithPath: file)
    let own = url.deletingPathExtension().lastPathComponent
    let name = name ?? (own.hasSuffix(Self.ending) ? String(own.dropLast(Self.ending.count)) : own)
    func path(_ ending: String) -> String {
      URL(fileURLWithPath: folder).appendingPathComponent("\(name).\(ending)").path
    }
    var contents = [(path("analysis.json"), try json + "\n"), (path("numbers.tsv"), numbersTSV)]
    contents += findings.flatMap(\.tables).map { (path("\($0.name).tsv"), $0.tsv) }
    if !overwrite, let earlier = contents.first(where: { Disk.isTaken($0.0) }) {
      throw FileError(
        file: earlier.0, "an earlier analysis left this file, which is not overwritten",
        help: "--overwrite replaces it, --output-dir writes elsewhere")
    }
    do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
      throw FileError(file: folder, "this folder cannot be made", help: "choose another with --output-dir")
    }
    for (path, text) in contents { try Disk.replace(path, with: Array(text.utf8)) }
    return contents.map(\.0)
  }
}
