// Names and text of a user's files, as messages may show them.

import Foundation

/// `text` as a shell takes it for one word, so that commands in messages can be pasted.
public func shellQuoted(_ text: String) -> String {
  if text.wholeMatch(of: /[A-Za-z0-9_@%+=:,.\/-]+/) != nil { return text }
  return "'" + text.replacingOccurrences(of: "'", with: "'\\''") + "'"
}

extension Unicode.Scalar {
  /// Itself where a terminal shows it in one place, else a sign that stands for it: what is quoted from a file may
  /// hold anything, and keeps its columns.
  public var quotable: Unicode.Scalar {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: self == "\t" ? " " : "\u{FFFD}"
    default: self
    }
  }
}
