import Diagnostics
import Foundation

/// What this program calls itself in the files it writes, and how it was called.
public enum Release {
  public static let version = "0.1.0"

  /// As the user typed it, so that the commands in messages can be copied.
  public static let command = shellQuoted(ProcessInfo.processInfo.arguments.first ?? "bloch")
}
