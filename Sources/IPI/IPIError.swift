import Diagnostics

/// A server that cannot be reached, or that says what the protocol does not have.
public struct IPIError: DiagnosedError {
  public let diagnostics: [Diagnostic]

  init(_ address: ServerAddress, _ message: String, help: String) {
    diagnostics = [Diagnostic(file: address.description, message, help: help)]
  }
}

/// A server whose system has another number of atoms than the client's.
public struct AtomCountMismatch: Error, Hashable {
  public let sent: Int
}

/// Why a connection carries no more bytes: no fault of the client.
enum ConnectionEnd: Error {
  /// The other side closed it, died or became unreachable.
  case gone
  /// Whoever runs the client asked for its end.
  case interrupted
}
