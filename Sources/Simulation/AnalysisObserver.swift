// Analyses while a run goes on: the accumulators of `bloch analyze` and the files that it writes, made anew at every checkpoint
// and at the end. A frame is seen as the trajectory stores it, so that `bloch analyze` of the same frames finds the same bits.

import Analysis
import Deck
import Dynamics
import Foundation
import Lattice
import Trajectory

final class AnalysisObserver: Observer {
  let name = "analysis"
  let interval: Int
  private let settings: AnalysisSettings
  private let skip: Double
  private let observables: [Observable]
  private let options: H5MDOptions
  private let files: OutputFiles
  /// What the analysis began with; nil until there was a frame.
  private var first: TrajectoryFrame?
  private var analysis: RunningAnalysis?

  /// Nil for a deck without analyses.
  init?(_ deck: Deck, _ files: OutputFiles, cell: Cell) {
    guard let analyses = deck.analyses else { return nil }
    interval = analyses.interval
    skip = analyses.skip
    settings = AnalysisSettings(analyses, of: deck)
    observables = deck.observables(in: cell)
    options = deck.trajectoryOptions
    self.files = files
  }

  func observe(_ frame: Frame) throws {
    guard let time = frame.time, time >= skip - FrameSelection.tolerance else { return }
    let values = zip(observables.map(\.name), observables.values(of: frame)).filter { !$0.1.isNaN }
    let seen = TrajectoryFrame(
      time: options.stored(time: time), system: options.stored(frame.system), hasVelocities: true,
      charges: frame.evaluation.charges.map(options.stored(charges:)),
      observables: Dictionary(values) { $1 })
    if analysis == nil { try begin(seen) }
    try analysis?.add([seen])
  }

  private func begin(_ frame: TrajectoryFrame) throws {
    first = frame
    let units = Dictionary(observables.map { ($0.name, $0.unit) }) { $1 }
    analysis = try RunningAnalysis(first: frame, settings, units: units)
  }

  // MARK: - Checkpoints

  func state() throws -> StateTree? {
    try write()
    guard let first, let analysis else { return [:] }
    return ["first": .group(first.state), "sums": .group(analysis.state)]
  }

  /// - Throws: `StateError`.
  func restore(_ state: StateTree) throws {
    guard !state.values.isEmpty else { return }
    try state.read { state in
      let (frame, sums) = try (state.group("first"), state.group("sums"))
      do { try begin(StateError.inside("first") { try TrajectoryFrame(frame) }) } catch let error
        as LatticeError
      {
        throw StateError("first", "\(error)")
      }
      try StateError.inside("sums") { try analysis?.restore(sums) }
    }
  }

  // MARK: - Files

  private func write() throws {
    guard let analysis else { return }
    _ = try analysis.analysis(of: files.trajectory).write(
      to: files.folder, named: files.name, overwrite: true)
  }

  func close() throws { try write() }
}

extension TrajectoryFrame {
  fileprivate var state: StateTree {
    [
      "time": .numbers([time ?? .nan]), "system": .group(system.state), "charges": .numbers(charges ?? []),
      "observables": .group(StateTree(observables.mapValues { .numbers([$0]) })),
    ]
  }

  /// - Throws: `StateError`.
  fileprivate init(_ state: StateTree) throws {
    self = try state.read { state in
      let time = try state.number("time")
      let group = try state.group("system")
      let system = try StateError.inside("system") { try AtomicSystem(group) }
      let charges = try state.numbers("charges")
      guard charges.isEmpty || charges.count == system.count else {
        throw StateError("charges", "holds \(charges.count) values, not \(system.count)")
      }
      let observables = try state.readGroup("observables") { group in
        try group.rest().mapValues { value in
          guard case .numbers(let values) = value, values.count == 1 else {
            throw StateError("observables", "holds more than one number of a name")
          }
          return values[0]
        }
      }
      return TrajectoryFrame(
        time: time, system: system, hasVelocities: true, charges: charges.isEmpty ? nil : charges,
        observables: observables)
    }
  }
}

// MARK: - Decks

extension AnalysisSettings {
  /// What cannot be computed of the frames so far is left out, with a word in the JSON: a run does not end for it.
  init(_ analyses: Deck.Analyses, of deck: Deck) {
    self.init()
    quantities = analyses.quantities.compactMap { Quantity(rawValue: $0.rawValue) }
    insists = false
    if !analyses.charges.isEmpty { charges = .elements(analyses.charges) }
    if !analyses.pairs.isEmpty { pairs = analyses.pairs.map { ($0[0], $0[1]) } }
    (reach, shell, slice) = (analyses.reach, analyses.shell, analyses.slice)
    axis = Axis(rawValue: analyses.axis.rawValue) ?? axis
    if !analyses.donors.isEmpty { hydrogenBonds.donors = Set(analyses.donors) }
    if !analyses.acceptors.isEmpty { hydrogenBonds.acceptors = Set(analyses.acceptors) }
    (hydrogenBonds.distance, hydrogenBonds.angle) = (analyses.bondDistance, analyses.bondAngle)
    (largestWavevector, longestLag) = (analyses.largestWavevector, analyses.longestLag)
    (fit, viscosity, temperature) = (analyses.fit, analyses.viscosity, analyses.temperature)
    schedule = deck.frameSchedule(analyses)
    threads = deck.threads
  }
}

extension Deck {
  /// `files` with those of the deck's analyses.
  func outputFiles(_ files: OutputFiles) -> OutputFiles {
    var files = files
    if let analyses {
      let tables = analyses.quantities.compactMap { Quantity(rawValue: $0.rawValue) }.flatMap(\.tables)
      files.analysisEndings = ["analysis.json", "numbers.tsv"] + tables.map { "\($0).tsv" }
    }
    return files
  }

  /// Numbers that a checkpoint may hold of all frames; beyond, it would take longer to write than the steps between two.
  private static let mostNumbers = 1e7

  /// From the first frame that is analysed to the last step, in fs.
  fileprivate func analysedTime(_ analyses: Analyses) -> Double {
    max(0, Double(steps) * (timestep ?? 1) - analyses.skip)
  }

  /// The frames that a run analyses.
  fileprivate func frameSchedule(_ analyses: Analyses) -> FrameSchedule {
    let interval = Double(analyses.interval) * (timestep ?? 1)
    return FrameSchedule(
      interval: interval, frames: Int(analysedTime(analyses) / interval) + 1, origins: analyses.origins)
  }

  /// Memory for the frames from which a run of `system` counts time, in bytes.
  func originBytes(of system: AtomicSystem, hasCharges: Bool) throws -> Double {
    guard let analyses else { return 0 }
    return try analysis(analyses, of: system, hasCharges: hasCharges).originBytes
  }

  private func analysis(_ analyses: Analyses, of system: AtomicSystem, hasCharges: Bool) throws
    -> RunningAnalysis
  {
    var settings = AnalysisSettings(analyses, of: self)
    settings.insists = true
    let observables = observables(in: system.cell).map { ($0.name, 0.0) }
    return try RunningAnalysis(
      first: TrajectoryFrame(
        time: 0, system: system, hasVelocities: true,
        charges: hasCharges ? system.masses.map { _ in 0 } : nil,
        observables: Dictionary(observables) { $1 }),
      settings, units: [:])
  }

  /// - Throws: `DeckError` at `analysis` where a run of `system` lacks what a quantity takes, or is too short for it.
  func requireAnalyses(of system: AtomicSystem, hasCharges: Bool) throws {
    guard let analyses else { return }
    try requireLags(analyses)
    do { _ = try analysis(analyses, of: system, hasCharges: hasCharges) } catch let error as AnalysisError {
      let diagnostic = error.diagnostics[0]
      throw self.error(
        at: "analysis.quantities", diagnostic.message, help: diagnostic.help.map(Self.inDecksWords))
    }
    let perFrame = Double(analyses.quantities.reduce(0) { $0 + $1.numbersPerFrame })
    let frames = Double(steps / analyses.interval)
    guard perFrame * frames <= Self.mostNumbers else {
      throw self.error(
        at: "analysis.every", or: ["analysis.quantities"],
        "a checkpoint would hold \(Int(perFrame)) numbers of each of \(Int(frames)) frames",
        help:
          "analyse frames less often: every \(Int((Double(steps) * perFrame / Self.mostNumbers).rounded(.up))) steps or more"
      )
    }
  }

  /// - Throws: `DeckError` at a time that is longer than what the run analyses, or than a fifth of it for a fit.
  private func requireLags(_ analyses: Analyses) throws {
    let time = analysedTime(analyses)
    func words(_ time: Double) -> String { String(format: "%.6g ps", time * 1e-3) }
    let schedule = frameSchedule(analyses)
    // As `bloch analyze` has it.
    let fifth = Double(schedule.frames / 5)
    if let fit = analyses.fit, (fit.upperBound / schedule.interval).rounded() >= fifth {
      throw error(
        at: "analysis.fit",
        "the fit of D ends at \(words(fit.upperBound)), and a fifth of the frames reaches \(words(max(0, fifth - 1) * schedule.interval))",
        help: "name two shorter times, or run longer")
    }
    if let lag = analyses.longestLag, analyses.quantities.contains(.vacf), lag >= time {
      throw error(
        at: "analysis.max_lag", "\(words(lag)) is longer than the \(words(time)) that the run analyses",
        help: "name a shorter time, or run longer")
    }
  }

  /// `--k-max` of the command line as `analysis.k_max`.
  private static func inDecksWords(_ help: String) -> String {
    help.replacing(/--([a-z][a-z-]*)/) { "`analysis.\($0.1.replacingOccurrences(of: "-", with: "_"))`" }
  }
}

extension Deck.FollowedQuantity {
  /// That a checkpoint holds of every frame, the time included; of the others sums alone.
  fileprivate var numbersPerFrame: Int {
    switch self {
    case .rdf, .msd, .vacf, .profile, .chi, .sk: 1
    case .hbonds: 2
    case .dipole: 6
    case .viscosity: 8
    case .cell: 10
    case .means: 12
    }
  }
}
