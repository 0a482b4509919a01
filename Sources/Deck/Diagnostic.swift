// What is wrong with a file that a user wrote, where, and how to mend it.
//
//   water.yaml:3:11: error: `timestep` needs a unit
//     3 | timestep: 0.5
//       |           ^~~
//     help: write `timestep: 0.5 fs`

import Diagnostics

/// The text of a file, kept so that a message can quote the line it is about.
public struct SourceText: Sendable {
  public let file: String
  public let lines: [Substring]

  public init(file: String, text: String) {
    self.file = file
    self.lines = text.split(separator: "\n", omittingEmptySubsequences: false)
  }
}

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

/// One mistake in a file.
public struct Diagnostic: Sendable, CustomStringConvertible {
  public let source: SourceText
  /// Where; nil when the mistake is something that is not there.
  public let span: SourceSpan?
  public let message: String
  /// How to mend it.
  public let help: String?

  public init(source: SourceText, span: SourceSpan?, message: String, help: String?) {
    self.source = source
    self.span = span
    self.message = message.count > 160 ? message.prefix(80) + " ... " + message.suffix(60) : message
    self.help = help
  }

  public var description: String {
    let line = span?.line ?? 1
    var text = "\(source.file):\(line):\(span?.column ?? 1): error: \(message)"
    if let span, source.lines.indices.contains(line - 1) {
      let quoted = source.lines[line - 1].unicodeScalars.map { $0 == "\t" ? "→" : $0.quotable }
      let shown = quoted.prefix(100)
      let margin = String(repeating: " ", count: "\(line)".count)
      text +=
        "\n  \(line) | " + String(String.UnicodeScalarView(shown))
        + (shown.count < quoted.count ? " ..." : "")
      if span.column <= shown.count + 1 {
        let tail = max(0, min(span.length, shown.count - span.column + 1) - 1)
        text += "\n  \(margin) | " + String(repeating: " ", count: span.column - 1) + "^"
        text += String(repeating: "~", count: tail)
      }
    }
    if let help { text += "\n  help: \(help)" }
    return text
  }
}

/// Every mistake found in a deck, in the order of its lines.
public struct DeckError: Error, CustomStringConvertible {
  public let diagnostics: [Diagnostic]

  public init(_ diagnostics: [Diagnostic]) {
    self.diagnostics = diagnostics
  }

  public var description: String { diagnostics.map(\.description).joined(separator: "\n") }
}
