// When frames come that pass by once, as in a run: evenly, but for the last one where a run ends between two.

import Lattice

public struct FrameSchedule: Sendable {
  /// Between frames, in fs.
  public let interval: Double
  /// That there will be as far as is known.
  public let frames: Int
  /// Time origins that are followed at once, at most; nil for as many as 16 MB hold.
  public let origins: Int?

  public init(interval: Double, frames: Int, origins: Int? = nil) {
    precondition(interval > 0 && origins != 0)
    (self.interval, self.frames, self.origins) = (interval, frames, origins)
  }

  /// Whether `sample` is the next one after `frames` frames from `first` on, and not the last of a run between two.
  func isDue(_ sample: TimedVectors, after frames: Int, from first: TrajectoryFrame) -> Bool {
    guard let time = sample.time, let start = first.time else { return false }
    // Less than a step of any run, more than rounding.
    return abs(time - start - Double(frames) * interval) <= 1e-9 * interval + 1e-12 * abs(time)
  }
}

/// One vector for each atom of a frame.
public struct TimedVectors: Sendable {
  /// In fs.
  let time: Double?
  let vectors: [Vector3]
}
