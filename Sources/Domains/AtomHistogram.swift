// Where planes share out the work of atoms (`AtomWork`) evenly, and how evenly bricks between planes have it.
//
// Along an axis of which the atoms take the share 0 ... 1, W(x) of all work W lies below x. Plane b of n, 0 < b < n, is wanted
// where W(x) = b W / n, in the middle of what fits to a fiftieth of a brick, so that it rather lies in a gap than at its edge:
//
//     x_b = (min {x: W(x) >= m_b - t} + max {x: W(x) <= m_b + t}) / 2          m_b = b W / n, t = W / 50 n, whole numbers
//
// and no brick is to be thinner than w, at most 1 / n: y_b = x_b - b w must not fall with b, nor leave 0 ... 1 - n w. Of all planes
// for which that holds, none has a smaller largest distance from those wanted than (isotonic regression in the maximum norm)
//
//     y'_b = (max_{c <= b} y_c + min_{c >= b} y_c) / 2                 limited to 0 ... 1 - n w
//
// Places are known to 1/4096 of the axis: one pass over the atoms, no sorting.

import Lattice

struct AtomHistogram {
  private static let bins = 4096
  /// The bin of each atom along the three axes.
  private let places: [SIMD3<UInt16>]
  private let work: [Int]
  /// Work below the edges of the bins, [3, bins + 1].
  private let below: [[Int]]

  /// - Parameters:
  ///   - lower: of the fractional coordinates along open axes.
  ///   - extent: of the same, highest minus lowest.
  ///   - reach: R, Angstrom.
  init(_ positions: [Vector3], cell: Cell, lower: Vector3, extent: Vector3, reach: Double) {
    let bins = Double(Self.bins)
    let shares = positions.map { r in
      let f = cell.fractional(r)
      var share = Vector3.zero
      for axis in 0..<3 {
        share[axis] =
          cell.isPeriodic[axis] ? f[axis] - f[axis].rounded(.down) : (f[axis] - lower[axis]) / extent[axis]
      }
      return share
    }
    let work = AtomWork.work(
      shares, lengths: extent * cell.heights, volume: cell.volume * extent.x * extent.y * extent.z,
      isPeriodic: cell.isPeriodic, reach: reach)
    let places = shares.map { share in
      var place = SIMD3<UInt16>.zero
      // What is no number is in the first.
      for axis in 0..<3 { place[axis] = share[axis] >= 0 ? UInt16(min(share[axis] * bins, bins - 1)) : 0 }
      return place
    }
    below = (0..<3).map { axis in
      var below = Array(repeating: 0, count: Self.bins + 1)
      for (place, work) in zip(places, work) { below[Int(place[axis]) + 1] += work }
      for bin in 0..<Self.bins { below[bin + 1] += below[bin] }
      return below
    }
    (self.places, self.work) = (places, work)
  }

  /// W.
  private var all: Int { below[0][Self.bins] }

  /// The n + 1 faces of n bricks along an axis, from 0 to 1.
  ///
  /// - Parameter least: w, where n equal parts are not thinner.
  func planes(_ n: Int, axis: Int, least: Double) -> [Double] {
    let width = min(least, 1 / Double(n))
    let wanted = (1..<n).map { b in quantile(b, of: n, axis: axis) - Double(b) * width }
    var (rising, falling) = (wanted, wanted)
    for b in wanted.indices.dropFirst() { rising[b] = max(rising[b], rising[b - 1]) }
    for b in wanted.indices.dropLast().reversed() { falling[b] = min(falling[b], falling[b + 1]) }
    let inner = wanted.indices.map { b in
      min(max((rising[b] + falling[b]) / 2, 0), 1 - Double(n) * width) + Double(b + 1) * width
    }
    return [0] + inner + [1]
  }

  /// x_b; of no atoms b / n.
  private func quantile(_ b: Int, of n: Int, axis: Int) -> Double {
    guard !places.isEmpty else { return Double(b) / Double(n) }
    let (part, slack) = ((all * b + n / 2) / n, all / (50 * n))
    let (first, last) = (edge(part - slack, axis: axis), edge(part + slack + 1, axis: axis) - 1)
    return Double(first + last) / Double(2 * Self.bins)
  }

  /// The first edge with so much work below it; one more than there are where none has it.
  private func edge(_ part: Int, axis: Int) -> Int {
    var (low, high) = (0, Self.bins + 1)
    while low < high {
      let middle = (low + high) / 2
      if below[axis][middle] < part { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Work of the fullest brick between these planes, of the mean; 1 without atoms.
  func fullness(_ planes: [[Double]]) -> Double {
    guard !places.isEmpty else { return 1 }
    // Part of a brick's number by bin, [3, bins]: its last axis changes fastest.
    var bricks = 1
    var parts: [[Int]] = [[], [], []]
    for axis in (0..<3).reversed() {
      var b = 0
      parts[axis] = (0..<Self.bins).map { bin in
        let middle = (Double(bin) + 0.5) / Double(Self.bins)
        while b + 2 < planes[axis].count, middle >= planes[axis][b + 1] { b += 1 }
        return b * bricks
      }
      bricks *= planes[axis].count - 1
    }
    var sums = Array(repeating: 0, count: bricks)
    for (place, work) in zip(places, work) {
      sums[parts[0][Int(place.x)] + parts[1][Int(place.y)] + parts[2][Int(place.z)]] += work
    }
    return Double(sums.max() ?? 0) * Double(bricks) / Double(all)
  }
}
