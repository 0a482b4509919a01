// What an analysis of a trajectory has found: one pass over its frames for all quantities.

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
    var analysis = try RunningAnalysis(
      first: first, settings, units: source.units, frames: source.frameCount)
    var batch = [first]
    while !batch.isEmpty {
      while batch.count < Self.framesPerThread * settings.threads, let next = try source.next() {
        batch.append(next)
      }
      try analysis.add(batch)
      batch = try source.next().map { [$0] } ?? []
    }
    self = try analysis.analysis(of: source.path)
  }

  init(
    file: String, atoms: Int, frames: Int, start: Double?, end: Double?, temperature: Double?,
    findings: [Findings], leftOut: [String]
  ) {
    (self.file, self.atoms, self.frames, self.start, self.end) = (file, atoms, frames, start, end)
    (self.temperature, self.findings, self.leftOut) = (temperature, findings, leftOut)
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
