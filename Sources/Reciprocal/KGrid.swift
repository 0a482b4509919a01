// The wavevectors of a cell: k(n) = 2 pi n A^-T for integers n with 0 < |k| <= k_max, one of each pair +-n
// (the first non-zero component of n is positive). 1/Angstrom.
//
// In a changing cell the integers are kept while k and V follow the strain: energy and stress stay smooth.

import Lattice

/// A set of integer wavevectors, chosen in one cell and usable in every strained copy of it.
public struct KGrid: Sendable {
  /// Half-space integers by ascending |k| in the cell that chose them.
  public let integers: [SIMD3<Int>]
  /// The kernel of width `sigmas[j]` uses the first `counts[j]` integers.
  public let counts: [Int]

  public init(cell: Cell, kernel: ReciprocalKernel) {
    if kernel.weight == .top6 {
      let longest = (0..<3).map { dot(cell.vectors[$0], cell.vectors[$0]).squareRoot() }.max() ?? 0
      let shells = Self.halfSpace(cell: cell, cutoff: 3 * 2 * .pi / longest + 1e-6)
      integers = shells.prefix(3).map(\.integers)
      counts = kernel.sigmas.map { [count = integers.count] _ in count }
    } else {
      let cutoffs = kernel.sigmas.map(kernel.cutoff)
      let shells = Self.halfSpace(cell: cell, cutoff: cutoffs.max() ?? 0)
      integers = shells.map(\.integers)
      counts = cutoffs.map { cutoff in
        shells.firstIndex { $0.kSquared > cutoff * cutoff } ?? shells.count
      }
    }
  }

  /// Largest |n_a| along each axis.
  public var extent: SIMD3<Int> {
    integers.reduce(into: SIMD3<Int>.zero) { extent, n in
      for axis in 0..<3 { extent[axis] = max(extent[axis], abs(n[axis])) }
    }
  }

  /// Integers with 0 < |k| <= cutoff, ordered by |k|, then by components.
  static func halfSpace(cell: Cell, cutoff: Double) -> [(integers: SIMD3<Int>, kSquared: Double)] {
    let reciprocal = cell.reciprocal
    // n_a = k.a / 2 pi, so |n_a| <= k_max |a| / 2 pi.
    let limit = (0..<3).map { axis in
      Int(cutoff * dot(cell.vectors[axis], cell.vectors[axis]).squareRoot() / (2 * .pi) + 1e-9)
    }
    var shells: [(integers: SIMD3<Int>, kSquared: Double)] = []
    for x in 0...limit[0] {
      for y in -limit[1]...limit[1] {
        for z in -limit[2]...limit[2] where x > 0 || y > 0 || (y == 0 && z > 0) {
          let k = Vector3(Double(x), Double(y), Double(z)) * reciprocal
          let kSquared = dot(k, k)
          if kSquared <= cutoff * cutoff { shells.append((SIMD3(x, y, z), kSquared)) }
        }
      }
    }
    // Equal lengths differ in the last bits: rounding lets the components decide.
    func key(_ shell: (integers: SIMD3<Int>, kSquared: Double)) -> (Double, Int, Int, Int) {
      let n = shell.integers
      return ((shell.kSquared * 1e10).rounded(), n.x, n.y, n.z)
    }
    return shells.sorted { key($0) < key($1) }
  }
}
