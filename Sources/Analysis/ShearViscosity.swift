// Shear viscosity of a liquid at rest by Green and Kubo, from all components of the pressure tensor that are free of its trace
// (Daivis and Evans, doi:10.1063/1.466970):
//
//   eta(t) = V / (10 k_B T) int_0^t sum_ab <Q_ab(t0) Q_ab(t0 + t')> dt',      Q = (P + P^T)/2 - 1/3 tr P
//
// ten because an isotropic liquid has sum_ab <Q_ab Q_ab> = 10 <P_xy P_xy>. The integral is by the trapezoidal rule; <Q> = 0 is
// known and not taken off. Its error at every time is that of the mean of five equal stretches.

import Foundation
import Lattice
import Reciprocal

public struct ShearViscosity: ResumableAccumulator {
  public let composition: Composition
  /// Longest lag in fs; nil for a tenth of the frames, 5 ps at most.
  public let longest: Double?
  /// Q of each frame in eV/Angstrom^3, as Q_xx, Q_yy, Q_zz and Q_yz, Q_xz, Q_xy.
  private var diagonal: [Vector3] = []
  private var shear: [Vector3] = []
  private var volumes: [Double] = []

  /// As the frames of a run name them, in bar.
  public static let components = ["xx", "yy", "zz", "yz", "xz", "xy"].map { "pressure_\($0)" }

  private static let stretches = 5
  private static let leastFrames = 100
  private static let defaultLongest = 5000.0
  /// In fs, which follows the stretching of bonds with hydrogen (period 9 fs).
  private static let longestInterval = 4.5
  /// Share of its value at no lag below which the stress has forgotten itself.
  private static let forgotten = 0.02
  /// One eV fs/Angstrom^3 in mPa s.
  static let millipascalSecond = Units.bar * 1e-7

  public struct Sample: Sendable {
    let diagonal: Vector3
    let shear: Vector3
    let volume: Double
  }

  /// - Throws: `AnalysisError`.
  public init(_ composition: Composition, longest: Double? = nil) throws {
    try composition.requireVolume(for: "a viscosity")
    guard Self.components.allSatisfy({ composition.first.observables[$0] != nil }) else {
      throw AnalysisError(
        "a viscosity needs the pressure tensor, which the trajectory does not hold",
        help: "run with `log.pressure_tensor: true` and frames every few fs, or let the run follow it: "
          + "`analysis: {quantities: [viscosity], every: 4 fs}`")
    }
    (self.composition, self.longest) = (composition, longest)
  }

  public func sample(_ frame: TrajectoryFrame) -> Sample {
    let p = Self.components.map { (frame.observables[$0] ?? .nan) / Units.bar }
    let trace = (p[0] + p[1] + p[2]) / 3
    return Sample(
      diagonal: Vector3(p[0], p[1], p[2]) - trace, shear: Vector3(p[3], p[4], p[5]),
      volume: frame.system.cell.volume)
  }

  public mutating func add(_ sample: Sample) {
    diagonal.append(sample.diagonal)
    shear.append(sample.shear)
    volumes.append(sample.volume)
  }

  public var state: StateTree {
    ["diagonal": .vectors(diagonal), "shear": .vectors(shear), "volumes": .numbers(volumes)]
  }

  public mutating func restore(_ state: StateTree, frames: Int) throws {
    (diagonal, shear, volumes) = try state.read { state in
      try (
        state.vectors("diagonal", count: frames), state.vectors("shear", count: frames),
        state.numbers("volumes", count: frames)
      )
    }
  }

  /// sum_ab <Q_ab(t0) Q_ab(t0 + t)> over the frames of `range`, (eV/Angstrom^3)^2 at every lag.
  func correlation(in range: Range<Int>) -> [Double] {
    let transform = Autocorrelation(length: range.count)
    var sums = [Double](repeating: 0, count: range.count)
    // Q_xy stands twice in the sum over a and b.
    for (series, weight) in [(diagonal, 1.0), (shear, 2.0)] {
      var power = [Double](repeating: 0, count: transform.spectrumCount)
      for axis in 0..<3 { transform.addPower(of: range.map { series[$0][axis] }, to: &power) }
      for (m, sum) in transform.sums(ofPower: power).enumerated() { sums[m] += weight * sum }
    }
    return sums.enumerated().map { $1 / Double(range.count - $0) }
  }

  /// eta(t) up to lag `last`, in eV fs/Angstrom^3.
  private func integral(_ correlation: [Double], _ last: Int, _ interval: Double, _ factor: Double)
    -> [Double]
  {
    var sum = 0.0
    return (0...last).map { m in
      if m > 0 { sum += (correlation[m - 1] + correlation[m]) / 2 }
      return factor * sum * interval
    }
  }

  public func findings(_ conditions: Conditions) throws -> Findings {
    let (frames, interval) = try conditions.requireEvenFrames(
      atLeast: Self.leastFrames, for: "a viscosity")
    guard (0..<frames).allSatisfy({ (shear[$0] + diagonal[$0]).sum().isFinite }) else {
      throw AnalysisError(
        "a frame lacks the pressure tensor, of which a viscosity is made",
        help: "analyse frames of one run")
    }
    let temperature = try conditions.requireTemperature(for: "a viscosity")
    let stretch = frames / Self.stretches
    let longest = self.longest ?? min(Self.defaultLongest, Double(frames) * interval / 10)
    // A time of a user over one of a file: any number, until it is held against the frames.
    let last = Int(max(1, min((longest / interval).rounded(), Double(stretch))))
    guard last < stretch else {
      throw AnalysisError(
        "a viscosity is integrated to \(longest * 1e-3) ps, and a fifth of the frames reaches \(Double(stretch - 1) * interval * 1e-3) ps",
        help: "name a shorter time with --max-lag, or run longer", isUsage: true)
    }
    let volume = volumes[..<frames].reduce(0, +) / Double(frames)
    let factor = volume / (10 * Units.boltzmann * temperature) * Self.millipascalSecond
    let correlation = correlation(in: 0..<frames)
    let eta = integral(correlation, last, interval, factor)
    let parts = (0..<Self.stretches).map { n in
      integral(self.correlation(in: n * stretch..<(n + 1) * stretch), last, interval, factor)
    }
    let errors = (0...last).map { m in
      let mean = parts.reduce(0) { $0 + $1[m] } / Double(parts.count)
      let square = parts.reduce(0) { $0 + ($1[m] - mean) * ($1[m] - mean) } / Double(parts.count - 1)
      return (square / Double(parts.count)).squareRoot()
    }
    let times = (0...last).map { Double($0) * interval * 1e-3 }
    var notes = [
      String(format: "integrated to %.4g ps; error from %d stretches of time", times[last], Self.stretches)
    ]
    if interval > Self.longestInterval {
      notes.append(
        String(
          format: "frames %.3g fs apart miss the fastest vibrations of the stress: take one every 4 fs",
          interval))
    }
    let tail =
      (last * 3 / 4...last).map { abs(correlation[$0]) }.reduce(0, +) / Double(last - last * 3 / 4 + 1)
    if tail > Self.forgotten * correlation[0] {
      notes.append(
        "the stress still remembers itself at the longest time: look where the running integral becomes level, and run longer"
      )
    }
    return Findings(
      .viscosity,
      numbers: [Finding("viscosity", unit: "mPa s", eta[last], error: errors[last])],
      tables: [
        FindingTable(
          "viscosity",
          [
            .init("time", unit: "ps", times),
            .init(
              "stress_correlation", unit: "bar2",
              correlation.prefix(last + 1).map { $0 / 10 * Units.bar * Units.bar }),
            .init("viscosity", unit: "mPa s", eta), .init("viscosity_error", unit: "mPa s", errors),
          ])
      ], notes: notes)
  }
}
