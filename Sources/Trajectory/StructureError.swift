// What is wrong with a structure file, where, and how to mend it:
//
//   water.xyz:5:12: error: the position of atom 3 is not a number
//     5 | O 1.0 2.0 nan
//       |           ^~~
//     help: positions are finite numbers in Angstrom

import Diagnostics

/// A mistake in a structure file.
public struct StructureError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A warning is about what can be left out.
  public enum Severity: String, Sendable { case error, warning }

  public let severity: Severity
  public let file: String
  /// Line and column, both from 1; columns count Unicode scalars. Nil when the file as a whole is meant.
  public let line: Int?
  public let column: Int
  /// Scalars that are underlined.
  public let length: Int
  /// The text of the line.
  public let quotedLine: String
  public let message: String
  /// How to mend it.
  public let help: String?

  /// A mistake that concerns the file as a whole.
  init(file: String, message: String, help: String?) {
    self.init(file: file, line: nil, column: 1, length: 1, quotedLine: "", message: message, help: help)
  }

  init(
    file: String, line: Int?, column: Int, length: Int, quotedLine: String, message: String, help: String?,
    severity: Severity = .error
  ) {
    self.severity = severity
    self.file = file
    self.line = line
    self.column = column
    self.length = length
    self.quotedLine = quotedLine
    self.message = message
    self.help = help
  }

  /// The same about something that is left out because of it.
  func asWarning() -> StructureError {
    StructureError(
      file: file, line: line, column: column, length: length, quotedLine: quotedLine,
      message: message + "; this label is left out", help: help, severity: .warning)
  }

  public var description: String {
    let helpLine = help.map { "\n  help: \($0)" } ?? ""
    guard let line else { return "\(file): \(severity): \(message)\(helpLine)" }
    // A long line is shown from a little before the mistake on.
    let scalars = quotedLine.unicodeScalars.map(\.quotable)
    let start = column > 90 ? column - 40 : 0
    let shown = String(String.UnicodeScalarView(scalars.dropFirst(start).prefix(100)))
    let prefix = start > 0 ? "... " : ""
    let suffix = scalars.count > start + 100 ? " ..." : ""
    let margin = String(repeating: " ", count: String(line).count)
    let indent = String(repeating: " ", count: prefix.count + column - 1 - start)
    let marker = "^" + String(repeating: "~", count: max(0, min(length, 60) - 1))
    return """
      \(file):\(line):\(column): \(severity): \(message)
        \(line) | \(prefix)\(shown)\(suffix)
        \(margin) | \(indent)\(marker)\(helpLine)
      """
  }
}
