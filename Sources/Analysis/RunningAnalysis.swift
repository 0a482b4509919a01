// Quantities in the making: frames go in one after another, from a file or from a run that makes them, and findings come out at
// any time. What a run has seen so far can go into its checkpoint.

import Kernels
import Lattice

public struct RunningAnalysis {
  public let composition: Composition
  private let settings: AnalysisSettings
  private var parts: [(quantity: Quantity, accumulator: any Accumulator)] = []
  /// Quantities that are left out, and why.
  private var leftOut: [String] = []
  private var times: [Double?] = []
  /// Of the frames that have one, in K.
  private var temperatureSum = 0.0
  private var temperatureCount = 0

  /// Frames that were taken in.
  public var frames: Int { times.count }

  /// Memory for frames that are kept, in bytes.
  public var originBytes: Double {
    parts.reduce(0) { $0 + (($1.accumulator as? any ResumableAccumulator)?.originBytes ?? 0) }
  }

  /// Nothing is taken in yet, not even `first`.
  /// - Parameters:
  ///   - first: the first frame; of it come elements, molecules, bins.
  ///   - units: of the observables, by name.
  ///   - frames: that there will be at most, where that is known.
  /// - Throws: `AnalysisError` where the frame lacks what a quantity takes that `settings` insists on.
  public init(
    first: TrajectoryFrame, _ settings: AnalysisSettings, units: [String: String], frames: Int? = nil
  ) throws {
    composition = Composition(first)
    self.settings = settings
    for quantity in settings.quantities ?? Quantity.allCases {
      let made = try Self.attempt(quantity, settings, &leftOut) { [composition] in
        try quantity.accumulator(composition, settings, units: units, frames: frames)
      }
      if let made { parts.append((quantity, made)) }
    }
  }

  /// What a person insists on must not be left out.
  private static func attempt<Result>(
    _ quantity: Quantity, _ settings: AnalysisSettings, _ leftOut: inout [String], _ body: () throws -> Result
  ) throws -> Result? {
    do { return try body() } catch let error as AnalysisError where !settings.insists {
      leftOut.append("\(quantity.rawValue): \(error.reason)")
      return nil
    }
  }

  /// Takes frames in, in their order.
  public mutating func add(_ frames: [TrajectoryFrame]) throws {
    for frame in frames {
      times.append(frame.time)
      guard let temperature = frame.observables["temperature"] else { continue }
      temperatureSum += temperature
      temperatureCount += 1
    }
    for n in parts.indices { try parts[n].accumulator.absorb(frames, threads: settings.threads) }
  }

  /// What the frames so far come to.
  /// - Parameter file: that holds them, or the run's.
  /// - Throws: `AnalysisError` where they do not suffice for a quantity that the settings insist on.
  public func analysis(of file: String) throws -> TrajectoryAnalysis {
    let mean = temperatureCount == 0 ? nil : temperatureSum / Double(temperatureCount)
    let conditions = Conditions(
      times: times, temperature: settings.temperature ?? mean, threads: settings.threads)
    var leftOut = leftOut
    let findings = try parts.compactMap { quantity, accumulator in
      try Self.attempt(quantity, settings, &leftOut) { try accumulator.findings(conditions) }
    }
    return TrajectoryAnalysis(
      file: file, atoms: composition.atomCount, frames: times.count,
      start: times.first.flatMap { $0 }.map { $0 * 1e-3 }, end: times.last.flatMap { $0 }.map { $0 * 1e-3 },
      temperature: conditions.temperature, findings: findings, leftOut: leftOut)
  }

  // MARK: - In a checkpoint

  /// All that the next frame needs; of quantities that are resumable.
  public var state: StateTree {
    var state: StateTree = [
      "times": .numbers(times.map { $0 ?? .nan }),
      "temperature": .numbers([temperatureSum, Double(temperatureCount)]),
    ]
    for (quantity, accumulator) in parts {
      guard let accumulator = accumulator as? any ResumableAccumulator else { continue }
      state.values[quantity.rawValue] = .group(accumulator.state)
    }
    return state
  }

  /// Goes on where `state` was saved, from the same first frame and settings.
  /// - Throws: `StateError`.
  public mutating func restore(_ state: StateTree) throws {
    try state.read { state in
      let times = try state.numbers("times")
      let temperature = try state.numbers("temperature", count: 2)
      guard (0...Double(times.count)).contains(temperature[1]) else {
        throw StateError("temperature", "was measured in \(temperature[1]) of \(times.count) frames")
      }
      self.times = times.map { $0.isNaN ? nil : $0 }
      (temperatureSum, temperatureCount) = (temperature[0], Int(temperature[1]))
      for n in parts.indices {
        guard var accumulator = parts[n].accumulator as? any ResumableAccumulator else { continue }
        let name = parts[n].quantity.rawValue
        let group = try state.group(name)
        try StateError.inside(name) { try accumulator.restore(group, frames: times.count) }
        parts[n].accumulator = accumulator
      }
    }
  }
}

extension Quantity {
  /// - Throws: `AnalysisError` where the trajectory lacks what it takes.
  fileprivate func accumulator(
    _ composition: Composition, _ settings: AnalysisSettings, units: [String: String], frames: Int?
  ) throws -> any Accumulator {
    switch self {
    case .means: ObservableMeans(composition, units: units)
    case .rdf:
      try RadialDistribution(composition, reach: settings.reach, width: settings.shell, pairs: settings.pairs)
    case .msd:
      if let schedule = settings.schedule {
        try RunningMeanSquareDisplacement(
          composition, schedule, fit: settings.fit, viscosity: settings.viscosity)
      } else {
        try MeanSquareDisplacement(
          composition, frames: frames, fit: settings.fit, viscosity: settings.viscosity)
      }
    case .vacf:
      if let schedule = settings.schedule {
        try RunningVelocityAutocorrelation(composition, schedule, longest: settings.longestLag)
      } else {
        try VelocityAutocorrelation(composition, frames: frames, longest: settings.longestLag)
      }
    case .profile: try DensityProfile(composition, axis: settings.axis, width: settings.slice)
    case .hbonds: try HydrogenBonds(composition, settings.hydrogenBonds)
    case .dipole: try DipoleMoment(composition, charges: settings.charges)
    case .chi:
      try LongitudinalSusceptibility(
        composition, charges: settings.charges, largest: settings.largestWavevector)
    case .sk: try StructureFactor(composition, largest: settings.largestWavevector)
    case .cell: try CellFluctuations(composition)
    case .viscosity: try ShearViscosity(composition, longest: settings.longestLag)
    }
  }
}
