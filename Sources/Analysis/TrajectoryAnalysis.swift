// One pass over the frames for all quantities.

import Diagnostics
import Foundation

/// What an analysis of a trajectory has found.
public struct TrajectoryAnalysis: Sendable, Codable {
  public let file: String
  public let atoms: Int
  public let frames: Int
  /// Of the first and the last frame, in ps.
  public let start: Double?
  public let end: Double?
  /// In K, of the response functions.
  public let temperature: Double?
  public let findings: [Findings]
  /// Quantities that were left out, and why.
  public let leftOut: [String]

  /// Frames that are read before they are worked out together, for each thread.
  private static let framesPerThread = 16

  /// Reads `source` to its end.
  /// - Throws: what the reader throws; `AnalysisError` where nothing can be done, or not what `settings` names.
  public init(of source: FrameSource, _ settings: AnalysisSettings) throws {
    do { try self.init(reading: source, settings) } catch let error as AnalysisError {
      throw error.about(source.path)
    }
  }

  private init(reading source: FrameSource, _ settings: AnalysisSettings) throws {
    guard let first = try source.next() else { throw AnalysisError.noFrames }
    let composition = Composition(first)
    var leftOut: [String] = []
    var accumulators: [any Accumulator] = []
    /// What a person has asked for by name must not be left out.
    func attempt<Result>(_ quantity: Quantity, _ body: () throws -> Result) throws -> Result? {
      do { return try body() } catch let error as AnalysisError where settings.quantities == nil {
        leftOut.append("\(quantity.rawValue): \(error.reason)")
        return nil
      }
    }
    var names: [Quantity] = []
    for quantity in settings.quantities ?? Quantity.allCases {
      let made = try attempt(quantity) {
        try quantity.accumulator(composition, settings, units: source.units, frames: source.frameCount)
      }
      guard let made else { continue }
      accumulators.append(made)
      names.append(quantity)
    }
    var times: [Double?] = []
    var temperatures: [Double] = []
    var frame: TrajectoryFrame? = first
    while frame != nil {
      var batch: [TrajectoryFrame] = []
      while let next = frame {
        batch.append(next)
        times.append(next.time)
        if let temperature = next.observables["temperature"] { temperatures.append(temperature) }
        frame = try source.next()
        if batch.count == Self.framesPerThread * settings.threads { break }
      }
      for n in accumulators.indices { try accumulators[n].absorb(batch, threads: settings.threads) }
    }
    let mean = temperatures.isEmpty ? nil : temperatures.reduce(0, +) / Double(temperatures.count)
    let conditions = Conditions(
      times: times, temperature: settings.temperature ?? mean, threads: settings.threads)
    findings = try zip(names, accumulators).compactMap { name, accumulator in
      try attempt(name) { try accumulator.findings(conditions) }
    }
    file = source.path
    atoms = composition.atomCount
    frames = times.count
    start = times.first.flatMap { $0 }.map { $0 * 1e-3 }
    end = times.last.flatMap { $0 }.map { $0 * 1e-3 }
    temperature = conditions.temperature
    self.leftOut = leftOut
  }

  public subscript(quantity: Quantity) -> Findings? { findings.first { $0.quantity == quantity.rawValue } }

  // MARK: - Words

  /// How errors were found, for the end of every output.
  public static let words =
    "Errors are one standard error: of means by blocks (Flyvbjerg and Petersen), of curves by blocks point by point, of fluctuations "
    + "by the jackknife over ten blocks; n_eff = samples worth, tau = autocorrelation time."

  public var text: String {
    var lines = ["\(frames) frames of \(atoms) atoms" + span]
    for finding in findings { lines += ["", finding.text] }
    if !leftOut.isEmpty { lines += ["", "Left out"] + leftOut.map { "  " + $0 } }
    return (lines + ["", Self.words]).joined(separator: "\n")
  }

  private var span: String {
    guard let start, let end else { return "" }
    return String(format: " from %.6g to %.6g ps", start, end)
  }

  /// Every number and every curve.
  public var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
  }

  /// Numbers of all quantities as one table of text.
  public var numbersTSV: String {
    func word(_ value: Double?) -> String { value.map { "\($0)" } ?? "nan" }
    var lines = ["# quantity\tname\tunit\tvalue\terror\tcorrelation_time [fs]\teffective_samples\tnote"]
    for finding in findings {
      for n in finding.numbers {
        lines.append(
          [
            finding.quantity, n.name, n.unit, word(n.value), word(n.error), word(n.correlationTime),
            word(n.effectiveSamples), n.note ?? "",
          ].joined(separator: "\t"))
      }
    }
    return lines.joined(separator: "\n") + "\n"
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
      try MeanSquareDisplacement(
        composition, frames: frames, fit: settings.fit, viscosity: settings.viscosity)
    case .vacf: try VelocityAutocorrelation(composition, frames: frames, longest: settings.longestLag)
    case .profile: try DensityProfile(composition, axis: settings.axis, width: settings.slice)
    case .hbonds: try HydrogenBonds(composition)
    case .dipole: try DipoleMoment(composition, charges: settings.charges)
    case .chi:
      try LongitudinalSusceptibility(
        composition, charges: settings.charges, largest: settings.largestWavevector)
    case .sk: try StructureFactor(composition, largest: settings.largestWavevector)
    case .cell: try CellFluctuations(composition)
    }
  }
}
