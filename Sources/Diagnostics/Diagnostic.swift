// What is wrong with what a user gave, where, and how to mend it. Errors of every room are told by this one renderer:
//
//   water.yaml:3:11: error: `timestep` needs a unit
//     3 | timestep: 0.5
//       |           ^~~
//     help: write `timestep: 0.5 fs`

/// A stretch of one line. Lines and columns count from 1; columns count Unicode scalars.
public struct SourceSpan: Sendable, Hashable {
  public let line: Int
  public let column: Int
  public let length: Int

  public init(line: Int, column: Int, length: Int = 1) {
    self.line = line
    self.column = column
    self.length = length
  }
}

/// One mistake, or one thing that a user should know.
public struct Diagnostic: Sendable, Hashable, CustomStringConvertible {
  /// A warning is about what can be left out, or may not be meant.
  public enum Severity: String, Sendable { case error, warning }

  public let severity: Severity
  /// Nil where no file is to blame.
  public let file: String?
  /// Where in the file; nil when it is about the file as a whole, or about something that is not there.
  public let span: SourceSpan?
  /// The text of that line.
  public let quotedLine: String
  public let message: String
  /// How to mend it.
  public let help: String?

  public init(
    severity: Severity = .error, file: String? = nil, span: SourceSpan? = nil, quotedLine: String = "",
    _ message: String, help: String? = nil
  ) {
    self.severity = severity
    self.file = file
    self.span = span
    self.quotedLine = quotedLine
    self.message = message
    self.help = help
  }

  public var description: String {
    let place = span.map { "\($0.line):\($0.column):" } ?? ""
    var text = (file.map { "\($0):\(place) " } ?? "") + "\(severity.rawValue): \(message)"
    if let span { text += quote(span) }
    if let help { text += "\n  help: \(help)" }
    return text
  }

  /// Scalars of a line that are shown, and of those that are underlined.
  private static let (shownLength, markedLength) = (100, 60)

  /// The line and, below it, where to look; a long line is shown from a little before the place on.
  private func quote(_ span: SourceSpan) -> String {
    // A tab is as wide as a blank here, and seen where it is the mistake.
    let scalars = quotedLine.unicodeScalars.enumerated().map {
      $1 == "\t" && $0 == span.column - 1 ? "→" : $1.quotable
    }
    let start = span.column > 90 ? min(span.column - 40, scalars.count) : 0
    let shown = scalars.dropFirst(start).prefix(Self.shownLength)
    let end = start + shown.count
    let prefix = start > 0 ? "... " : ""
    let suffix = end < scalars.count ? " ..." : ""
    let margin = String(repeating: " ", count: String(span.line).count)
    let indent = String(repeating: " ", count: prefix.count + max(0, span.column - 1 - start))
    let tail = min(span.length, Self.markedLength, end - span.column + 1) - 1
    return """

        \(span.line) | \(prefix)\(String(String.UnicodeScalarView(shown)))\(suffix)
        \(margin) | \(indent)^\(String(repeating: "~", count: max(0, tail)))
      """
  }
}

/// An error that a user can mend.
public protocol DiagnosedError: Error, CustomStringConvertible {
  /// Every mistake that was found, in the order in which they are to be read.
  var diagnostics: [Diagnostic] { get }
}

extension DiagnosedError {
  public var description: String { diagnostics.map(\.description).joined(separator: "\n") }
}

/// A file that cannot be read, written or used.
public struct FileError: DiagnosedError {
  public let diagnostics: [Diagnostic]

  public init(file: String, _ message: String, help: String? = nil) {
    diagnostics = [Diagnostic(file: file, message, help: help)]
  }
}
