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
  var quotable: Unicode.Scalar {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: self == "\t" ? " " : "\u{FFFD}"
    default: self
    }
  }
}

extension String {
  /// The text with everything that could steer a terminal or reorder a line, such as escape sequences and
  /// directional overrides, written as `\u{1B}`.
  public var printable: String {
    var text = ""
    for scalar in unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator:
        text += "\\u{" + String(scalar.value, radix: 16, uppercase: true) + "}"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}
