// Self-diffusion from a mean square displacement:
//
//   D = slope of MSD / 6 between two lags, by least squares = sum_m w(m) MSD(m)
//   D_inf = D + xi k_B T / (6 pi eta L),   xi = 2.837297       of a cubic cell (Yeh and Hummer, doi:10.1021/jp0477147)

import Foundation
import Lattice

/// Lags in frames between which an MSD is a line.
struct DiffusionFit: Sendable {
  let lags: ClosedRange<Int>
  /// Between frames, in fs.
  let interval: Double
  /// w(m) in 1e-9 m^2/s to the square Angstrom.
  private let weights: [Double]

  private static let cubicConstant = 2.837297
  /// One Angstrom^2/fs in 1e-9 m^2/s, in which diffusion of liquids is of order one.
  static let nanoSquareMetrePerSecond = 1e4

  /// - Precondition: two lags or more.
  init(lags: ClosedRange<Int>, interval: Double) {
    self.lags = lags
    self.interval = interval
    let times = lags.map { Double($0) * interval }
    let mean = times.reduce(0, +) / Double(times.count)
    let square = times.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    weights = times.map { ($0 - mean) / square / 6 * Self.nanoSquareMetrePerSecond }
  }

  /// The lags nearest to two times in fs, which a user may have chosen: any number.
  static func lags(_ times: ClosedRange<Double>, interval: Double) -> ClosedRange<Int> {
    func lag(_ time: Double) -> Int { Int(min((time / interval).rounded(), Double(TimeOrigins.mostLags))) }
    let first = max(1, lag(times.lowerBound))
    return first...max(first + 1, lag(times.upperBound))
  }

  /// Between a twentieth and a tenth of so many frames.
  init(ofFrames frames: Int, interval: Double) {
    let fifth = min(frames, TimeOrigins.mostLags) / 5
    self.init(lags: max(1, fifth / 4)...max(2, fifth / 2), interval: interval)
  }

  /// w(m); zero outside the fit.
  func weight(_ lag: Int) -> Double { lags.contains(lag) ? weights[lag - lags.lowerBound] : 0 }

  /// D in 1e-9 m^2/s of an MSD in Angstrom^2 that begins at no lag.
  func diffusion(of msd: [Double]) -> Double {
    zip(lags, weights).reduce(0) { $0 + $1.1 * msd[$1.0] }
  }

  /// Of the D of how many stretches of time the error is made.
  static let stretches = 5

  /// The standard error of the mean of D over stretches of time.
  static func error(ofStretches parts: [Double]) -> Double {
    let mean = parts.reduce(0, +) / Double(parts.count)
    let square = parts.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(parts.count - 1)
    return (square / Double(parts.count)).squareRoot()
  }

  /// - Parameters:
  ///   - curves: MSD of each element in Angstrom^2, all of one length, beyond the fit.
  ///   - errors: of D of each element.
  ///   - errorInWords: how the errors were found.
  ///   - viscosity: in eV fs/Angstrom^3, for D_inf.
  /// - Throws: `AnalysisError`.
  func findings(
    _ composition: Composition, curves: [[Double]], errors: [Double?], errorInWords: String,
    viscosity: Double?, _ conditions: Conditions
  ) throws -> Findings {
    let times = (curves.first ?? []).indices.map { Double($0) * interval * 1e-3 }
    var columns = [FindingTable.Column("time", unit: "ps", times)]
    var numbers: [Finding] = []
    var notes = [
      String(
        format: "D from the slope between %.4g and %.4g ps; ", times[lags.lowerBound], times[lags.upperBound])
        + errorInWords
    ]
    for (element, msd) in curves.enumerated() {
      let symbol = composition.symbol(element)
      columns.append(.init("msd_\(symbol)", unit: "Angstrom2", msd))
      let diffusion = diffusion(of: msd)
      numbers.append(Finding("D_\(symbol)", unit: "1e-9 m2/s", diffusion, error: errors[element]))
      let exponent =
        log(msd[lags.upperBound] / msd[lags.lowerBound])
        / log(Double(lags.upperBound) / Double(lags.lowerBound))
      if abs(exponent - 1) > 0.2 {
        notes.append(
          String(
            format:
              "%@: MSD grows as t^%.2f there, not yet as t: D is not that of diffusion; a longer run is needed",
            symbol, exponent))
      }
      if let viscosity {
        let temperature = try conditions.requireTemperature(for: "the correction of Yeh and Hummer")
        let edge = cbrt(composition.first.system.cell.volume)
        let shift =
          Self.cubicConstant * Units.boltzmann * temperature / (6 * .pi * viscosity * edge)
          * Self.nanoSquareMetrePerSecond
        numbers.append(
          Finding(
            "D_\(symbol) of infinite size", unit: "1e-9 m2/s", diffusion + shift, error: errors[element]))
      }
    }
    return Findings(.msd, numbers: numbers, tables: [FindingTable("msd", columns)], notes: notes)
  }

  /// - Throws: `AnalysisError` where a viscosity is given for a cell that is not cubic.
  static func requireCubicCell(of composition: Composition, for viscosity: Double?) throws {
    guard viscosity != nil, !composition.first.system.cell.isCubic else { return }
    throw AnalysisError(
      "the correction of Yeh and Hummer is for cubic cells, and this one is not cubic",
      help: "leave --viscosity out", isUsage: true)
  }
}

extension Cell {
  /// Three equal edges at right angles, to a thousandth.
  fileprivate var isCubic: Bool {
    let edge = cbrt(volume)
    return isFullyPeriodic
      && (0..<3).allSatisfy { abs(length(vectors[$0]) - edge) < 1e-3 * edge }
  }
}
