// Every way in which a command can fail, as a message and an exit code.

import Deck
import Dynamics
import HDF5
import LRMACE
import Lattice
import Trajectory

/// A run that ended because its numbers made no sense any more.
struct NumericalError: Error {
  let cause: String
  /// The last good checkpoint, if one was written.
  let checkpoint: String?
}

/// What a person is told about an error, and what the shell is told.
public struct RunFailure {
  public let message: String
  public let exitCode: Int32

  /// A mistake in the deck or on the command line.
  public static let usageExitCode: Int32 = 2
  static let fileExitCode: Int32 = 3
  static let numericalExitCode: Int32 = 4

  /// Nil for errors that are not Bloch's own.
  public init?(_ error: any Error) {
    switch error {
    case let error as DeckError:
      (message, exitCode) = (error.description, Self.usageExitCode)
    case let error as FileError:
      (message, exitCode) = (error.description, Self.fileExitCode)
    case let error as StructureError:
      (message, exitCode) = (error.description, Self.fileExitCode)
    case let error as HDF5Error:
      let help = "check that this is the right file and that it is whole; copy it again, or make it anew"
      (message, exitCode) = ("error: \(error)\n  help: \(help)", Self.fileExitCode)
    case is ModelError, is TrajectoryError:
      (message, exitCode) = ("error: \(error)", Self.fileExitCode)
    case let error as NumericalError:
      let kept = error.checkpoint.map { "\n  help: the last good checkpoint is kept: \($0)" } ?? ""
      (message, exitCode) = ("error: \(error.cause)\(kept)", Self.numericalExitCode)
    case is DynamicsError, is LatticeError:
      (message, exitCode) = ("error: \(error)", Self.numericalExitCode)
    default:
      return nil
    }
  }
}
