import Diagnostics

/// What keeps a trajectory from being analysed as asked.
public struct AnalysisError: DiagnosedError, Hashable {
  public let diagnostics: [Diagnostic]
  /// Whether the command line asks for something that does not exist, rather than the file lacking something.
  public let isUsage: Bool

  init(_ message: String, help: String, file: String? = nil, isUsage: Bool = false) {
    diagnostics = [Diagnostic(file: file, message, help: help)]
    self.isUsage = isUsage
  }

  static let noFrames = AnalysisError(
    "there is no frame to analyse", help: "leave fewer out (--skip, --until)")

  static func noWavevectors(_ largest: Double) -> AnalysisError {
    AnalysisError(
      "the cell has no wavevector up to \(largest) 1/Angstrom", help: "ask for larger ones: --k-max",
      isUsage: true)
  }

  /// In one line, to be told where other quantities go on.
  var reason: String {
    diagnostics.map { $0.message + ($0.help.map { "; " + $0 } ?? "") }.joined(separator: "; ")
  }

  /// The same about `file`, where nothing else is to blame.
  func about(_ file: String) -> AnalysisError {
    guard let first = diagnostics.first, first.file == nil, !isUsage else { return self }
    return AnalysisError(first.message, help: first.help ?? "", file: file)
  }
}
