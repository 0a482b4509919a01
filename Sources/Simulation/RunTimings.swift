// Where the time of a run went, kept beside its files: one line for each part of each session.

import Foundation
import Trajectory

/// The sum over the sessions of a run.
public struct RunTimings: Sendable {
  public private(set) var steps: Int64 = 0
  public private(set) var parts: [(part: String, seconds: Double)] = []

  private static let header = "# session [1]\tsteps [1]\tpart [1]\tseconds [s]"

  /// Nil of a run that has not come to an end yet.
  /// - Throws: `TrajectoryError.mismatch`.
  public init?(reading path: String) throws {
    guard let data = FileManager.default.contents(atPath: path) else { return nil }
    var sessions = Set<Int>()
    let lines = String(decoding: data, as: UTF8.self).split(separator: "\n")
    for (number, line) in lines.enumerated() where number > 0 {
      let words = line.split(separator: "\t").map(String.init)
      guard lines[0] == Self.header, words.count == 4, let session = Int(words[0]),
        let steps = Int64(words[1]),
        let seconds = Double(words[3])
      else {
        throw TrajectoryError.mismatch(file: path, reason: "line \(number + 1) is none of a run's timings")
      }
      if sessions.insert(session).inserted { self.steps = self.steps &+ steps }
      if let part = parts.firstIndex(where: { $0.part == words[2] }) {
        parts[part].seconds += seconds
      } else {
        parts.append((words[2], seconds))
      }
    }
  }

  /// Adds a session to the file.
  /// - Throws: `TrajectoryError`.
  static func append(_ report: RunReport, to path: String) throws {
    let earlier = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    var lines = (earlier ?? header).split(separator: "\n").map(String.init)
    let sessions = Set(lines.dropFirst().compactMap { $0.split(separator: "\t").first })
    lines += report.parts.map { "\(sessions.count + 1)\t\(report.steps)\t\($0.part)\t\($0.seconds)" }
    try Disk.replace(path, with: Array((lines.joined(separator: "\n") + "\n").utf8))
  }
}

extension RunTimings: CustomStringConvertible {
  public var description: String { "\(steps) steps\n" + timingTable(parts) }
}
