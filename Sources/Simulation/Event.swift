// What a simulation says while it is at work. It prints nothing: whoever runs it decides who hears what.

import Diagnostics

public enum Event: Sendable, CustomStringConvertible {
  /// A word about what was decided, for a person.
  case note(String)
  /// What may not be meant, or is left out.
  case warning(Diagnostic)
  /// How far a run is, four times a second at most, and at its first and last step.
  case progress(Progress)
  /// How far a training is, four times a second at most.
  case trainingProgress(TrainingProgress)
  /// How far a service is, four times a second at most.
  case serviceProgress(ServiceProgress)
  /// A line of what a command was asked for.
  case result(String)
  /// The end of a run, also of one that was interrupted.
  case report(RunReport)

  public var description: String {
    switch self {
    case .note(let text), .result(let text): text
    case .warning(let warning): warning.description
    case .progress(let progress): progress.description
    case .trainingProgress(let progress): progress.description
    case .serviceProgress(let progress): progress.description
    case .report(let report): report.description
    }
  }

  var isWarning: Bool { if case .warning = self { true } else { false } }
}

/// Hears events. What it throws ends the run, as a full disk does.
public typealias EventHandler = (Event) throws -> Void
