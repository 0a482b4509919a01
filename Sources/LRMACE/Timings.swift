// Where the time of a step goes, by part: wall-clock on the main thread, and inside threads the mean over them.

import Dispatch

/// Seconds spent in each part of the force field since the last reset.
public struct Timings: Sendable {
  public enum Part: Int, CaseIterable, Sendable {
    case neighbors, edges, convolution, linear, contraction, attention, readout
    /// Threads for one another.
    case waiting
  }

  public typealias Parts = InlineArray<8, Double>

  private var seconds = Parts(repeating: 0)
  private var mark: UInt64 = 0

  public init() {}

  public subscript(part: Part) -> Double { seconds[part.rawValue] }

  public var total: Double { Part.allCases.reduce(0) { $0 + self[$1] } }

  static func + (a: Timings, b: Timings) -> Timings {
    var sum = a
    for part in Part.allCases { sum.seconds[part.rawValue] += b.seconds[part.rawValue] }
    return sum
  }

  mutating func begin() { mark = DispatchTime.now().uptimeNanoseconds }

  mutating func end(_ part: Part) {
    let now = DispatchTime.now().uptimeNanoseconds
    seconds[part.rawValue] += Double(now - mark) * 1e-9
    mark = now
  }

  /// Adds the mean of the threads' parts, and clears them; what is left of the time since the last mark was
  /// spent waiting.
  mutating func gather<T>(_ scratch: [ThreadScratch<T>]) {
    var busy = 0.0
    for s in scratch {
      for p in 0..<Part.allCases.count {
        let mean = s.clock.parts[p] / Double(scratch.count)
        seconds[p] += mean
        busy += mean
      }
      s.clock.parts = Parts(repeating: 0)
    }
    end(.waiting)
    seconds[Part.waiting.rawValue] -= busy
  }
}

extension Timings.Parts {
  init() { self.init(repeating: 0) }
}

/// A stop-watch inside one thread.
struct PartClock {
  var parts = Timings.Parts()
  private var mark: UInt64 = 0

  mutating func begin() { mark = DispatchTime.now().uptimeNanoseconds }

  mutating func end(_ part: Timings.Part) {
    let now = DispatchTime.now().uptimeNanoseconds
    parts[part.rawValue] += Double(now - mark) * 1e-9
    mark = now
  }
}
