// Every way in which a command can fail, as a message and an exit code.

import Analysis
import Deck
import Diagnostics
import Domains
import Dynamics
import HDF5
import Kernels
import LRMACE
import Lattice
import Statics
import Trajectory

/// A run that ended because its numbers made no sense any more.
struct NumericalError: Error {
  let cause: String
}

/// A run that ended before its last step.
struct BrokenRun: Error {
  let cause: any Error
  /// From which it can go on, if there is one.
  let checkpoint: String?
  /// By which command.
  var resumeCommand = OutputFiles.resumeCommand
}

/// A search that ended at its last step without what it looked for.
struct MissedGoal: Error {
  let kind: DeckKind
  let steps: Int64
  let words: String
  let checkpoint: String
}

/// A mistake on the command line that shows only when it is put to work.
struct UsageError: Error {
  let message: String
  let help: String
}

/// What a person is told about an error, and what the shell is told.
public struct RunFailure {
  public let message: String
  public let exitCode: Int32

  /// A mistake in the deck or on the command line.
  public static let usageExitCode: Int32 = 2
  static let fileExitCode: Int32 = 3
  static let numericalExitCode: Int32 = 4
  static let missedGoalExitCode: Int32 = 5

  private init(_ message: String, _ exitCode: Int32) {
    self.message = message
    self.exitCode = exitCode
  }

  private init(_ diagnostic: Diagnostic, _ exitCode: Int32) { self.init(diagnostic.description, exitCode) }

  /// Nil for errors that are not Bloch's own.
  public init?(_ error: any Error) {
    switch error {
    case let error as DeckError: self.init(error.description, Self.usageExitCode)
    case let error as AnalysisError:
      self.init(error.description, error.isUsage ? Self.usageExitCode : Self.fileExitCode)
    // As behind `| head`: nothing has failed.
    case TrajectoryError.readerIsGone: self.init("", 0)
    case let error as any DiagnosedError: self.init(error.description, Self.fileExitCode)
    case let error as UsageError:
      self.init(Diagnostic(error.message, help: error.help), Self.usageExitCode)
    case let error as HDF5Error:
      let help = "check that this is the right file and that it is whole; copy it again, or make it anew"
      self.init(Diagnostic(file: error.file, error.pathAndReason, help: help), Self.fileExitCode)
    case let error as DomainError:
      self.init(Diagnostic(error.message, help: error.help), Self.usageExitCode)
    case is MemoryError, is PlanError, is RankError: self.init(Diagnostic("\(error)"), Self.fileExitCode)
    case let error as NumericalError: self.init(Diagnostic(error.cause), Self.numericalExitCode)
    case let error as MissedGoal:
      self.init(
        Diagnostic(
          "\(error.kind.words) that has not converged in \(error.steps) steps: \(error.words)",
          help:
            "`\(Release.command) \(OutputFiles.resumeCommand) \(shellQuoted(error.checkpoint)) --steps N` makes N more"
        ), Self.missedGoalExitCode)
    case let error as Disagreement:
      self.init(
        Diagnostic(
          "\(error.words) at step \(error.step): the run ends as `committee.stop` asks",
          help: Disagreement.help), Self.numericalExitCode)
    case is DynamicsError, is StaticsError, is LatticeError:
      self.init(Diagnostic("\(error)"), Self.numericalExitCode)
    case let error as BrokenRun:
      guard let cause = RunFailure(error.cause) else { return nil }
      let help =
        switch error.checkpoint {
        case nil:
          "there is no checkpoint to go on from: mend this (make room, if the disk is full) and run again"
        case let checkpoint? where cause.exitCode == Self.numericalExitCode:
          "the last good checkpoint is kept: \(checkpoint)"
        case let checkpoint?:
          (error.cause is DomainError
            ? "fewer ranks, or other bricks by --grid, go on"
            : "mend this (make room, if the disk is full), then")
            + ": \(Release.command) \(error.resumeCommand) \(shellQuoted(checkpoint))"
        }
      self.init(cause.message + "\n  help: \(help)", cause.exitCode)
    default: return nil
    }
  }
}
