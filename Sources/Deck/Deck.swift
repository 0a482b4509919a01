// A run as its user describes it. Every key is declared once, in `init(reading:)`.

import Diagnostics
import Foundation

/// The keys of a run, in Bloch's internal units (fs, K, 1/fs); paths are absolute.
public struct Deck: Sendable {
  public enum Precision: String, CaseIterable, Sendable { case mixed, double }
  public enum Ensemble: String, CaseIterable, Sendable {
    case nve, nvt, npt, nph

    var hasThermostat: Bool { self == .nvt || self == .npt }
    var hasBarostat: Bool { self == .npt || self == .nph }
  }
  public enum Velocities: String, CaseIterable, Sendable {
    case maxwellBoltzmann = "maxwell-boltzmann"
    case structure, rest
  }
  public enum FramePrecision: String, CaseIterable, Sendable { case single, double }

  /// Spreads of the force on an atom, eV/Angstrom, at which a committee's frames are marked and its run ends; nil for none.
  public struct Committee: Sendable, Hashable {
    public let mark: Double?
    public let stop: Double?
  }

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

  /// Which structure of a file that holds several.
  public enum FrameChoice: Sendable, Hashable, CustomStringConvertible {
    /// From 1.
    case number(Int)
    case last

    init?(_ text: String) {
      if text == "last" {
        self = .last
      } else if let number = Int(text), number >= 1 {
        self = .number(number)
      } else {
        return nil
      }
    }

    public var description: String {
      switch self {
      case .number(let number): "\(number)"
      case .last: "last"
      }
    }
  }

  /// Beyond any run; sums and products of steps stay far from overflow.
  public static let mostSteps = 1_000_000_000_000

  /// Those that move atoms and write files; in a service another program does both.
  private static let kindsThatMove = Set(DeckKind.allCases).subtracting([.serve])

  /// What the deck is for.
  public let kind: DeckKind
  public let structure: String
  /// Nil for the only one of the file.
  public let structureFrame: FrameChoice?
  public let replicate: [Int]
  /// One, or those of a committee.
  public let models: [String]
  public let committee: Committee
  public let precision: Precision
  /// Nil where no time passes.
  public let ensemble: Ensemble?
  /// Nil when nothing in the run asks for a temperature.
  public let temperature: TemperatureSchedule?
  /// Nil for `nve` and `nph`.
  public let thermostat: Thermostat?
  /// Nil for `nve` and `nvt`.
  public let barostat: Barostat?
  public let restraints: [Restraint]
  /// Nil where the run analyses nothing.
  public let analyses: Analyses?
  /// Nil but in a minimisation.
  public let minimization: Minimization?
  /// Nil but in a deck with a band of images.
  public let band: Band?
  /// Nil but in a deck of normal modes.
  public let modes: Modes?
  /// Nil but in a deck of forces for another program.
  public let service: Service?
  /// Nil where no time passes.
  public let timestep: Double?
  /// The last step, or the last that may be.
  public let steps: Int
  public let velocities: Velocities
  /// Atoms that do not move, numbered from 1 as in the structure file.
  public let fixed: [ClosedRange<Int>]
  /// In u by atomic number, in the place of those of the structure.
  public let masses: [Int: Double]
  /// Steps after which the motion of the whole is taken out; nil for never.
  public let driftInterval: Int?
  public let seed: UInt64
  /// Steps between frames of the trajectory, lines of the log, and checkpoints.
  public let trajectoryInterval: Int
  public let logInterval: Int
  /// Whether log and trajectory have the pressure tensor of a run in any case.
  public let followsPressureTensor: Bool
  public let checkpointInterval: Int
  public let writesVelocities: Bool
  public let writesForces: Bool
  public let writesCharges: Bool
  public let framePrecision: FramePrecision
  public let outputFolder: String
  public let outputName: String
  public let threads: Int
  public let grid: BrickChoice

  /// Whether the barostat takes the compressibility of water for want of another.
  public let leavesCompressibilityOpen: Bool
  /// Whether the default thermostat, and the velocities of a run without a temperature, wait for the structure; until
  /// `with` gives them they are those of a large system without velocities.
  public let leavesThermostatOpen: Bool
  public let leavesVelocitiesOpen: Bool

  /// Free clusters of fewer atoms are thermostatted by Langevin dynamics unless the deck says otherwise. Nothing there
  /// but anharmonicity moves heat between the modes of a Nose-Hoover chain, and the angular momentum never turns.
  public static let smallCluster = 100

  /// The deck with every default written out and paths absolute; it reads back as the same deck.
  public let resolvedText: String
  private let folder: URL
  private let overrides: [String: DeckValue]
  private let source: SourceText
  private let spans: [String: SourceSpan]

  init(reading read: inout DeckReader) {
    let isRun = read.kind == .run
    kind = read.kind
    // What moves, and by which forces
    (structure, structureFrame) = read.structureFile(
      "structure",
      help: "Atoms and their cell: extended XYZ, POSCAR, PDB, CIF or LAMMPS data, also packed by gzip.")
    replicate = read.counts(
      "replicate", length: 3, 1...1000, default: "[1, 1, 1]",
      help: "Copies of the structure along its three lattice vectors.")
    models = read.paths(
      "model", takes: "a file, or a list of files",
      help: "LR-MACE model file; of several, a committee, the mean moves the atoms.")
    let noCommittee = models.count > 1 || !read.isGiven("model") ? nil : "there is one model"
    read.section = [.run]
    let force = 1e-6...1e3
    committee = Committee(
      mark: read.optionalQuantity(
        "committee.mark", .force, force, condition: "with several models", excluded: noCommittee,
        help:
          "Frames in which the models' forces on an atom spread by more are marked in log and trajectory, and told."
      ),
      stop: read.optionalQuantity(
        "committee.stop", .force, force, condition: "with several models", excluded: noCommittee,
        help: "A run ends at the first logged frame in which they spread by more."))
    read.section = Set(DeckKind.allCases)
    precision = read.choice(
      "precision", default: isRun ? "mixed" : "double",
      help: "`mixed`: network in single precision, energies and motion in double; `double`: all in double.")
    read.section = Self.kindsThatMove
    fixed = read.atoms("fixed", help: "Atoms that do not move, numbered from 1 as in the structure file.")
    read.section = [.run, .modes]
    masses = Dictionary(
      read.elementQuantities(
        "masses", .mass, 1e-3...1e6, example: "H: 2.014 u",
        help: "Masses by element, in the place of those of the structure: isotopes, heavy hydrogen."
      ).map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
    read.section = Set(DeckKind.allCases)

    minimization = read.minimization()
    band = read.band()
    modes = read.modes()
    service = read.service()

    // How it moves
    read.section = [.run]
    let ensemble: Ensemble = read.choice(
      "ensemble",
      help:
        "`nve` keeps the energy, `nvt` the temperature, `npt` that and the pressure, `nph` enthalpy and pressure."
    )
    let timestep = read.quantity("timestep", .time, 1e-3...100, help: "Length of one step.")
    read.section = [.run, .minimization, .band]
    steps = read.count(
      "steps", 0...Self.mostSteps, default: isRun ? nil : "1000",
      help: isRun ? "Number of steps." : "Number of steps after which it ends in any case.")
    read.section = [.run]
    let isWithoutTemperature = isRun && ensemble == .nve && !read.isGiven("temperature")
    leavesVelocitiesOpen = isWithoutTemperature && !read.isGiven("velocities")
    velocities = read.choice(
      "velocities", default: isWithoutTemperature ? "rest" : "maxwell-boltzmann",
      defaultInWords:
        "maxwell-boltzmann; in `nve` without a temperature `structure`, or `rest` if it has none",
      help: "Drawn at the temperature, total momentum removed; those of the structure file; or none.")
    let coldStart: [Velocities: String] = [.structure: "from the structure's velocities", .rest: "at rest"]
    temperature = read.temperatureSchedule(
      "temperature", steps: steps, timestep: timestep,
      excluded: ensemble == .nve
        ? coldStart[velocities].map { "`nve` that starts \($0) follows no temperature" } : nil,
      ensemble: ensemble)
    barostat = read.barostat(ensemble: ensemble, steps: steps, timestep: timestep)
    leavesCompressibilityOpen =
      barostat?.type == .rescaling && !read.isGiven("barostat.compressibility")

    let noThermostat: String? =
      switch ensemble {
      case .nve: "`nve` keeps the energy and takes no thermostat"
      case .nph: "`nph` keeps the enthalpy and takes no thermostat"
      case .nvt, .npt: nil
      }
    leavesThermostatOpen = isRun && ensemble == .nvt && !read.isGiven("thermostat")
    let isLangevinMeant = read.isGiven("thermostat.friction") && !read.isGiven("thermostat.tau")
    let type: ThermostatType = read.choice(
      "thermostat.type", default: isLangevinMeant ? "langevin" : "nose-hoover",
      defaultInWords: "nose-hoover; langevin for a free cluster of fewer than \(Self.smallCluster) atoms",
      condition: "in `nvt` and `npt`", excluded: noThermostat,
      help: "Nose-Hoover chain (smooth, deterministic) or Langevin (BAOAB; robust, stochastic).")
    if ensemble == .npt, type == .langevin, barostat?.type == .martynaTobiasKlein {
      read.report(
        .init(
          message: "the barostat `mtk` has Nose-Hoover chains of its own and takes no Langevin thermostat",
          help: "write `thermostat: {type: nose-hoover}`, or `barostat: {type: c-rescale}`"),
        at: read.entries["thermostat.type"]?.value ?? read.entries["thermostat.friction"]?.key)
    }
    let tau = read.quantity(
      "thermostat.tau", .time, 1e-2...1e9, default: "100 fs", condition: "with `type: nose-hoover`",
      excluded: noThermostat ?? (type == .langevin ? "`langevin` takes `friction`" : nil),
      help: "Nose-Hoover's time constant.")
    let chain = read.count(
      "thermostat.chain", 1...20, default: "3", condition: "with `type: nose-hoover`",
      excluded: noThermostat ?? (type == .langevin ? "`langevin` has no chain" : nil),
      help: "Nose-Hoover's number of thermostats.")
    let friction = read.quantity(
      "thermostat.friction", .rate, 1e-9...10, default: "1 1/ps", condition: "with `type: langevin`",
      excluded: noThermostat ?? (type == .noseHoover ? "`nose-hoover` takes `tau`" : nil),
      help: "Langevin's friction.")
    thermostat =
      switch type {
      case _ where !isRun || !ensemble.hasThermostat: nil
      case .noseHoover: .noseHoover(tau: tau, chain: chain)
      case .langevin: .langevin(friction: friction)
      }
    seed = UInt64(
      read.count("seed", 0...Int.max, default: "1", help: "Start of the random numbers: same seed, same run.")
    )

    driftInterval = read.optionalInterval(
      "remove_drift", timestep: isRun ? timestep : nil,
      help:
        "Interval at which the centre of mass is brought to rest again; its motion is then no heat (3 degrees of freedom less)."
    )

    self.ensemble = isRun ? ensemble : nil
    self.timestep = isRun ? timestep : nil
    read.section = [.run, .minimization, .band]
    restraints = read.restraints(steps: steps, timestep: self.timestep)

    if driftInterval != nil, restraints.contains(where: { $0.type == .position }) {
      read.report(
        .init(
          message: "a restraint on positions holds the whole: its motion is no drift",
          help: "leave `remove_drift` out"),
        at: read.entries["remove_drift"]?.value)
    }

    // What is written
    read.section = [.run]
    let writesVelocities = read.flag("trajectory.velocities", default: "true", help: "Write velocities.")
    self.writesVelocities = isRun && writesVelocities
    read.section = [.run, .minimization, .band]
    trajectoryInterval = read.interval(
      "trajectory.every", timestep: self.timestep, default: isRun ? "100 steps" : "10 steps",
      help: "Interval between frames.")
    writesForces = read.flag("trajectory.forces", default: "false", help: "Write forces.")
    writesCharges = read.flag(
      "trajectory.charges", default: "false", help: "Write charges, of a model that has charges.")
    framePrecision = read.choice("trajectory.precision", default: "single", help: "Precision of the frames.")
    logInterval = read.interval(
      "log.every", timestep: self.timestep, default: isRun ? "10 steps" : "1 step",
      help: "Interval between lines of the log.")
    let followsPressureTensor = read.flag(
      "log.pressure_tensor", default: "false",
      help:
        "Write the pressure tensor to log and trajectory, as runs with a barostat do: `bloch export` makes the stress of it."
    )
    read.section.insert(.modes)
    checkpointInterval = read.interval(
      "checkpoint.every", timestep: self.timestep, default: isRun ? "1000 steps" : "100 steps",
      help: "Interval between checkpoints" + (kind == .modes ? "; a step is one displacement." : "."))
    read.section = [.run]
    let analyses = read.analyses(timestep: self.timestep, trajectoryInterval: trajectoryInterval)
    self.analyses = isRun ? analyses : nil
    self.followsPressureTensor =
      followsPressureTensor || self.analyses?.quantities.contains(.viscosity) == true
    read.section = Self.kindsThatMove
    (outputFolder, outputName) = read.output()
    read.section = Set(DeckKind.allCases)
    threads = read.threads("a run")
    grid = read.bricks()

    folder = read.folder
    overrides = read.overrides
    source = read.source
    spans = read.entries.mapValues(\.value)
    resolvedText = read.resolvedText
  }

  /// An absolute path as the deck may write it: from its folder where it is in there.
  public func written(_ path: String) -> String {
    let prefix = folder.path + "/"
    return path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path
  }

  /// Reads the deck at `path`.
  /// - Parameters:
  ///   - overrides: values by key (`threads`) that replace the deck's own.
  ///   - kind: what the deck has to be for; nil for anything but a training.
  /// - Throws: `FileError` if there is no readable file, `DeckError` with every mistake found in it.
  public init(path: String, overrides: [String: DeckValue] = [:], as kind: DeckKind? = nil) throws {
    try self.init(
      text: DeckText.contents(of: path), file: path, folder: DeckText.folder(of: path), overrides: overrides,
      as: kind)
  }

  /// Reads a deck from its text.
  /// - Parameters:
  ///   - file: the name that messages give.
  ///   - folder: the folder to which the deck's paths are relative.
  ///   - kind: what the deck has to be for; nil for anything but a training.
  /// - Throws: `DeckError` with every mistake found.
  public init(
    text: String, file: String, folder: String, overrides: [String: DeckValue] = [:], as kind: DeckKind? = nil
  ) throws {
    let kinds = kind.map { [$0] } ?? DeckKind.allCases.filter { $0 != .training }
    self = try DeckText.read(text, file: file, folder: folder, overrides: overrides, as: kinds) {
      Deck(reading: &$0)
    }
  }

  /// The name of the file, as messages give it.
  public var file: String { source.file }

  /// The same deck with `value` for a key that it leaves open.
  /// - Throws: `DeckError`.
  public func with(_ key: String, _ value: String) throws -> Deck {
    try Deck(
      text: source.lines.joined(separator: "\n"), file: file, folder: folder.path,
      overrides: overrides.merging([key: .text(value)]) { $1 })
  }

  /// A mistake in the value of `key` that shows only when the deck is put to work, such as a file that is
  /// missing.
  /// - Parameter others: where to point, in this order, if the deck does not give `key`.
  public func error(at key: String, or others: [String] = [], _ message: String, help: String? = nil)
    -> DeckError
  {
    let span = ([key] + others).lazy.compactMap { spans[$0] }.first
    return source.error(at: span, message, help: help)
  }
}

extension DeckReader {
  /// A constant temperature (`300 K`), or a group for one that changes linearly.
  fileprivate mutating func temperatureSchedule(
    _ path: String, steps: Int, timestep: Double, excluded: String?, ensemble: Deck.Ensemble
  ) -> Deck.TemperatureSchedule? {
    let range = 0...1e5
    let isRamp = isGroup(path)
    let constant = quantity(
      path, .temperature, range, condition: "in `nvt`, `npt` and `nph`, and for velocities that are drawn",
      excluded: excluded, isGroup: isRamp,
      help: "Target temperature; a group of `from`, `to` and `over` makes it change.")
    let notChanging = excluded ?? (isRamp ? nil : "the temperature is constant")
    if isRamp, excluded == nil, !ensemble.hasThermostat {
      report(
        Mistake(
          message: "`\(ensemble)` cannot follow a changing temperature",
          help:
            "write `\(path): 300 K` for the first velocities, or `ensemble: \(ensemble.hasBarostat ? "npt" : "nvt")`"
        ),
        at: entries[path]?.key)
    }
    let start = quantity(
      "\(path).from", .temperature, range, condition: "in a ramp", excluded: notChanging,
      help: "Temperature at the first step.")
    let end = quantity(
      "\(path).to", .temperature, range, condition: "in a ramp", excluded: notChanging,
      help: "Temperature at the end.")
    let over = interval(
      "\(path).over", timestep: timestep, default: "\(max(steps, 1)) steps", defaultInWords: "the whole run",
      condition: "in a ramp", excluded: notChanging, help: "Time from the first temperature to the last.")
    if excluded != nil { return nil }
    return isRamp
      ? .init(start: start, end: end, steps: over) : .init(start: constant, end: constant, steps: 1)
  }
}
