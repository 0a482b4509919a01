// What a run would be, without running it.

import Deck
import Diagnostics
import Foundation
import Lattice
import Statics

extension Simulation {
  /// Evaluates the forces once and describes the run: system, motion, memory, files against the free disk.
  /// - Throws: what `run` would throw before its first step; `FileError` if the files do not fit on the disk.
  public mutating func check() throws -> String {
    try prepare()
    let frame = frame
    let (system, evaluation) = (frame.system, frame.evaluation)
    let (fixed, partly) = (system.fixedAtoms.count, system.partlyFixedAtoms.count)
    let largestForce = evaluation.forces.map(length).max() ?? 0
    // Estimates of what a user asks for are formed in Double, which does not overflow.
    let frames = Double(lastStep / Int64(deck.trajectoryInterval) + 1)
    let lines = Double(lastStep / Int64(deck.logInterval) + 1)
    let origins = try deck.originBytes(of: system, hasCharges: forceField.hasCharges)
    let needed = frames * bytesPerFrame + lines * 120 + 2 * (checkpointBytes + origins)
    let free = freeBytes(at: files.folder)
    var report = [
      "atoms           \(system.count) (\(system.composition))" + (fixed > 0 ? ", \(fixed) fixed" : "")
        + (partly > 0 ? ", \(partly) fixed along one axis or two" : ""),
      "cell            " + system.cellDescription,
      "energy          " + String(format: "%.6f eV", evaluation.energy),
      "largest force   " + String(format: "%.3f eV/Angstrom", largestForce),
    ]
    if let bricks = forceField.ranks?.bricks() { report.append("division        " + bricks) }
    if deck.kind == .run {
      report.append("temperature     " + String(format: "%.1f K at the start", frame.temperature))
    }
    if deck.barostat != nil || deck.minimization?.cell != nil {
      report.append(
        "pressure        "
          + String(format: "%.0f bar at the start", system.pressure(potential: evaluation.stress) * Units.bar)
      )
    }
    report.append(deck.motionDescription)
    if let band = motion as? NudgedElasticBand {
      let forces = band.endForces.map { String(format: "%.3g", $0) }.joined(separator: " and ")
      let areToBeMinimized = band.endForces.contains { $0 > band.settings.tolerance }
      report.append(
        "ends            largest forces \(forces) eV/Angstrom" + (areToBeMinimized ? ": minimised first" : "")
      )
    }
    report += [
      "memory          \(bytes(Double(peakMemory()) + origins)) (measured at one evaluation of the forces"
        + (origins > 0 ? ", and \(bytes(origins)) of time origins of `analysis`)" : ")"),
      "trajectory      \(String(format: "%.0f", frames)) frames of \(bytes(bytesPerFrame)): "
        + bytes(frames * bytesPerFrame),
      "output          \(bytes(needed)) in \(files.folder)" + (free.map { ", \(bytes($0)) free" } ?? ""),
    ]
    if let free, needed > free {
      throw FileError(
        file: files.folder, "the run needs \(bytes(needed)), the disk has \(bytes(free)) free",
        help: "write frames less often (`trajectory.every`) or choose another folder")
    }
    report += notices.map(\.description)
    let isAllWell = !notices.contains(where: \.isWarning)
    report.append(
      "\(isAllWell ? "All is well" : "It can run, with the warnings above"): \(Release.command) \(deck.kind.command) \(shellQuoted(deck.file))"
    )
    return report.joined(separator: "\n")
  }

  /// Positions, and what else the deck asks for, of one frame.
  private var bytesPerFrame: Double {
    let vectors = 1 + (deck.writesVelocities ? 1 : 0) + (deck.writesForces ? 1 : 0)
    let scalars = 3 * vectors + (deck.writesCharges ? 1 : 0) + (deck.models.count > 1 ? 1 : 0)
    let size = deck.framePrecision == .single ? 4 : 8
    return Double(system.count) * Double(scalars * size + 4) + 200
  }

  /// Positions, velocities and neighbour-list positions in double precision, and a few kilobytes of names.
  private var checkpointBytes: Double { Double(system.count) * Double(9 * 8 + 24) + 20_000 }
}

extension AtomicSystem {
  /// `O8 H16`
  var composition: String {
    Dictionary(grouping: atomicNumbers) { $0 }.sorted { $0.key > $1.key }
      .map { "\(Elements.symbol($0.key) ?? "?")\($0.value.count)" }.joined(separator: " ")
  }

  var cellDescription: String {
    let axes = (0..<3).filter { cell.isPeriodic[$0] }
    guard !axes.isEmpty else { return "none: an isolated cluster" }
    let lengths = axes.map { String(format: "%.4f", length(cell.vectors[$0])) }.joined(separator: " x ")
    guard axes.count == 3 else {
      // Along an open axis a vector has a direction at most.
      let names = axes.map { ["a", "b", "c"][$0] }.joined(separator: " and ")
      return "\(lengths) Angstrom, periodic along \(names), open otherwise"
    }
    return "\(lengths) Angstrom, \(String(format: "%.3f", cell.volume)) Angstrom^3, "
      + String(format: "%.4f g/cm^3", density)
  }
}

extension Deck {
  /// A line of the report.
  fileprivate var motionDescription: String {
    if let minimization {
      return
        "minimisation    \(minimization.algorithm.rawValue), at most \(steps) steps, until no force is larger than "
        + "\(minimization.force) eV/Angstrom"
        + (minimization.cell.map { "; \($0.coupling.rawValue) cell" } ?? "")
    }
    if let band {
      return
        "band            \(band.images) images between both ends, at most \(steps) steps, until no force is larger than "
        + "\(band.force) eV/Angstrom"
    }
    let timestep = timestep ?? 0
    return "run             \(steps) steps of \(timestep) fs: "
      + String(format: "%.3f ps, ", Double(steps) * timestep * 1e-3) + ensembleDescription
  }

  private var ensembleDescription: String {
    let thermostatted: String? =
      switch thermostat {
      case nil: nil
      case .noseHoover(let tau, let chain): "Nose-Hoover chain of \(chain), tau \(tau) fs"
      case .langevin(let friction): "Langevin with friction \(friction * 1e3) 1/ps"
      }
    return ([ensemble?.rawValue.uppercased(), thermostatted, barostat?.description].compactMap { $0 })
      .joined(separator: ", ")
  }
}

extension Deck.Barostat: CustomStringConvertible {
  public var description: String {
    switch type {
    case .martynaTobiasKlein: "\(coupling.rawValue) Martyna-Tobias-Klein barostat, tau \(tau) fs"
    case .rescaling:
      "\(coupling.rawValue) stochastic cell rescaling, tau \(tau) fs, compressibility "
        + String(format: "%g 1/bar", compressibility / Units.bar)
    }
  }
}

/// `1.5 MB`
func bytes(_ count: Double) -> String {
  let units = ["bytes", "kB", "MB", "GB", "TB", "PB", "EB"]
  var value = count
  var unit = 0
  while value >= 1000, unit < units.count - 1 {
    value /= 1000
    unit += 1
  }
  return String(format: unit == 0 ? "%.0f " : "%.1f ", value) + units[unit]
}

/// Largest resident memory of this process so far, in bytes.
func peakMemory() -> Int {
  var usage = rusage()
  #if os(macOS)
    getrusage(RUSAGE_SELF, &usage)
    return usage.ru_maxrss
  #else
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
  #endif
}

/// Bytes that a user may still write to the disk of `folder`, or of the nearest folder above it that exists.
func freeBytes(at folder: String) -> Double? {
  var url = URL(fileURLWithPath: folder)
  while !FileManager.default.fileExists(atPath: url.path), url.path != "/" { url.deleteLastPathComponent() }
  var status = statvfs()
  guard statvfs(url.path, &status) == 0 else { return nil }
  return Double(status.f_bavail) * Double(status.f_frsize)
}
