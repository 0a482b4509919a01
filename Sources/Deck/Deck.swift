// A run as its user describes it. Every key is declared once, in `init(reading:)`.

import Foundation

/// The keys of a run, in Bloch's internal units (fs, K, 1/fs); paths are absolute.
public struct Deck: Sendable {
  public enum Precision: String, CaseIterable, Sendable { case mixed, double }
  public enum Ensemble: String, CaseIterable, Sendable { case nve, nvt }
  public enum Velocities: String, CaseIterable, Sendable {
    case maxwellBoltzmann = "maxwell-boltzmann"
    case structure
  }
  public enum FramePrecision: String, CaseIterable, Sendable { case single, double }

  public enum Thermostat: Sendable, Hashable {
    /// Time constant in fs and number of thermostats in the chain.
    case noseHoover(tau: Double, chain: Int)
    /// Friction in 1/fs.
    case langevin(friction: Double)
  }
  private enum ThermostatType: String, CaseIterable { case noseHoover = "nose-hoover", langevin }

  /// Target temperature in K: `start` at step 0, changing linearly to `end` at step `steps`, constant from
  /// there.
  public struct TemperatureSchedule: Sendable, Hashable {
    public let start: Double
    public let end: Double
    public let steps: Int
  }

  /// Beyond any run; sums and products of steps stay far from overflow.
  public static let mostSteps = 1_000_000_000_000

  public let structure: String
  public let replicate: [Int]
  public let model: String
  public let precision: Precision
  public let ensemble: Ensemble
  /// Nil when nothing in the run asks for a temperature.
  public let temperature: TemperatureSchedule?
  /// Nil for `nve`.
  public let thermostat: Thermostat?
  public let timestep: Double
  public let steps: Int
  public let velocities: Velocities
  /// Atoms that do not move, numbered from 1 as in the structure file.
  public let fixed: [ClosedRange<Int>]
  public let seed: UInt64
  /// Steps between frames of the trajectory, lines of the log, and checkpoints.
  public let trajectoryInterval: Int
  public let logInterval: Int
  public let checkpointInterval: Int
  public let writesVelocities: Bool
  public let writesForces: Bool
  public let framePrecision: FramePrecision
  public let outputFolder: String
  public let outputName: String
  public let threads: Int

  /// The deck with every default written out and paths absolute; it reads back as the same deck.
  public let resolvedText: String
  private let source: SourceText
  private let spans: [String: SourceSpan]

  init(reading read: inout DeckReader) {
    // What moves, and by which forces
    structure = read.path(
      "structure", takes: "a file", help: "Extended XYZ file with the atoms and their cell.")
    replicate = read.counts(
      "replicate", length: 3, 1...1000, default: "[1, 1, 1]",
      help: "Copies of the structure along its three lattice vectors.")
    model = read.path("model", takes: "a file", help: "LR-MACE model file.")
    precision = read.choice(
      "precision", default: "mixed",
      help: "`mixed`: network in single precision, energies and motion in double; `double`: all in double.")
    fixed = read.atoms("fixed", help: "Atoms that do not move, numbered from 1 as in the structure file.")

    // How it moves
    ensemble = read.choice("ensemble", help: "`nve` keeps the energy, `nvt` the temperature.")
    timestep = read.quantity("timestep", .time, 1e-3...100, help: "Length of one step.")
    steps = read.count("steps", 0...Self.mostSteps, help: "Number of steps.")
    velocities = read.choice(
      "velocities", default: "maxwell-boltzmann",
      help: "Drawn at the temperature, total momentum removed; or those of the structure file.")
    temperature = read.temperatureSchedule(
      "temperature", steps: steps, timestep: timestep,
      excluded: ensemble == .nve && velocities == .structure
        ? "`nve` started from the structure's velocities follows no temperature" : nil,
      mayChange: ensemble == .nvt)

    let noThermostat = ensemble == .nve ? "`nve` keeps the energy and takes no thermostat" : nil
    let type: ThermostatType = read.choice(
      "thermostat.type", default: "nose-hoover", excluded: noThermostat,
      help: "Nose-Hoover chain (smooth, deterministic) or Langevin (BAOAB; robust, stochastic).")
    let tau = read.quantity(
      "thermostat.tau", .time, 1e-2...1e9, default: "100 fs",
      excluded: noThermostat ?? (type == .langevin ? "`langevin` takes `friction`" : nil),
      help: "Nose-Hoover's time constant.")
    let chain = read.count(
      "thermostat.chain", 1...20, default: "3",
      excluded: noThermostat ?? (type == .langevin ? "`langevin` has no chain" : nil),
      help: "Nose-Hoover's number of thermostats.")
    let friction = read.quantity(
      "thermostat.friction", .rate, 1e-9...10, default: "1 1/ps",
      excluded: noThermostat ?? (type == .noseHoover ? "`nose-hoover` takes `tau`" : nil),
      help: "Langevin's friction.")
    thermostat =
      switch (ensemble, type) {
      case (.nve, _): nil
      case (.nvt, .noseHoover): .noseHoover(tau: tau, chain: chain)
      case (.nvt, .langevin): .langevin(friction: friction)
      }
    seed = UInt64(
      read.count("seed", 0...Int.max, default: "1", help: "Start of the random numbers: same seed, same run.")
    )

    // What is written
    trajectoryInterval = read.interval(
      "trajectory.every", timestep: timestep, default: "100 steps", help: "Interval between frames.")
    writesVelocities = read.flag("trajectory.velocities", default: "true", help: "Write velocities.")
    writesForces = read.flag("trajectory.forces", default: "false", help: "Write forces.")
    framePrecision = read.choice("trajectory.precision", default: "single", help: "Precision of the frames.")
    logInterval = read.interval(
      "log.every", timestep: timestep, default: "10 steps", help: "Interval between lines of the log.")
    checkpointInterval = read.interval(
      "checkpoint.every", timestep: timestep, default: "1000 steps", help: "Interval between checkpoints.")
    outputFolder = read.path(
      "output.folder", takes: "a folder", default: FileManager.default.currentDirectoryPath,
      defaultInWords: "the current folder", help: "Where the files go.")
    outputName = read.fileName(
      "output.name",
      default: URL(fileURLWithPath: read.source.file).deletingPathExtension().lastPathComponent,
      defaultInWords: "the deck's name", help: "What their names begin with.")
    threads = read.count(
      "threads", 1...1024, default: "\(ProcessInfo.processInfo.activeProcessorCount)",
      defaultInWords: "all processors", help: "Threads; a run repeats bit for bit with the same number.")

    source = read.source
    spans = read.entries.mapValues(\.value)
    resolvedText = read.resolvedText
  }

  /// The name of the file, as messages give it.
  public var file: String { source.file }

  /// A mistake in the value of `key` that shows only when the deck is put to work, such as a file that is
  /// missing.
  public func error(at key: String, _ message: String, help: String? = nil) -> DeckError {
    DeckError([Diagnostic(source: source, span: spans[key], message: message, help: help)])
  }
}

extension DeckReader {
  /// A constant temperature (`300 K`), or a group for one that changes linearly.
  fileprivate mutating func temperatureSchedule(
    _ path: String, steps: Int, timestep: Double, excluded: String?, mayChange: Bool
  ) -> Deck.TemperatureSchedule? {
    let range = 1e-3...1e5
    let isRamp = isGroup(path)
    let constant = quantity(
      path, .temperature, range, excluded: excluded, isGroup: isRamp,
      help: "Target temperature; a group of `from`, `to` and `over` makes it change.")
    let notChanging = excluded ?? (isRamp ? nil : "the temperature is constant")
    if isRamp, excluded == nil, !mayChange {
      report(
        Mistake(
          message: "`nve` cannot follow a changing temperature",
          help: "write `\(path): 300 K` for the first velocities, or `ensemble: nvt`"),
        at: entries[path]?.key)
    }
    let start = quantity(
      "\(path).from", .temperature, range, excluded: notChanging, help: "Temperature at the first step.")
    let end = quantity(
      "\(path).to", .temperature, range, excluded: notChanging, help: "Temperature at the end.")
    let over = interval(
      "\(path).over", timestep: timestep, default: "\(max(steps, 1)) steps", defaultInWords: "the whole run",
      excluded: notChanging, help: "Time from the first temperature to the last.")
    if excluded != nil { return nil }
    return isRamp
      ? .init(start: start, end: end, steps: over) : .init(start: constant, end: constant, steps: 1)
  }
}
