// The text of a deck, kept so that a message can quote the line it is about.

import Diagnostics

struct SourceText: Sendable {
  let file: String
  let lines: [Substring]

  init(file: String, text: String) {
    self.file = file
    self.lines = text.split(separator: "\n", omittingEmptySubsequences: false)
  }

  /// Values are quoted in messages, and may be as long as a deck.
  private static let (longestMessage, messageHead, messageTail) = (160, 80, 60)

  /// A mistake at `span`; nil when it is something that is not there.
  func diagnostic(at span: SourceSpan?, _ message: String, help: String?) -> Diagnostic {
    let line = span.flatMap { lines.indices.contains($0.line - 1) ? lines[$0.line - 1] : nil } ?? ""
    let isLong = message.count > Self.longestMessage
    return Diagnostic(
      file: file, span: span, quotedLine: String(line),
      isLong
        ? message.prefix(Self.messageHead) + " ... " + message.suffix(Self.messageTail) : message,
      help: help)
  }

  /// The same as an error of its own.
  func error(at span: SourceSpan?, _ message: String, help: String?) -> DeckError {
    DeckError([diagnostic(at: span, message, help: help)])
  }
}

/// Every mistake found in a deck, in the order of its lines.
public struct DeckError: DiagnosedError {
  public let diagnostics: [Diagnostic]

  init(_ diagnostics: [Diagnostic]) { self.diagnostics = diagnostics }
}
