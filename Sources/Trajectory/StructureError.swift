// What is wrong with a structure file, where, and how to mend it:
//
//   water.xyz:5:12: error: the position of atom 3 is not a number
//     5 | O 1.0 2.0 nan
//       |           ^~~
//     help: positions are finite numbers in Angstrom

import Diagnostics

/// A mistake in a structure file.
public struct StructureError: DiagnosedError, Hashable, Sendable {
  public let diagnostic: Diagnostic

  init(_ diagnostic: Diagnostic) { self.diagnostic = diagnostic }

  /// A mistake that concerns the file as a whole.
  init(file: String, message: String, help: String?) {
    self.init(Diagnostic(file: file, message, help: help))
  }

  public var diagnostics: [Diagnostic] { [diagnostic] }

  /// A word about the label that is left out because of it.
  var warningOfLabel: Diagnostic {
    Diagnostic(
      severity: .warning, file: diagnostic.file, span: diagnostic.span, quotedLine: diagnostic.quotedLine,
      diagnostic.message + "; this label is left out", help: diagnostic.help)
  }
}
