// Complex Fourier transforms of length M = 2^a 3^b 5^c, one for each SIMD lane:
//
//   forward   F(n) = sum_g f(g) exp(-2 pi i n g / M)
//   inverse   f(g) = sum_n F(n) exp(+2 pi i n g / M)        no factor 1/M
//
// Stockham's algorithm: stage after stage of butterflies of radix r, sorted on the way. A stage with m = n /
// r takes for p < m and q < s (s: product of the radices before)
//   b_j = sum_k x[q + s (p + m k)] exp(-2 pi i j k / r),   y[q + s (r p + j)] = b_j exp(-2 pi i p j / n).
// The inverse is the forward transform with real and imaginary parts exchanged, which costs nothing: they
// lie in vectors of their own. Every length has one plan, so results are the same in every run.

import Foundation
import Kernels

/// Transforms of one length.
final class FourierTransform<T: KernelScalar> {
  enum Direction: Sendable { case forward, inverse }

  let length: Int
  private let stages: Workspace<Stage>
  private let stageCount: Int
  /// Of every stage exp(-2 pi i p j / n) for p < m and 0 < j < r: [p][j][re, im].
  private let twiddles: Workspace<T>

  private struct Stage: BitwiseCopyable {
    let radix: Int
    /// Butterflies with a twiddle of their own, and those that share it: m and s.
    let groups: Int
    let stride: Int
    let twiddles: Int
  }

  /// - Parameter length: a product of 2, 3 and 5.
  init(length: Int) {
    precondition(Self.isEfficient(length), "no transform of length \(length)")
    self.length = length
    var stages: [Stage] = []
    var values: [T] = []
    var (rest, stride) = (length, 1)
    while rest > 1 {
      let radix = [4, 5, 3, 2].first { rest % $0 == 0 } ?? rest
      stages.append(Stage(radix: radix, groups: rest / radix, stride: stride, twiddles: values.count))
      for p in 0..<rest / radix {
        for j in 1..<radix {
          let angle = -2 * Double.pi * Double(p * j) / Double(rest)
          values += [T(cos(angle)), T(sin(angle))]
        }
      }
      rest /= radix
      stride *= radix
    }
    self.stages = Workspace(stages)
    stageCount = stages.count
    twiddles = Workspace(values)
  }

  /// The next length from `count` upwards that has a transform.
  static func efficientLength(atLeast count: Int) -> Int {
    var length = max(1, count)
    while !isEfficient(length) { length += 1 }
    return length
  }

  private static func isEfficient(_ length: Int) -> Bool {
    length > 0
      && [2, 3, 5].reduce(into: length) { rest, prime in
        while rest % prime == 0 { rest /= prime }
      } == 1
  }

  /// Vectors of scratch that `run` needs.
  var scratchCount: Int { 4 * length }

  /// Transforms x into y, which may be the same memory.
  ///
  /// The vector of real parts of element i lies at `x + i * xStride`, that of imaginary parts `xImaginary`
  /// numbers behind it; so for y. Strides count numbers.
  func run<V: LaneVector>(
    _ direction: Direction, as _: V.Type, from x: UnsafeMutablePointer<T>, imaginary xImaginary: Int,
    stride xStride: Int, to y: UnsafeMutablePointer<T>, imaginary yImaginary: Int, stride yStride: Int,
    scratch: UnsafeMutablePointer<T>
  ) where V.Scalar == T {
    let width = V.scalarCount
    let isForward = direction == .forward
    let first = Elements<T, V>(
      base: isForward ? x : x + xImaginary, imaginary: isForward ? xImaginary : -xImaginary, stride: xStride)
    let last = Elements<T, V>(
      base: isForward ? y : y + yImaginary, imaginary: isForward ? yImaginary : -yImaginary, stride: yStride)
    var source = first
    if stageCount == 0 { last[0] = first[0] }
    for index in 0..<stageCount {
      let stage = stages.pointer[index]
      let inner = Elements<T, V>(
        base: scratch + index % 2 * 2 * length * width, imaginary: width, stride: 2 * width)
      let target = index == stageCount - 1 ? last : inner
      let w = UnsafePointer(twiddles.pointer + stage.twiddles)
      // The first butterflies of a stage have twiddles of 1.
      apply(stage, 0..<1, isTurned: false, source, target, w)
      apply(stage, 1..<stage.groups, isTurned: true, source, target, w)
      source = target
    }
  }

  /// The butterflies of the groups p; what one reads is m s elements apart, what it writes s elements.
  @inline(__always)
  private func apply<V>(
    _ stage: Stage, _ groups: Range<Int>, isTurned: Bool, _ x: Elements<T, V>, _ y: Elements<T, V>,
    _ w: UnsafePointer<T>
  ) {
    let (m, s) = (stage.groups, stage.stride)
    switch stage.radix {
    case 2:
      for p in groups {
        for q in 0..<s { butterfly2(x, q &+ s &* p, m &* s, y, q &+ 2 &* s &* p, s, w + 2 &* p, isTurned) }
      }
    case 3:
      for p in groups {
        for q in 0..<s { butterfly3(x, q &+ s &* p, m &* s, y, q &+ 3 &* s &* p, s, w + 4 &* p, isTurned) }
      }
    case 4:
      for p in groups {
        for q in 0..<s { butterfly4(x, q &+ s &* p, m &* s, y, q &+ 4 &* s &* p, s, w + 6 &* p, isTurned) }
      }
    default:
      for p in groups {
        for q in 0..<s { butterfly5(x, q &+ s &* p, m &* s, y, q &+ 5 &* s &* p, s, w + 8 &* p, isTurned) }
      }
    }
  }
}

/// Complex vectors in memory.
private struct Elements<T: KernelScalar, V: LaneVector> where V.Scalar == T {
  let base: UnsafeMutablePointer<T>
  let imaginary: Int
  let stride: Int

  subscript(_ i: Int) -> (re: V, im: V) {
    @inline(__always) get {
      let place = base + i &* stride
      return (
        UnsafeRawPointer(place).loadUnaligned(as: V.self),
        UnsafeRawPointer(place + imaginary).loadUnaligned(as: V.self)
      )
    }
    @inline(__always) nonmutating set {
      let place = base + i &* stride
      UnsafeMutableRawPointer(place).storeBytes(of: newValue.re, as: V.self)
      UnsafeMutableRawPointer(place + imaginary).storeBytes(of: newValue.im, as: V.self)
    }
  }
}

// MARK: - Butterflies, from x[a], x[a + m], ... to y[b], y[b + s], ...

extension FourierTransform {
  /// z times the twiddle w.
  @inline(__always)
  private func turned<V: LaneVector>(_ re: V, _ im: V, _ w: UnsafePointer<T>, _ isTurned: Bool) -> (
    re: V, im: V
  )
  where V.Scalar == T {
    guard isTurned else { return (re, im) }
    let (c, s) = (V(repeating: w[0]), V(repeating: w[1]))
    return ((re * c).addingProduct(-s, im), (im * c).addingProduct(s, re))
  }

  @inline(__always)
  private func butterfly2<V>(
    _ x: Elements<T, V>, _ i: Int, _ m: Int, _ y: Elements<T, V>, _ o: Int, _ s: Int, _ w: UnsafePointer<T>,
    _ isTurned: Bool
  ) {
    let (a, b) = (x[i], x[i &+ m])
    y[o] = (a.re + b.re, a.im + b.im)
    y[o &+ s] = turned(a.re - b.re, a.im - b.im, w, isTurned)
  }

  @inline(__always)
  private func butterfly3<V>(
    _ x: Elements<T, V>, _ i: Int, _ m: Int, _ y: Elements<T, V>, _ o: Int, _ s: Int, _ w: UnsafePointer<T>,
    _ isTurned: Bool
  ) {
    let (sine, half) = (V(repeating: 0.866_025_403_784_438_6), V(repeating: -0.5))
    let (a, b, c) = (x[i], x[i &+ m], x[i &+ 2 &* m])
    let (sumR, sumI) = (b.re + c.re, b.im + c.im)
    let (turnR, turnI) = ((b.re - c.re) * sine, (b.im - c.im) * sine)
    let (middleR, middleI) = (a.re.addingProduct(half, sumR), a.im.addingProduct(half, sumI))
    y[o] = (a.re + sumR, a.im + sumI)
    y[o &+ s] = turned(middleR + turnI, middleI - turnR, w, isTurned)
    y[o &+ 2 &* s] = turned(middleR - turnI, middleI + turnR, w + 2, isTurned)
  }

  @inline(__always)
  private func butterfly4<V>(
    _ x: Elements<T, V>, _ i: Int, _ m: Int, _ y: Elements<T, V>, _ o: Int, _ s: Int, _ w: UnsafePointer<T>,
    _ isTurned: Bool
  ) {
    let (a, b, c, d) = (x[i], x[i &+ m], x[i &+ 2 &* m], x[i &+ 3 &* m])
    let (evenR, evenI, oddR, oddI) = (a.re + c.re, a.im + c.im, a.re - c.re, a.im - c.im)
    let (sumR, sumI, turnR, turnI) = (b.re + d.re, b.im + d.im, b.re - d.re, b.im - d.im)
    y[o] = (evenR + sumR, evenI + sumI)
    y[o &+ s] = turned(oddR + turnI, oddI - turnR, w, isTurned)
    y[o &+ 2 &* s] = turned(evenR - sumR, evenI - sumI, w + 2, isTurned)
    y[o &+ 3 &* s] = turned(oddR - turnI, oddI + turnR, w + 4, isTurned)
  }

  @inline(__always)
  private func butterfly5<V>(
    _ x: Elements<T, V>, _ i: Int, _ m: Int, _ y: Elements<T, V>, _ o: Int, _ s: Int, _ w: UnsafePointer<T>,
    _ isTurned: Bool
  ) {
    // cos and sin of 2 pi / 5 and 4 pi / 5.
    let (c1, c2) = (V(repeating: 0.309_016_994_374_947_45), V(repeating: -0.809_016_994_374_947_5))
    let (s1, s2) = (V(repeating: 0.951_056_516_295_153_5), V(repeating: 0.587_785_252_292_473_1))
    let (a, b, c, d, e) = (x[i], x[i &+ m], x[i &+ 2 &* m], x[i &+ 3 &* m], x[i &+ 4 &* m])
    let (sum1R, sum1I, sum2R, sum2I) = (b.re + e.re, b.im + e.im, c.re + d.re, c.im + d.im)
    let (turn1R, turn1I, turn2R, turn2I) = (b.re - e.re, b.im - e.im, c.re - d.re, c.im - d.im)
    let even1R = a.re.addingProduct(c1, sum1R).addingProduct(c2, sum2R)
    let even1I = a.im.addingProduct(c1, sum1I).addingProduct(c2, sum2I)
    let even2R = a.re.addingProduct(c2, sum1R).addingProduct(c1, sum2R)
    let even2I = a.im.addingProduct(c2, sum1I).addingProduct(c1, sum2I)
    let odd1R = (turn1R * s1).addingProduct(s2, turn2R)
    let odd1I = (turn1I * s1).addingProduct(s2, turn2I)
    let odd2R = (turn1R * s2).addingProduct(-s1, turn2R)
    let odd2I = (turn1I * s2).addingProduct(-s1, turn2I)
    y[o] = (a.re + sum1R + sum2R, a.im + sum1I + sum2I)
    y[o &+ s] = turned(even1R + odd1I, even1I - odd1R, w, isTurned)
    y[o &+ 2 &* s] = turned(even2R + odd2I, even2I - odd2R, w + 2, isTurned)
    y[o &+ 3 &* s] = turned(even2R - odd2I, even2I + odd2R, w + 4, isTurned)
    y[o &+ 4 &* s] = turned(even1R - odd1I, even1I + odd1R, w + 6, isTurned)
  }
}
