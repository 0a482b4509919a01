// The wavevectors of a cell: k(n) = 2 pi n A^-T for integers n with 0 < |k| <= k_max, one of each pair +-n
// (the first non-zero component of n is positive). 1/Angstrom.
//
// In a changing cell the integers are kept while k and V follow the strain: energy and stress stay smooth.

import Lattice

/// A set of integer wavevectors, chosen in one cell and usable in every strained copy of it.
public struct KGrid: Sendable {
  /// Half-space integers by ascending |k| in the cell that chose them; zero first, where it counts.
  public let integers: [SIMD3<Int>]
  /// The kernel of width `sigmas[j]` uses the first `counts[j]` integers.
  public let counts: [Int]

  /// - Parameter includesZero: whether k = 0 has a weight, too, as with open axes and dispersion.
  public init(cell: Cell, kernel: ReciprocalKernel, includesZero: Bool = false) {
    if kernel.weight == .top6 {
      let longest = (0..<3).map { dot(cell.vectors[$0], cell.vectors[$0]).squareRoot() }.max() ?? 0
      let shells = Self.halfSpace(cell: cell, cutoff: 3 * 2 * .pi / longest + min(1e-6, 1e-3 / longest))
      integers = shells.prefix(3).map(\.integers)
      counts = kernel.sigmas.map { [count = integers.count] _ in count }
    } else {
      let cutoffs = kernel.sigmas.map(kernel.cutoff)
      let shells = Self.halfSpace(cell: cell, cutoff: cutoffs.max() ?? 0)
      let zero: [SIMD3<Int>] = includesZero ? [.zero] : []
      integers = zero + shells.map(\.integers)
      counts = cutoffs.map { cutoff in
        zero.count + (shells.firstIndex { $0.kSquared > cutoff * cutoff } ?? shells.count)
      }
    }
  }

  /// Largest |n_a| along each axis.
  public var extent: SIMD3<Int> {
    integers.reduce(into: SIMD3<Int>.zero) { extent, n in
      for axis in 0..<3 { extent[axis] = max(extent[axis], abs(n[axis])) }
    }
  }

  /// About how many wavevectors a kernel keeps, V k_max^3 / (12 pi^2), and how many are looked at to find them: half of
  /// the box around the sphere. Counted without making them; both may be beyond any memory.
  static func estimate(cell: Cell, kernel: ReciprocalKernel) -> (kept: Double, tried: Double) {
    guard kernel.weight != .top6 else { return (3, 3) }
    let cutoff = kernel.cutoff(sigma: kernel.sigmas.min() ?? 1)
    let extent = extent(cell: cell, cutoff: cutoff)
    return (
      cell.volume * cutoff * cutoff * cutoff / (12 * .pi * .pi),
      (extent.x + 1) * (2 * extent.y + 1) * (2 * extent.z + 1)
    )
  }

  /// Largest |n_a| of |k| <= cutoff: n_a = k.a / 2 pi, so |n_a| <= k_max |a| / 2 pi.
  private static func extent(cell: Cell, cutoff: Double) -> Vector3 {
    var extent = Vector3.zero
    for axis in 0..<3 {
      let length = dot(cell.vectors[axis], cell.vectors[axis]).squareRoot()
      extent[axis] = (cutoff * length / (2 * .pi) + 1e-9).rounded(.down)
    }
    return extent
  }

  private struct Shell {
    let integers: SIMD3<Int>
    let kSquared: Double
    /// Equal lengths differ in the last bits: rounding lets the components decide.
    let rank: Double

    static func isBefore(_ a: Shell, _ b: Shell) -> Bool {
      if a.rank != b.rank { return a.rank < b.rank }
      let (n, m) = (a.integers, b.integers)
      return n.x != m.x ? n.x < m.x : n.y != m.y ? n.y < m.y : n.z < m.z
    }
  }

  /// Integers with 0 < |k| <= cutoff, ordered by |k|, then by components.
  private static func halfSpace(cell: Cell, cutoff: Double) -> [Shell] {
    let reciprocal = cell.reciprocal
    let extent = extent(cell: cell, cutoff: cutoff)
    let (xLimit, yLimit, zLimit) = (Int(extent.x), Int(extent.y), Int(extent.z))
    let scale = 1e10 / min(1, cutoff * cutoff)
    var shells: [Shell] = []
    for x in 0...xLimit {
      for y in -yLimit...yLimit {
        for z in -zLimit...zLimit where x > 0 || y > 0 || (y == 0 && z > 0) {
          let k = Vector3(Double(x), Double(y), Double(z)) * reciprocal
          let kSquared = dot(k, k)
          if kSquared <= cutoff * cutoff {
            shells.append(
              Shell(integers: SIMD3(x, y, z), kSquared: kSquared, rank: (kSquared * scale).rounded()))
          }
        }
      }
    }
    return shells.sorted(by: Shell.isBefore)
  }
}
