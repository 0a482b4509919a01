// How an analysis sees frames. What a frame contributes is a function of the frame alone, so frames are worked out side by
// side; contributions are added in the order of the frames, so the number of threads changes no bit.

import Kernels
import Lattice

public protocol Accumulator {
  associatedtype Sample: Sendable

  /// What one frame contributes.
  /// - Throws: `AnalysisError`, `LatticeError`.
  func sample(_ frame: TrajectoryFrame) throws -> Sample
  /// Called in the order of the frames.
  mutating func add(_ sample: Sample)
  /// - Throws: `AnalysisError` where the frames do not suffice.
  func findings(_ conditions: Conditions) throws -> Findings
}

/// An accumulator that a checkpoint of a run can keep: what it holds does not grow with atoms times frames.
public protocol ResumableAccumulator: Accumulator {
  /// Memory that it takes for frames that it keeps, in bytes.
  var originBytes: Double { get }
  /// All that the next frame needs.
  var state: StateTree { get }
  /// Goes on after `frames` frames.
  /// - Throws: `StateError`.
  mutating func restore(_ state: StateTree, frames: Int) throws
}

extension ResumableAccumulator {
  public var originBytes: Double { 0 }
}

/// What is known beside the frames when they have all been seen.
public struct Conditions: Sendable {
  /// Of each frame in fs, where the file says.
  public var times: [Double?]
  /// In K: as given, or the mean over the frames.
  public var temperature: Double?
  public var threads: Int

  public init(times: [Double?], temperature: Double?, threads: Int = 1) {
    (self.times, self.temperature, self.threads) = (times, temperature, threads)
  }

  /// - Throws: `AnalysisError`.
  func requireTemperature(for purpose: String) throws -> Double {
    guard let temperature, temperature > 0 else {
      throw AnalysisError(
        "\(purpose) needs a temperature, which the trajectory does not hold",
        help: "give it: --temperature \"300 K\"", isUsage: true)
    }
    return temperature
  }

  /// Of the frames; nil where the file does not say.
  var picoseconds: [Double]? {
    let known = times.compactMap { $0 }
    return known.count == times.count ? known.map { $0 * 1e-3 } : nil
  }

  /// Time between frames in fs; nil where they are not evenly spaced, but for the last one: a run ends with a frame of its own.
  var interval: Double? {
    let times = times.compactMap { $0 }
    guard times.count == self.times.count, times.count > 1 else { return nil }
    let last = max(1, times.count - 2)
    let interval = (times[last] - times[0]) / Double(last)
    guard interval > 0 else { return nil }
    for n in 1...last where !Self.isEven(from: times[n - 1], to: times[n], interval) { return nil }
    return interval
  }

  /// Other programs keep times in single precision.
  private static func isEven(from before: Double, to time: Double, _ interval: Double) -> Bool {
    abs(time - before - interval) <= 1e-6 * interval + 2e-7 * abs(time)
  }

  /// Frames that are evenly spaced, from the first one on, and the time between them in fs.
  /// - Throws: `AnalysisError` where there are fewer than `least`, or none are.
  func requireEvenFrames(atLeast least: Int, for purpose: String) throws -> (count: Int, interval: Double) {
    guard times.count >= least else {
      throw AnalysisError(
        "\(purpose) needs at least \(least) frames, and there are \(times.count)",
        help: "run longer, write frames more often (`trajectory.every`), or leave fewer out (--skip, --every)"
      )
    }
    guard let interval else {
      let isUntimed = times.contains { $0 == nil }
      throw AnalysisError(
        isUntimed
          ? "\(purpose) needs the times of the frames, which the file does not hold"
          : "\(purpose) needs evenly spaced frames, and these are not",
        help: isUntimed
          ? "say how far apart they are: --interval \"5 fs\""
          : "analyse the parts with even spacing one by one",
        isUsage: isUntimed)
    }
    let last = times.count - 1
    guard let end = times[last], let before = times[last - 1] else { return (times.count, interval) }
    return (Self.isEven(from: before, to: end, interval) ? times.count : last, interval)
  }
}

extension Accumulator {
  /// Takes frames in.
  mutating func absorb(_ frames: [TrajectoryFrame], threads: Int) throws {
    let samples = parallelMap(threads: threads, count: frames.count) { n in Result { try sample(frames[n]) } }
    for sample in samples { add(try sample.get()) }
  }
}
