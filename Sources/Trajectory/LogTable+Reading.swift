// Reading a run's table back, also while the run goes on.

import Foundation

extension LogTable {
  /// The columns of a table by name, with their units; NaN where a value does not apply.
  public struct Content: Sendable {
    public let columns: [Column]
    public let values: [[Double]]

    public subscript(name: String) -> [Double]? {
      columns.firstIndex { $0.name == name }.map { values[$0] }
    }
  }

  /// - Throws: `TrajectoryError.mismatch` for what is no such table. A last line that is not complete is left out.
  public static func read(_ path: String) throws -> Content {
    func failure(_ reason: String) -> TrajectoryError { .mismatch(file: path, reason: reason) }
    guard let data = FileManager.default.contents(atPath: path) else { throw failure("cannot be read") }
    var lines = String(decoding: data, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    // Behind the last line's end there is nothing, or a line in the making.
    lines.removeLast()
    guard let header = lines.first, header.hasPrefix("# ") else { throw failure("is no table of a run") }
    let columns = try header.dropFirst(2).split(separator: "\t").map { word in
      guard let match = word.wholeMatch(of: /(.+) \[(.+)\]/) else {
        throw failure("column `\(word)` has no unit")
      }
      return Column(name: String(match.1), unit: String(match.2))
    }
    var values = columns.map { _ in [Double]() }
    for (number, line) in lines.enumerated().dropFirst() {
      let numbers = line.split(separator: "\t").map { Double($0) }
      guard numbers.count == columns.count else {
        throw failure("line \(number + 1) has \(numbers.count) of \(columns.count) columns")
      }
      for (column, value) in numbers.enumerated() {
        guard let value else { throw failure("line \(number + 1), column \(column + 1) is no number") }
        values[column].append(value)
      }
    }
    return Content(columns: columns, values: values)
  }
}
