// Velocity autocorrelation of each element, its integral and the vibrational density of states:
//
//   C(t) = <v(t0) . v(t0 + t)>,       D = 1/3 int_0^inf C dt                              (Green and Kubo)
//   rho(nu) = 4 int_0^inf C(t)/C(0) cos(2 pi nu t) w(t) dt,    int_0^inf rho d nu = 1      w: Hann's window
//
// The total is the mean of the elements, weighted by their kinetic energy: 1/3N of the density of normal modes in a harmonic
// solid. Wavenumbers nu/c in 1/cm. Of a file C is that of every origin, of a run that of the origins of `TimeOrigins`.

import Foundation
import Lattice

/// Of frames that are all at hand.
public struct VelocityAutocorrelation: Accumulator {
  public let composition: Composition
  /// Longest lag in fs; nil for a quarter of the frames, 2 ps at most.
  public let longest: Double?
  private var series: TimeSeries

  fileprivate static let leastFrames = 20
  fileprivate static let defaultLongest = 2000.0
  /// Speed of light in cm/fs, exact.
  static let lightSpeed = 2.99792458e-5
  /// Wavenumber in 1/cm beyond which nothing vibrates.
  private static let highest = 4500.0

  /// - Throws: `AnalysisError`, `MemoryError`.
  public init(_ composition: Composition, frames: Int? = nil, longest: Double? = nil) throws {
    try Self.requireVelocities(composition)
    self.composition = composition
    self.longest = longest
    series = try TimeSeries(atomCount: composition.atomCount, frames: frames)
  }

  fileprivate static func requireVelocities(_ composition: Composition) throws {
    guard !composition.first.hasVelocities else { return }
    throw AnalysisError(
      "a velocity autocorrelation needs velocities, which the trajectory does not hold",
      help: "run with `trajectory.velocities: true`")
  }

  public func sample(_ frame: TrajectoryFrame) -> [Vector3] { frame.system.velocities }
  public mutating func add(_ sample: [Vector3]) { series.append(sample) }

  /// C in Angstrom^2/fs^2 at every lag, [T].
  func curve(of element: Int, frames: Int, threads: Int) -> [Double] {
    series.correlation(of: composition.atoms[element], in: 0..<frames, isCentered: false, threads: threads)
      .products
  }

  public func findings(_ conditions: Conditions) throws -> Findings {
    let (frames, interval) = try conditions.requireEvenFrames(
      atLeast: Self.leastFrames, for: "a velocity autocorrelation")
    return Self.findings(
      composition,
      composition.elements.indices.map { curve(of: $0, frames: frames, threads: conditions.threads) },
      longest: longest, frames: frames, interval: interval)
  }

  /// - Parameter correlations: C of each element, at every lag up to the longest asked for or more.
  fileprivate static func findings(
    _ composition: Composition, _ correlations: [[Double]], longest: Double?, frames: Int, interval: Double
  ) -> Findings {
    let longest = longest ?? min(Self.defaultLongest, Double(frames) * interval / 4)
    let last = Int(min(Double(frames - 1), max(4, longest / interval)))
    let curves = correlations.map { Array($0.prefix(last + 1)) }
    let times = (0...last).map { Double($0) * interval }
    var correlation = [FindingTable.Column("time", unit: "ps", times.map { $0 * 1e-3 })]
    var numbers: [Finding] = []
    for (element, curve) in curves.enumerated() {
      let symbol = composition.symbol(element)
      correlation.append(.init("vacf_\(symbol)", unit: "Angstrom2/fs2", curve))
      let integral = curve.dropFirst().dropLast().reduce((curve[0] + curve[last]) / 2, +) * interval
      numbers.append(
        Finding(
          "D_\(symbol) by Green-Kubo", unit: "1e-9 m2/s",
          integral / 3 * DiffusionFit.nanoSquareMetrePerSecond,
          note: String(format: "integrated to %.3g ps; that of msd has an error", times[last] * 1e-3)))
    }
    // Twice the lags in a period: neighbours are as far apart as the window resolves.
    let nyquist = 1 / (2 * interval * Self.lightSpeed)
    let wavenumbers = (0...last).map { nyquist * Double($0) / Double(last) }
    let spectra = curves.map { Self.spectrum($0, interval: interval) }
    let energies = composition.elements.indices.map { e in
      curves[e][0] * composition.atoms[e].reduce(0) { $0 + composition.first.system.masses[$1] }
    }
    let energy = energies.reduce(0, +)
    var total = [Double](repeating: 0, count: last + 1)
    for (spectrum, share) in zip(spectra, energies) {
      for n in total.indices { total[n] += spectrum[n] * share / energy }
    }
    let states =
      [FindingTable.Column("wavenumber", unit: "cm-1", wavenumbers), .init("vdos", unit: "cm", total)]
      + spectra.enumerated().map { .init("vdos_\(composition.symbol($0))", unit: "cm", $1) }
    let folded =
      nyquist < Self.highest && composition.elements.contains(1)
      ? [
        String(
          format:
            "frames %.3g fs apart resolve up to %.0f cm-1: faster vibrations, such as O-H at 3700 cm-1, fold back",
          interval, nyquist) + "; write frames every 3 fs"
      ] : []
    return Findings(
      .vacf, numbers: numbers, tables: [FindingTable("vacf", correlation), FindingTable("vdos", states)],
      notes: folded)
  }

  /// rho at wavenumbers 0 ... 1/(2 dt c), as many as lags, in cm: the sum over lags by the trapezoidal rule.
  static func spectrum(_ curve: [Double], interval: Double) -> [Double] {
    let last = curve.count - 1
    let windowed = curve.enumerated().map { m, c in
      c / curve[0] * 0.5 * (1 + cos(.pi * Double(m) / Double(last))) * (m == 0 || m == last ? 0.5 : 1)
    }
    let cosines = (0..<2 * last).map { cos(.pi * Double($0) / Double(last)) }
    return (0...last).map { n in
      var sum = 0.0
      for m in 0...last { sum += windowed[m] * cosines[n * m % (2 * last)] }
      return 4 * sum * interval * lightSpeed
    }
  }
}

// MARK: - In a run

/// Of frames as a run makes them.
public struct RunningVelocityAutocorrelation: ResumableAccumulator {
  public let composition: Composition
  /// Longest lag in fs; nil for a quarter of the frames, 2 ps at most.
  public let longest: Double?
  private let schedule: FrameSchedule
  private var origins: TimeOrigins

  /// - Throws: `AnalysisError`, `MemoryError`.
  public init(_ composition: Composition, _ schedule: FrameSchedule, longest: Double? = nil) throws {
    try VelocityAutocorrelation.requireVelocities(composition)
    (self.composition, self.schedule, self.longest) = (composition, schedule, longest)
    let lags = (longest ?? VelocityAutocorrelation.defaultLongest) / schedule.interval
    origins = try TimeOrigins(
      composition, .product, longest: Int(min(max(4, lags), Double(TimeOrigins.mostLags))),
      most: schedule.origins)
  }

  public var originBytes: Double { origins.bytes }

  public func sample(_ frame: TrajectoryFrame) -> TimedVectors {
    TimedVectors(time: frame.time, vectors: frame.system.velocities)
  }

  public mutating func add(_ sample: TimedVectors) {
    guard schedule.isDue(sample, after: origins.frames, from: composition.first) else { return }
    origins.append(sample.vectors)
  }

  public func findings(_ conditions: Conditions) throws -> Findings {
    try origins.requireFrames(
      atLeast: VelocityAutocorrelation.leastFrames, for: "a velocity autocorrelation")
    return VelocityAutocorrelation.findings(
      composition, composition.elements.indices.map(origins.curve), longest: longest, frames: origins.frames,
      interval: schedule.interval)
  }

  public var state: StateTree { ["origins": .group(origins.state)] }

  public mutating func restore(_ state: StateTree, frames: Int) throws {
    try state.read { state in
      let saved = try state.group("origins")
      try StateError.inside("origins") { try origins.restore(saved, frames: frames) }
    }
  }
}
