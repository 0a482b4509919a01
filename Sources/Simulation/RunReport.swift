// The words at the end of a run: how fast it was, what it wrote, what to do next.

import Deck
import Diagnostics
import Dynamics
import Foundation

public struct RunReport: Sendable, CustomStringConvertible {
  /// Steps made now, the step at which the run is, and its last.
  public let steps: Int64
  public let step: Int64
  public let lastStep: Int64
  public let isFinished: Bool
  /// What asked the run to end before its last step.
  public let interruption: String?
  public let kind: DeckKind
  /// In fs; nil where no time passes.
  public let timestep: Double?
  /// Where there was something to reach.
  public let goal: Goal?
  public let atoms: Int
  /// Seconds of the wall clock in the parts of the force field, in all steps, and in output.
  public let potentialSeconds: [(part: String, seconds: Double)]
  public let stepSeconds: Double
  public let outputSeconds: Double
  /// The atom farthest from the model's training data, where the model knows them.
  public let farthest: Extrapolation?
  /// How far the models of a committee were apart.
  public let committee: String?
  /// How unevenly ranks shared the work, where they did.
  public let imbalance: String?
  public let files: OutputFiles

  /// Seconds of all that the run does.
  var parts: [(part: String, seconds: Double)] {
    let motion = max(0, stepSeconds - potentialSeconds.reduce(0) { $0 + $1.seconds })
    return potentialSeconds
      + [(potentialSeconds.isEmpty ? "steps" : "motion", motion), ("output", outputSeconds)]
  }

  public var description: String {
    var lines: [String] = []
    if let interruption, !isFinished {
      lines += [
        "Interrupted by \(interruption) after step \(step) of \(lastStep). Continue with:",
        "  \(Release.command) resume \(shellQuoted(files.checkpoint))", "",
      ]
    }
    if let goal, isFinished {
      lines += ["\(goal.isReached ? "Converged" : "Not converged") at step \(step): \(goal.words).", ""]
    }
    let total = stepSeconds + outputSeconds
    if steps > 0 {
      let perAtomStep = total / Double(steps) / Double(atoms) * 1e6
      let rate = timestep.map {
        String(format: "%.3g ns/day, ", Double(steps) * $0 * 1e-6 / total * 86400)
      }
      lines.append(
        "\(steps) steps \(timestep.map { "of \($0) fs " } ?? "")with \(atoms) atoms in "
          + String(format: "%.1f s: ", total) + (rate ?? "")
          + String(format: "%.3g microseconds per atom and step", perAtomStep))
      lines.append(timingTable(parts))
      lines.append("")
    }
    if let farthest {
      lines += [
        farthest.grade <= Extrapolation.limit
          ? String(
            format: "No atom was farther from the training data than %.2f times the farthest atom there.",
            farthest.grade)
          : farthest.words.prefix(1).uppercased() + farthest.words.dropFirst() + " (step \(farthest.step)).",
        "",
      ]
    }
    if let committee { lines += [committee, ""] }
    if let imbalance { lines += [imbalance, ""] }
    lines += [
      "Written:",
      "  \(files.trajectory)   trajectory (H5MD; for MDAnalysis and ZnH5MD see README, Files)",
      "  \(files.log)   "
        + (timestep == nil ? "energy and forces step by step" : "energies and temperature over time"),
    ]
    if kind == .band { lines.append("  \(files.band)   the images of the path, with energies and forces") }
    if let first = files.analyses.first {
      lines.append("  \(first)   what was analysed, with a table for each curve beside it")
    }
    lines += [
      "  \(files.checkpoint)   for bloch resume",
      "  \(files.resolvedDeck)   the deck with every default",
    ]
    if isFinished {
      let view = URL(fileURLWithPath: files.folder).appendingPathComponent(files.name + ".xyz").path
      lines += [
        "", "Next, see how it went, and the atoms move (OVITO, VMD, ASE):",
        "  \(Release.command) report \(shellQuoted(files.trajectory))",
        "  \(Release.command) export \(shellQuoted(files.trajectory)) \(shellQuoted(view))",
      ]
    }
    return lines.joined(separator: "\n")
  }
}
