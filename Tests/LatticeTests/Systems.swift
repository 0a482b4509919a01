// Configurations and slow, obvious reference versions that the tests share.

import Foundation

@testable import Lattice

/// A pair with its displacement left out: neighbours of `i` in full lists.
struct Pair: Hashable, Comparable {
  var i: Int
  var j: Int
  var image: SIMD3<Int>

  static func < (a: Pair, b: Pair) -> Bool {
    (a.i, a.j, a.image.x, a.image.y, a.image.z) < (b.i, b.j, b.image.x, b.image.y, b.image.z)
  }
}

/// Every pair (i, j, S) with |r_i - r_j - S A| < `cutoff`, by trying all images that could reach.
func bruteForcePairs(positions: [Vector3], cell: Cell, cutoff: Double) -> Set<Pair> {
  var pairs = Set<Pair>()
  for i in positions.indices {
    for j in positions.indices {
      let d = positions[i] - positions[j]
      // |d - S A| >= |f_k - S_k| h_k along every axis
      let f = cell.fractional(d)
      func images(_ axis: Int) -> ClosedRange<Int> {
        guard cell.isPeriodic[axis] else { return 0...0 }
        let reach = cutoff / cell.heights[axis]
        return Int((f[axis] - reach).rounded(.down))...Int((f[axis] + reach).rounded(.up))
      }
      for a in images(0) {
        for b in images(1) {
          for c in images(2) {
            let image = SIMD3(a, b, c)
            guard i != j || image != .zero else { continue }
            if length(d - Vector3(image) * cell.vectors) < cutoff {
              pairs.insert(Pair(i: i, j: j, image: image))
            }
          }
        }
      }
    }
  }
  return pairs
}

extension NeighborList {
  /// All pairs in the order of the list.
  var allPairs: [Pair] {
    (0..<offsets.count - 1).flatMap { i in
      pairs(of: i).map {
        Pair(i: i, j: Int(neighbors[$0]), image: SIMD3<Int>(truncatingIfNeeded: shifts[$0]))
      }
    }
  }

  /// The pairs within `cutoff` at the given positions; nil if the list holds a pair twice.
  func filteredPairs(positions: [Vector3], cell: Cell) -> Set<Pair>? {
    var found = Set<Pair>()
    for i in positions.indices {
      for pair in pairs(of: i)
      where length(displacement(pair, of: i, positions: positions, cell: cell)) < cutoff {
        let image = SIMD3<Int>(truncatingIfNeeded: shifts[pair])
        guard found.insert(Pair(i: i, j: Int(neighbors[pair]), image: image)).inserted else { return nil }
      }
    }
    return found
  }
}

/// Small random numbers for tests, from one counter.
struct TestRandom {
  private let generator: CounterRNG
  private var step: Int64 = 0

  init(seed: UInt64) { generator = CounterRNG(seed: seed) }

  /// Uniform in [-1, 1)^3.
  mutating func vector() -> Vector3 {
    step += 1
    let u = generator.uniforms(step: step, atom: 0, stream: 0)
    return 2 * Vector3(u.x, u.y, u.z) - 1
  }

  mutating func vectors(_ count: Int) -> [Vector3] { (0..<count).map { _ in vector() } }

  /// A right-handed rotation.
  mutating func rotation() -> Matrix3 {
    let x = vector()
    let ex = x / length(x)
    let y = cross(ex, vector())
    let ey = y / length(y)
    return Matrix3(ex, ey, cross(ex, ey))
  }
}
