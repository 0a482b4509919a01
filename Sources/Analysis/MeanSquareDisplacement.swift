// Mean square displacements of each element, averaged over all origins, and self-diffusion coefficients:
//
//   MSD(t) = <|r(t0 + t) - r(t0)|^2>,      D = slope of MSD / 6
//   D_inf = D + xi k_B T / (6 pi eta L),   xi = 2.837297       of a cubic cell (Yeh and Hummer, doi:10.1021/jp0477147)
//
// in O(T log T) by splitting the square (Calandrini et al., doi:10.1051/sfn/201112010). The motion of the centre of mass
// is taken off where the cell is periodic. The error of D is that of the mean of D over five equal stretches of time.

import Foundation
import Lattice

public struct MeanSquareDisplacement: Accumulator {
  public let composition: Composition
  /// Lags of the fit in fs; nil for the second half of what a fifth of the frames reaches.
  public let fit: ClosedRange<Double>?
  /// In eV fs/Angstrom^3, for the correction of the finite cell.
  public let viscosity: Double?
  private var series: TimeSeries

  private static let stretches = 5
  private static let leastFrames = 20
  private static let cubicConstant = 2.837297
  /// One Angstrom^2/fs in 1e-9 m^2/s, in which diffusion of liquids is of order one.
  static let nanoSquareMetrePerSecond = 1e4

  /// - Throws: `AnalysisError`, `MemoryError`.
  public init(
    _ composition: Composition, frames: Int? = nil, fit: ClosedRange<Double>? = nil, viscosity: Double? = nil
  ) throws {
    self.composition = composition
    (self.fit, self.viscosity) = (fit, viscosity)
    series = try TimeSeries(atomCount: composition.atomCount, frames: frames)
    if viscosity != nil, !composition.first.system.cell.isCubic {
      throw AnalysisError(
        "the correction of Yeh and Hummer is for cubic cells, and this one is not cubic",
        help: "leave --viscosity out", isUsage: true)
    }
  }

  /// Positions seen from the centre of mass.
  public func sample(_ frame: TrajectoryFrame) -> [Vector3] {
    let system = frame.system
    guard system.cell.hasPeriodicAxis else { return system.positions }
    var center = Vector3.zero
    for i in 0..<system.count { center += system.masses[i] * system.positions[i] }
    center /= system.masses.reduce(0, +)
    return system.positions.map { $0 - center }
  }

  public mutating func add(_ sample: [Vector3]) { series.append(sample) }

  /// MSD in Angstrom^2 at every lag of `range`, [T].
  func curve(of element: Int, in range: Range<Int>, threads: Int) -> [Double] {
    let (products, squares) = series.correlation(
      of: composition.atoms[element], in: range, isCentered: true, threads: threads)
    // The differences of large numbers at no lag are rounding.
    return zip(squares, products).enumerated().map { $0 == 0 ? 0 : max(0, $1.0 - 2 * $1.1) }
  }

  public func findings(_ conditions: Conditions) throws -> Findings {
    let (frames, interval) = try conditions.requireEvenFrames(
      atLeast: Self.leastFrames, for: "a mean square displacement")
    let stretch = frames / Self.stretches
    let window = try window(stretch, interval)
    let lags = (0...frames / 2).map { Double($0) * interval * 1e-3 }
    var columns = [FindingTable.Column("time", unit: "ps", lags)]
    var numbers: [Finding] = []
    var notes = [
      String(
        format: "D from the slope between %.4g and %.4g ps; error from %d stretches of time",
        lags[window.lowerBound], lags[window.upperBound], Self.stretches)
    ]
    for element in composition.elements.indices {
      let symbol = composition.symbol(element)
      let msd = curve(of: element, in: 0..<frames, threads: conditions.threads)
      columns.append(.init("msd_\(symbol)", unit: "Angstrom2", Array(msd.prefix(lags.count))))
      let parts = (0..<Self.stretches).map { n in
        Self.diffusion(
          curve(of: element, in: n * stretch..<(n + 1) * stretch, threads: conditions.threads), window,
          interval)
      }
      let mean = parts.reduce(0, +) / Double(parts.count)
      let square = parts.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(parts.count - 1)
      let diffusion = Self.diffusion(msd, window, interval)
      let error = (square / Double(parts.count)).squareRoot()
      numbers.append(Finding("D_\(symbol)", unit: "1e-9 m2/s", diffusion, error: error))
      let exponent =
        log(msd[window.upperBound] / msd[window.lowerBound])
        / log(Double(window.upperBound) / Double(window.lowerBound))
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
          Finding("D_\(symbol) of infinite size", unit: "1e-9 m2/s", diffusion + shift, error: error))
      }
    }
    return Findings(.msd, numbers: numbers, tables: [FindingTable("msd", columns)], notes: notes)
  }

  /// First and last lag of the fit.
  private func window(_ stretch: Int, _ interval: Double) throws -> ClosedRange<Int> {
    guard let fit else { return max(1, stretch / 4)...max(2, stretch / 2) }
    // Times of a user over times of a file: any number, until it is held against the frames.
    func lag(_ time: Double) -> Int { Int(min((time / interval).rounded(), Double(stretch))) }
    let (first, last) = (max(1, lag(fit.lowerBound)), lag(fit.upperBound))
    guard last > first, last < stretch else {
      throw AnalysisError(
        "the fit of D ends at \(fit.upperBound * 1e-3) ps, and a fifth of the frames reaches \(Double(stretch - 1) * interval * 1e-3) ps",
        help: "name two shorter times with --fit, or run longer", isUsage: true)
    }
    return first...last
  }

  /// A sixth of the slope by least squares, in 1e-9 m^2/s.
  static func diffusion(_ msd: [Double], _ window: ClosedRange<Int>, _ interval: Double) -> Double {
    let times = window.map { Double($0) * interval }
    let mean = times.reduce(0, +) / Double(times.count)
    var (up, down) = (0.0, 0.0)
    for (n, t) in zip(window, times) {
      up += (t - mean) * msd[n]
      down += (t - mean) * (t - mean)
    }
    return up / down / 6 * nanoSquareMetrePerSecond
  }
}

extension Cell {
  /// Three equal edges at right angles, to a thousandth.
  var isCubic: Bool {
    let edge = cbrt(volume)
    return isFullyPeriodic
      && (0..<3).allSatisfy { abs(length(vectors[$0]) - edge) < 1e-3 * edge }
  }
}
