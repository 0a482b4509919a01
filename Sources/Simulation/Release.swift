import Diagnostics
import Foundation

/// What this program calls itself in the files it writes, and how it was called.
public enum Release {
  public static let version = "0.1.0"

  /// As the user typed it, so that the commands in messages can be copied.
  public static let command = shellQuoted(ProcessInfo.processInfo.arguments.first ?? "bloch")

  /// What is said where another version wrote the checkpoint of a run or a training, `what`; nothing where this one did.
  static func notices(ofCheckpointBy version: String, of what: String) -> [Event] {
    guard version != Self.version else { return [] }
    return [
      .warning(
        Diagnostic(
          severity: .warning,
          "Bloch \(version) wrote this checkpoint, this is \(Self.version); the \(what) goes on, but not bit for bit"
        ))
    ]
  }
}
