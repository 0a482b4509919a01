// The words at the end of a run: how fast it was, what it wrote, what to do next.

import Diagnostics
import Foundation

extension Simulation {
  func report(steps: Int64, clock: RunClock) -> String {
    var lines: [String] = []
    let step = motion.completedSteps
    if let name = Interruption.name, !motion.isFinished {
      lines += [
        "Interrupted by \(name) after step \(step) of \(lastStep). Continue with:",
        "  \(Release.command) resume \(shellQuoted(files.checkpoint))", "",
      ]
    }
    let total = clock.stepSeconds + clock.outputSeconds
    if steps > 0 {
      let perAtomStep = total / Double(steps) / Double(system.count) * 1e6
      let rate = Double(steps) * deck.timestep * 1e-6 / total * 86400
      lines.append(
        "\(steps) steps of \(deck.timestep) fs with \(system.count) atoms in "
          + String(format: "%.1f s: ", total)
          + String(format: "%.3g ns/day, %.3g microseconds per atom and step", rate, perAtomStep))
      let potential = forceField.timings()
      let motion = max(0, clock.stepSeconds - potential.reduce(0) { $0 + $1.seconds })
      lines.append(
        timingTable(
          potential + [(potential.isEmpty ? "steps" : "motion", motion), ("output", clock.outputSeconds)]))
      lines.append("")
    }
    lines += [
      "Written:",
      "  \(files.trajectory)   trajectory (H5MD; for MDAnalysis and ZnH5MD see README, Files)",
      "  \(files.log)   energies and temperature over time",
      "  \(files.checkpoint)   for bloch resume",
      "  \(files.resolvedDeck)   the deck with every default",
    ]
    if motion.isFinished {
      let view = URL(fileURLWithPath: files.folder).appendingPathComponent(files.name + ".xyz").path
      lines += [
        "", "Next, see the atoms move (OVITO, VMD, ASE):",
        "  \(Release.command) export \(shellQuoted(files.trajectory)) \(shellQuoted(view))",
      ]
    }
    return lines.joined(separator: "\n")
  }
}
