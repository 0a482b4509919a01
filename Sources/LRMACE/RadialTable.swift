// Radial functions R_f(r), f = (path, channel), of one layer: a silu network of the Bessel basis depends on the
// distance alone, so it is tabulated once at load as quintic splines and never evaluated in a step:
//   R_f(r) = sum_k c_k,f B(s(r) - k),   s = 2 n r / (r + rc)   (RadialKnots.swift),
// B the uniform B-spline of degree five: one row of the table per knot, so that what a step reads of it stays in the
// cache.
//
// Where pairs of elements differ in them, the knots of the next pair follow those of the last: a longer table, of which the
// elements of an edge say where its own begins.
//
// Table: [path][vector of channels][pair][knot][lane]; interval i takes rows i to i + 5, which lie side by side: with all
// channels of a path in one row, the rows that a vector of channels reads would share a few sets of the first cache and drive
// one another out. Distances in Angstrom. With many registers, messages evaluate functions where they sum over edges, so that
// rows arrive from the second cache while sums run: a twelfth off the messages forward (128x0e, Zen 4).

import Foundation
import Kernels

struct RadialTable<T: KernelScalar> {
  /// Functions of all paths, and the channels of one, padded by the caller to whole lanes.
  let functions: Int
  private let channels: Int
  let intervals: Int
  private let cutoff: T
  private let rounding: T
  private let table: Workspace<T>
  /// Of one pair of elements.
  var knots: Int { intervals &+ 5 }
  /// Of all pairs: an odd number, so that vectors of channels fall into different sets of the first cache.
  private let rows: Int
  /// Those whose tables follow one another; one nil for all.
  let pairs: [ElementPair?]
  /// [element of the centre][element of the neighbour] of all that the model has: first row of the pair. Nil for one table.
  private let firstRows: Workspace<T>?
  private let species: Int

  /// The functions of pairs of `elements`.
  init(_ functions: RadialFunctions, elements: [Int], species: Int, channels: Int, paddedChannels: Int) {
    guard functions.dependsOnElements else {
      self.init([functions.spline(of: nil)], channels: channels, paddedChannels: paddedChannels)
      return
    }
    var pairs: [(s: Int, z: Int)] = []
    for s in elements { for z in elements where z >= s { pairs.append((s, z)) } }
    self.init(
      pairs.map { functions.spline(of: functions.pair($0.s, $0.z)) }, species: species,
      pairs: pairs.map { [$0, ($0.z, $0.s)] }, channels: channels, paddedChannels: paddedChannels)
  }

  /// One table for each of the splines, which have the same knots; functions [path][channel] are spread to
  /// [path][paddedChannels].
  ///
  /// - Parameters:
  ///   - species: elements of the model.
  ///   - pairs: elements of centre and neighbour that each spline is for; none for one spline for all.
  init(
    _ splines: [RadialSpline], species: Int = 0, pairs: [[(s: Int, z: Int)]] = [], channels: Int,
    paddedChannels: Int
  ) {
    let all = splines[0].coefficients.columns
    functions = all / channels * paddedChannels
    intervals = splines[0].intervals
    cutoff = T(splines[0].cutoff)
    rounding = T(3 << (T.significandBitCount - 1))
    self.channels = paddedChannels
    let (knots, lanes) = (intervals + 5, T.Lanes.scalarCount)
    let rows = splines.count * knots | 1
    self.rows = rows
    self.species = species
    self.pairs = pairs.isEmpty ? [nil] : pairs.map { ElementPair($0[0].s, $0[0].z) }
    firstRows = pairs.isEmpty ? nil : Workspace<T>(repeating: 0, count: species * species)
    for (k, list) in pairs.enumerated() {
      for (s, z) in list { firstRows?.pointer[s * species + z] = T(k * knots) }
    }
    table = Workspace<T>(repeating: 0, count: rows * functions)
    for (k, spline) in splines.enumerated() {
      spline.coefficients.values.withUnsafeBufferPointer { values in
        for p in 0..<all / channels {
          for c in 0..<channels {
            let f = p * paddedChannels + c
            let target = table.pointer + ((f - f % lanes) * rows + k * knots * lanes + f % lanes)
            for row in 0..<knots { target[row * lanes] = T(values[row * all + p * channels + c]) }
          }
        }
      }
    }
  }

  // MARK: - Evaluation

  /// Where a vector of distances lies in the table: six weights of R, six of dR/dr, and the first row.
  private static var locationLength: Int { 13 }

  /// Vectors of lanes that `locate` writes for so many distances.
  static func locationCount(_ distances: Int) -> Int {
    (distances / T.Lanes.scalarCount + 1) * locationLength
  }

  /// Where the edges of a centre lie in the table, by their lengths and elements.
  @inline(__always)
  func locate(
    _ edges: Edges<T>, centre: Int, species kinds: [Int], into locations: UnsafeMutablePointer<T.Lanes>
  ) {
    locate(edges.lengths, count: edges.count, into: locations)
    guard let firstRows else { return }
    let lanes = T.Lanes.scalarCount
    let first = firstRows.pointer + centre &* species
    for e in 0..<edges.count {
      let row = locations.numbers(e / lanes &* Self.locationLength &+ 12) + e % lanes
      row.pointee += first[kinds[Int(edges.neighbors[e])]]
    }
  }

  /// Where distances lie in the first pair's table, one distance per lane. `distances` may be read up to whole lanes.
  @inline(__always)
  func locate(
    _ distances: UnsafePointer<T>, count: Int, into locations: UnsafeMutablePointer<T.Lanes>
  ) {
    let lanes = T.Lanes.scalarCount
    let last = T.Lanes(repeating: T(intervals &- 1))
    let scale = 1 / T(120)
    var target = locations
    for e in stride(from: 0, to: count, by: lanes) {
      let r = distances.lanes(e)
      let density = T(2 &* intervals) / (r + cutoff)
      let s = density * r
      // Adding 1.5 x 2^(mantissa bits) rounds to whole numbers.
      let whole = (s - 0.5 + rounding) - rounding
      let interval = whole.replacing(with: last, where: whole .> last)
      let t = s - interval
      // B is even: pieces on its two sides are each other's mirror images.
      let (left, right) = (Self.pieces(1 - t), Self.pieces(t))
      (target[0], target[1], target[2]) = left.value
      (target[5], target[4], target[3]) = right.value
      (target[6], target[7], target[8]) = left.slope
      (target[11], target[10], target[9]) = right.slope
      let rise = density * (cutoff * scale) / (r + cutoff)
      for k in 0..<6 { target[k] *= scale }
      for k in 6..<9 { target[k] *= -rise }
      for k in 9..<12 { target[k] *= rise }
      target[12] = interval
      target += Self.locationLength
    }
  }

  /// 120 times the rising side of B, t behind the beginning of each of its three unit pieces.
  @inline(__always)
  private static func pieces(
    _ t: T.Lanes
  ) -> (value: (T.Lanes, T.Lanes, T.Lanes), slope: (T.Lanes, T.Lanes, T.Lanes)) {
    let t4 = (t * t) * (t * t)
    return (
      (t4 * t, T.polynomial([-5, 5, 10, 10, 5, 1], t), T.polynomial([10, -20, -20, 20, 50, 26], t)),
      (5 * t4, T.polynomial([-25, 20, 30, 20, 5], t), T.polynomial([50, -80, -60, 40, 50], t))
    )
  }

  /// The weights of distance `n`, a vector of lanes apart, and the first functions' rows that they weigh.
  @inline(__always)
  private func location(
    _ n: Int, _ locations: UnsafePointer<T.Lanes>
  ) -> (weights: UnsafePointer<T>, rows: UnsafePointer<T>) {
    let lanes = T.Lanes.scalarCount
    let vector = UnsafeRawPointer(locations + n / lanes &* Self.locationLength)
    let weights = vector.assumingMemoryBound(to: T.self) + n % lanes
    let row = weights[12 &* lanes].wholePart
    return (weights, UnsafePointer(table.pointer + row &* lanes))
  }

  /// R_f of distance `n` for as many lanes of channels of path `p` from `c` on as are asked for.
  @inline(__always)
  func values<let lanes: Int>(
    _ n: Int, of locations: UnsafePointer<T.Lanes>, path p: Int, channel c: Int
  ) -> InlineArray<lanes, T.Lanes> {
    let (weights, first) = location(n, locations)
    let w = InlineArray<6, T.Lanes> { T.Lanes(repeating: weights[$0 &* T.Lanes.scalarCount]) }
    return sums(first + (p &* channels &+ c) &* rows, w)
  }

  /// Writes R_f of distance `n` for the channels of path `p` to `value`.
  @inline(__always)
  func evaluate(
    _ n: Int, of locations: UnsafePointer<T.Lanes>, path p: Int, into value: UnsafeMutablePointer<T>
  ) {
    let lanes = T.Lanes.scalarCount
    let (weights, first) = location(n, locations)
    let w = InlineArray<6, T.Lanes> { T.Lanes(repeating: weights[$0 &* lanes]) }
    for c in stride(from: 0, to: channels, by: lanes) {
      let r: InlineArray<1, T.Lanes> = sums(first + (p &* channels &+ c) &* rows, w)
      value.setLanes(c, r[0])
    }
  }

  /// sum_k w_k c_k,f of the six rows from `first` on, and of those of the next vectors of channels.
  @inline(__always)
  private func sums<let lanes: Int>(
    _ first: UnsafePointer<T>, _ w: InlineArray<6, T.Lanes>
  ) -> InlineArray<lanes, T.Lanes> {
    let width = T.Lanes.scalarCount
    let next = width &* rows
    var sum = InlineArray<lanes, T.Lanes> { first.lanes($0 &* next) * w[0] }
    for k in 1..<6 {
      for v in 0..<lanes { sum[v].addProduct(first.lanes(k &* width &+ v &* next), w[k]) }
    }
    return sum
  }

  /// Writes R_f of distance `n` to `value[f]` and dR_f/dr to `slope[f]`.
  @inline(__always)
  func evaluate(
    _ n: Int, of locations: UnsafePointer<T.Lanes>, into value: UnsafeMutablePointer<T>,
    slope: UnsafeMutablePointer<T>
  ) {
    let lanes = T.Lanes.scalarCount
    let (weights, first) = location(n, locations)
    let w = InlineArray<12, T.Lanes> { T.Lanes(repeating: weights[$0 &* lanes]) }
    var next = first
    for f in stride(from: 0, to: functions, by: lanes) {
      let first = next.lanes(0)
      var (sum, rise) = (first * w[0], first * w[6])
      for k in 1..<6 {
        let row = next.lanes(k &* lanes)
        sum.addProduct(row, w[k])
        rise.addProduct(row, w[6 &+ k])
      }
      value.setLanes(f, sum)
      slope.setLanes(f, rise)
      next += lanes &* rows
    }
  }

  // MARK: - Adjoint

  /// Values of dE/dc, as the tables.
  var gradientCount: Int { rows &* functions }

  /// Those of one spline.
  func gradientCount(modelChannels: Int) -> Int { (intervals + 5) * functions / channels * modelChannels }

  /// Adds to dE/dc what comes of dE/dR_f of distance `n` for the channels of path `p`.
  @inline(__always)
  func addAdjoint(
    _ n: Int, of locations: UnsafePointer<T.Lanes>, path p: Int, gradient: UnsafePointer<T>,
    to coefficients: UnsafeMutablePointer<T>
  ) {
    let lanes = T.Lanes.scalarCount
    let (weights, first) = location(n, locations)
    let target = coefficients + (first - UnsafePointer(table.pointer))
    let w = InlineArray<6, T.Lanes> { T.Lanes(repeating: weights[$0 &* lanes]) }
    for c in stride(from: 0, to: channels, by: lanes) {
      let g = gradient.lanes(c)
      for k in 0..<6 {
        let row = (p &* channels &+ c) &* rows &+ k &* lanes
        target.setLanes(row, target.lanes(row).addingProduct(g, w[k]))
      }
    }
  }

  /// Adds `factor` times dE/dc to that of a spline's coefficients, [knot][path][modelChannels].
  ///
  /// - Parameters:
  ///   - k: which of the splines.
  ///   - range: the knots whose coefficients are added to.
  func addGradient(
    _ gradient: UnsafePointer<T>, spline k: Int, _ range: Range<Int>, modelChannels: Int, factor: Double,
    to coefficients: UnsafeMutablePointer<Double>
  ) {
    let (paths, lanes) = (functions / channels, T.Lanes.scalarCount)
    for row in range {
      for p in 0..<paths {
        let target = coefficients + (row * paths + p) * modelChannels
        for c in 0..<modelChannels {
          let f = p * channels + c
          target[c] +=
            factor * Double(gradient[(f - f % lanes) * rows + (k * knots + row) * lanes + f % lanes])
        }
      }
    }
  }
}
