// Mean square displacements of each element, and of them self-diffusion coefficients (`DiffusionFit`):
//
//   MSD(t) = <|r(t0 + t) - r(t0)|^2>
//
// Of a file from every origin, in O(T log T) by splitting the square (Calandrini et al., doi:10.1051/sfn/201112010); the error of D
// is that of the mean of D over five equal stretches of time. Of a run from the origins of `TimeOrigins`, up to the end of the
// fit; each origin that has got there has a D of its own, and the stretches are of origins. The motion of the centre of mass is
// taken off where the cell is periodic.

import Foundation
import Lattice

/// Of frames that are all at hand.
public struct MeanSquareDisplacement: Accumulator {
  public let composition: Composition
  /// Lags of the fit in fs; nil for the second half of what a fifth of the frames reaches.
  public let fit: ClosedRange<Double>?
  /// In eV fs/Angstrom^3, for the correction of the finite cell.
  public let viscosity: Double?
  private var series: TimeSeries

  static let leastFrames = 20

  /// - Throws: `AnalysisError`, `MemoryError`.
  public init(
    _ composition: Composition, frames: Int? = nil, fit: ClosedRange<Double>? = nil, viscosity: Double? = nil
  ) throws {
    self.composition = composition
    (self.fit, self.viscosity) = (fit, viscosity)
    series = try TimeSeries(atomCount: composition.atomCount, frames: frames)
    try DiffusionFit.requireCubicCell(of: composition, for: viscosity)
  }

  public func sample(_ frame: TrajectoryFrame) -> [Vector3] { frame.system.positionsFromCenter }
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
    let stretch = frames / DiffusionFit.stretches
    let fit = try fit(frames, interval)
    var curves: [[Double]] = []
    var errors: [Double?] = []
    for element in composition.elements.indices {
      let msd = curve(of: element, in: 0..<frames, threads: conditions.threads)
      curves.append(Array(msd.prefix(frames / 2 + 1)))
      let parts = (0..<DiffusionFit.stretches).map { n in
        fit.diffusion(
          of: curve(of: element, in: n * stretch..<(n + 1) * stretch, threads: conditions.threads))
      }
      errors.append(DiffusionFit.error(ofStretches: parts))
    }
    return try fit.findings(
      composition, curves: curves, errors: errors,
      errorInWords: "error from \(DiffusionFit.stretches) stretches of time",
      viscosity: viscosity, conditions)
  }

  private func fit(_ frames: Int, _ interval: Double) throws -> DiffusionFit {
    let stretch = frames / DiffusionFit.stretches
    guard let times = fit else { return DiffusionFit(ofFrames: frames, interval: interval) }
    let lags = DiffusionFit.lags(times, interval: interval)
    guard times.upperBound - times.lowerBound > interval / 2, lags.upperBound < stretch else {
      throw AnalysisError(
        "the fit of D ends at \(times.upperBound * 1e-3) ps, and a fifth of the frames reaches \(Double(stretch - 1) * interval * 1e-3) ps",
        help: "name two shorter times with --fit, or run longer", isUsage: true)
    }
    return DiffusionFit(lags: lags, interval: interval)
  }
}

extension AtomicSystem {
  /// Positions, seen from the centre of mass where the cell is periodic.
  var positionsFromCenter: [Vector3] {
    guard cell.hasPeriodicAxis else { return positions }
    var center = Vector3.zero
    for i in 0..<count { center += masses[i] * positions[i] }
    center /= masses.reduce(0, +)
    return positions.map { $0 - center }
  }
}

// MARK: - In a run

/// Of frames as a run makes them.
public struct RunningMeanSquareDisplacement: ResumableAccumulator {
  public let composition: Composition
  /// In eV fs/Angstrom^3, for the correction of the finite cell.
  public let viscosity: Double?
  private let schedule: FrameSchedule
  private var fit: DiffusionFit
  private var origins: TimeOrigins
  /// D of each element, as far as it has come, of the origin in each slot.
  private var unfinished: [[Double]]
  /// D of the origins that have got to the end of the fit.
  private var diffusion = BlockSums()

  /// - Parameter fit: in fs; nil for a twentieth and a tenth of the frames.
  /// - Throws: `AnalysisError`, `MemoryError`.
  public init(
    _ composition: Composition, _ schedule: FrameSchedule, fit: ClosedRange<Double>? = nil,
    viscosity: Double? = nil
  ) throws {
    (self.composition, self.schedule, self.viscosity) = (composition, schedule, viscosity)
    self.fit =
      fit.map {
        DiffusionFit(lags: DiffusionFit.lags($0, interval: schedule.interval), interval: schedule.interval)
      }
      ?? DiffusionFit(ofFrames: schedule.frames, interval: schedule.interval)
    origins = try TimeOrigins(
      composition, .squaredDistance, longest: self.fit.lags.upperBound, most: schedule.origins)
    unfinished = Array(repeating: composition.elements.map { _ in 0 }, count: origins.slots)
    try DiffusionFit.requireCubicCell(of: composition, for: viscosity)
  }

  public var originBytes: Double { origins.bytes }

  public func sample(_ frame: TrajectoryFrame) -> TimedVectors {
    TimedVectors(time: frame.time, vectors: frame.system.positionsFromCenter)
  }

  public mutating func add(_ sample: TimedVectors) {
    guard schedule.isDue(sample, after: origins.frames, from: composition.first) else { return }
    var finished: Int?
    origins.append(sample.vectors) { slot, lag, element, msd in
      unfinished[slot][element] = (lag == 0 ? 0 : unfinished[slot][element]) + fit.weight(lag) * msd
      if lag == fit.lags.upperBound { finished = slot }
    }
    if let finished { diffusion.add(unfinished[finished]) }
  }

  public func findings(_ conditions: Conditions) throws -> Findings {
    try origins.requireFrames(
      atLeast: max(MeanSquareDisplacement.leastFrames, fit.lags.upperBound + 1),
      for: "a mean square displacement")
    let stretches = diffusion.means(ofStretches: DiffusionFit.stretches)
    var words =
      "error from \(DiffusionFit.stretches) stretches of \(diffusion.frames) time origins, "
      + String(format: "%.4g ps apart", Double(origins.spacing) * schedule.interval * 1e-3)
    // What begins in one stretch ends in the next.
    if diffusion.frames * origins.spacing < DiffusionFit.stretches * fit.lags.upperBound {
      words += ", a lower bound: they are shorter than the fit"
    }
    return try fit.findings(
      composition, curves: composition.elements.indices.map(origins.curve),
      errors: composition.elements.indices.map { element in
        stretches.map { parts in DiffusionFit.error(ofStretches: parts.map { $0[element] }) }
      }, errorInWords: words, viscosity: viscosity, conditions)
  }

  public var state: StateTree {
    [
      "fit_begin": .integers([Int64(fit.lags.lowerBound)]), "origins": .group(origins.state),
      "unfinished": .numbers(unfinished.flatMap { $0 }), "diffusion": .group(diffusion.state),
    ]
  }

  public mutating func restore(_ state: StateTree, frames: Int) throws {
    try state.read { state in
      let (saved, sums) = try (state.group("origins"), state.group("diffusion"))
      try StateError.inside("origins") { try origins.restore(saved, frames: frames) }
      let begin = try state.integer("fit_begin")
      guard begin > 0, begin < origins.longest else { throw StateError("fit_begin", "holds \(begin)") }
      fit = DiffusionFit(lags: Int(begin)...origins.longest, interval: schedule.interval)
      let width = composition.elements.count
      let values = try state.numbers("unfinished", count: origins.slots * width)
      unfinished = (0..<origins.slots).map { Array(values[$0 * width..<($0 + 1) * width]) }
      diffusion = try StateError.inside("diffusion") {
        try BlockSums(sums, width: width, frames: origins.pairs(at: origins.longest))
      }
    }
  }
}
