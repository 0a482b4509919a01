// Radial functions R_f(r), f = (path, channel), of one layer: a silu network of the Bessel basis depends on the
// distance alone, so it is tabulated once at load as quintic Hermite splines (value, first and second derivative
// at uniform knots: twice continuously differentiable, error O(h^6)) and never evaluated in a step.
// The number of knots is doubled until the error at mid-interval is below the wanted one.
//
// Table: [knot][value, h R', h^2 R''][function], functions contiguous. Distances in Angstrom.

import Foundation
import Kernels

struct RadialTable<T: KernelScalar> {
  /// Functions, padded by the caller to whole lanes.
  let functions: Int
  let intervals: Int
  private let inverseSpacing: T
  private let table: Workspace<T>
  /// Largest error met at mid-interval, relative to the largest |R|.
  let relativeError: Double

  /// Functions [path][channel] of the network are spread to [path][paddedChannels].
  init(network source: RadialNetwork, channels: Int, paddedChannels: Int) {
    let tolerance = T.self == Float.self ? 1e-7 : 1e-13
    let cutoff = source.cutoff
    var intervals = 32
    func distances(_ offset: Double, _ count: Int) -> [Double] {
      (0..<count).map { cutoff * (Double($0) + offset) / Double(intervals) }
    }
    // The knots of the next finer table are this one's and its midpoints.
    var knots = source.jets(at: distances(0, intervals + 1))
    let all = knots.functions
    while true {
      let middles = source.jets(at: distances(0.5, intervals))
      let error = Self.midpointError(
        knots, middles, intervals: intervals, spacing: cutoff / Double(intervals))
      if error <= tolerance || intervals >= 4096 {
        relativeError = error
        break
      }
      var finer: [Double] = []
      finer.reserveCapacity(2 * knots.values.count)
      for i in 0..<intervals {
        let row = (3 * i * all)..<(3 * (i + 1) * all)
        finer += knots.values[row]
        finer += middles.values[row]
      }
      finer += knots.values[(3 * intervals * all)...]
      knots.values = finer
      intervals *= 2
    }
    let paths = all / channels
    let h = cutoff / Double(intervals)
    functions = paths * paddedChannels
    self.intervals = intervals
    inverseSpacing = T(1 / h)
    table = Workspace<T>(repeating: 0, count: (intervals + 1) * 3 * functions)
    let scale = [1, h, h * h]
    knots.values.withUnsafeBufferPointer { source in
      for row in 0..<(3 * (intervals + 1)) {
        let target = table.pointer + row * functions
        for p in 0..<paths {
          for c in 0..<channels {
            target[p * paddedChannels + c] = T(source[row * all + p * channels + c] * scale[row % 3])
          }
        }
      }
    }
  }

  /// Quintic Hermite at t = 1/2: (f0 + f1)/2 + 5h (f0' - f1')/32 + h^2 (f0'' + f1'')/64.
  private static func midpointError(
    _ knots: RadialNetwork.Jets, _ middles: RadialNetwork.Jets, intervals: Int, spacing h: Double
  ) -> Double {
    let n = knots.functions
    var (worst, largest) = (0.0, Double.leastNormalMagnitude)
    knots.values.withUnsafeBufferPointer { k in
      middles.values.withUnsafeBufferPointer { m in
        for i in 0..<intervals {
          for f in 0..<n {
            let a = 3 * i * n + f
            let b = a + 3 * n
            let spline =
              (k[a] + k[b]) / 2 + 5 * h * (k[a + n] - k[b + n]) / 32 + h * h * (k[a + 2 * n] + k[b + 2 * n])
              / 64
            worst = max(worst, abs(spline - m[a]))
            largest = max(largest, abs(m[a]))
          }
        }
      }
    }
    return worst / largest
  }

  /// Interval and Hermite weights of the six table rows around a distance.
  struct Position {
    var base: UnsafePointer<T>
    /// Weights of value, h R', h^2 R'' at the left knot, then at the right one.
    var value: (T, T, T, T, T, T)
    var slope: (T, T, T, T, T, T)
  }

  @inline(__always)
  func locate(_ r: T) -> Position {
    let s = r * inverseSpacing
    let knot = min(s.wholePart, intervals &- 1)
    let t = s - T(knot)
    let t2 = t * t
    let t3 = t2 * t
    let u = 1 - t
    let u2 = u * u
    let u3 = u2 * u
    // Left-knot polynomials are those of the right knot mirrored, t <-> 1 - t.
    let value = (
      u3 * (1 + 3 * t + 6 * t2), u3 * t * (1 + 3 * t), u3 * t2 / 2,
      t3 * (1 + 3 * u + 6 * u2), -t3 * u * (1 + 3 * u), t3 * u2 / 2
    )
    let bump = 30 * t2 * u2
    let slope = (
      -bump * inverseSpacing, u2 * (1 - 3 * t) * (1 + 5 * t) * inverseSpacing,
      t * u2 * (1 - T(2.5) * t) * inverseSpacing,
      bump * inverseSpacing, t2 * (1 - 3 * u) * (1 + 5 * u) * inverseSpacing,
      -u * t2 * (1 - T(2.5) * u) * inverseSpacing
    )
    return Position(base: UnsafePointer(table.pointer + knot &* 3 &* functions), value: value, slope: slope)
  }

  /// Writes R_f(r) to `value[f]`.
  @inline(__always)
  func evaluate(_ r: T, into value: UnsafeMutablePointer<T>) {
    let p = locate(r)
    let n = functions
    let v = p.value
    var f = 0
    while f < n {
      var sum = p.base.lanes(f) * v.0
      sum.addProduct(p.base.lanes(n &+ f), T.Lanes(repeating: v.1))
      sum.addProduct(p.base.lanes(2 &* n &+ f), T.Lanes(repeating: v.2))
      sum.addProduct(p.base.lanes(3 &* n &+ f), T.Lanes(repeating: v.3))
      sum.addProduct(p.base.lanes(4 &* n &+ f), T.Lanes(repeating: v.4))
      sum.addProduct(p.base.lanes(5 &* n &+ f), T.Lanes(repeating: v.5))
      value.setLanes(f, sum)
      f &+= T.Lanes.scalarCount
    }
  }

  /// Writes R_f(r) to `value[f]` and dR_f/dr to `slope[f]`.
  @inline(__always)
  func evaluate(_ r: T, into value: UnsafeMutablePointer<T>, slope: UnsafeMutablePointer<T>) {
    let p = locate(r)
    let n = functions
    let (v, d) = (p.value, p.slope)
    var f = 0
    while f < n {
      let (a0, a1, a2) = (p.base.lanes(f), p.base.lanes(n &+ f), p.base.lanes(2 &* n &+ f))
      let (b0, b1, b2) = (
        p.base.lanes(3 &* n &+ f), p.base.lanes(4 &* n &+ f), p.base.lanes(5 &* n &+ f)
      )
      var sum = a0 * v.0
      sum.addProduct(a1, T.Lanes(repeating: v.1))
      sum.addProduct(a2, T.Lanes(repeating: v.2))
      sum.addProduct(b0, T.Lanes(repeating: v.3))
      sum.addProduct(b1, T.Lanes(repeating: v.4))
      sum.addProduct(b2, T.Lanes(repeating: v.5))
      value.setLanes(f, sum)
      var rise = a0 * d.0
      rise.addProduct(a1, T.Lanes(repeating: d.1))
      rise.addProduct(a2, T.Lanes(repeating: d.2))
      rise.addProduct(b0, T.Lanes(repeating: d.3))
      rise.addProduct(b1, T.Lanes(repeating: d.4))
      rise.addProduct(b2, T.Lanes(repeating: d.5))
      slope.setLanes(f, rise)
      f &+= T.Lanes.scalarCount
    }
  }
}
