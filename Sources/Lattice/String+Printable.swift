// Text that came from a file or a command line, before a person sees it.

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
