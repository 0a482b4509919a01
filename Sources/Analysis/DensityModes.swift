// Fourier components of densities on the wavevectors of the cell:
//
//   rho_c(k) = sum_{i in c} w_i exp(i k . r_i),     k(n) = 2 pi n A^-T, one of each pair +-n, 0 < |k| <= k_max
//
// exp(i k.r) is a product of three powers of exp(2 pi i f_a): one sine and cosine for each atom and axis. O(N V k_max^3).

import Foundation
import Kernels
import Lattice

/// A sum over atoms: those of an element, or all with their charges as weights.
struct DensityChannel {
  let atoms: [Int]
  let weights: [Double]
}

enum DensityModes {
  /// Calls `body` with every wavevector, its integers, and [real, imaginary] of each channel.
  static func forEach(
    _ system: AtomicSystem, _ channels: [DensityChannel], largest: Double,
    _ body: (_ integers: SIMD3<Int>, _ k: Vector3, _ modes: [(Double, Double)]) -> Void
  ) {
    let extent = extent(system.cell, largest: largest)
    let reciprocal = system.cell.reciprocal
    let tables = channels.map { PowerTable($0, system, extent) }
    var modes = [(Double, Double)](repeating: (0, 0), count: channels.count)
    for x in 0...extent.x {
      for y in (x == 0 ? 0 : -extent.y)...extent.y {
        for table in tables { table.setPlane(x, y) }
        let inPlane = Double(x) * reciprocal.x + Double(y) * reciprocal.y
        for z in (x == 0 && y == 0 ? 1 : -extent.z)...max(1, extent.z) {
          let k = inPlane + Double(z) * reciprocal.z
          guard z <= extent.z, dot(k, k) <= largest * largest else { continue }
          for c in channels.indices { modes[c] = tables[c].sum(z) }
          body(SIMD3(x, y, z), k, modes)
        }
      }
    }
  }

  /// Wavevectors, V k_max^3 / (12 pi^2), that are computed unless a user asks for more.
  private static let mostByDefault = 10_000.0

  /// `largest` in 1/Angstrom, or less in a cell that has too many wavevectors up to it.
  static func affordable(_ largest: Double, in cell: Cell) -> Double {
    min(largest, cbrt(mostByDefault * 12 * .pi * .pi / cell.volume))
  }

  /// Largest |n_a| of |k| <= k_max: n_a = k.a / 2 pi.
  static func extent(_ cell: Cell, largest: Double) -> SIMD3<Int> {
    var extent = SIMD3<Int>.zero
    for axis in 0..<3 {
      extent[axis] = Int((largest * length(cell.vectors[axis]) / (2 * .pi) + 1e-9).rounded(.down))
    }
    return extent
  }
}

/// Powers of the phases of one channel's atoms, eight atoms to a vector.
private final class PowerTable {
  private typealias Lanes = SIMD8<Double>
  private let groups: Int
  private let extent: SIMD3<Int>
  /// cos and, next to them, sin of 2 pi n f_a, [2 extent + 1][2][groups] for each axis; those of the first are weighted.
  private let powers: [Workspace<Lanes>]
  /// The products of the powers along the first two axes, [2][groups].
  private let plane = Workspace<Lanes>()

  init(_ channel: DensityChannel, _ system: AtomicSystem, _ extent: SIMD3<Int>) {
    self.extent = extent
    let groups = (channel.atoms.count + 7) / 8
    self.groups = groups
    plane.reserve(2 * groups)
    let angles = channel.atoms.map { atom in
      let f = system.cell.fractional(system.positions[atom])
      return (f - f.rounded(.down)) * (2 * .pi)
    }
    powers = (0..<3).map { axis in
      let powers = Workspace<Lanes>()
      let rows = powers.reserve(2 * groups * (2 * extent[axis] + 1))
      let origin = rows + 2 * groups * extent[axis]
      for group in 0..<groups {
        var (c1, s1, c, s) = (Lanes(repeating: 1), Lanes.zero, Lanes.zero, Lanes.zero)
        for lane in 0..<min(8, angles.count - 8 * group) {
          let atom = 8 * group + lane
          (c1[lane], s1[lane]) = (cos(angles[atom][axis]), sin(angles[atom][axis]))
          // Lanes without an atom keep the weight zero.
          c[lane] = axis == 0 ? channel.weights[atom] : 1
        }
        for n in 0...extent[axis] {
          let (up, down) = (origin + 2 * groups * n + group, origin - 2 * groups * n + group)
          (up[0], up[groups], down[0], down[groups]) = (c, s, c, -s)
          (c, s) = (c * c1 - s * s1, c * s1 + s * c1)
        }
      }
      return powers
    }
  }

  private func row(_ axis: Int, _ n: Int) -> UnsafeMutablePointer<Lanes> {
    powers[axis].pointer + 2 * groups * (extent[axis] + n)
  }

  func setPlane(_ x: Int, _ y: Int) {
    let (px, py, plane) = (row(0, x), row(1, y), plane.pointer)
    for g in 0..<groups {
      let (cx, sx, cy, sy) = (px[g], px[groups + g], py[g], py[groups + g])
      plane[g] = cx * cy - sx * sy
      plane[groups + g] = cx * sy + sx * cy
    }
  }

  func sum(_ z: Int) -> (Double, Double) {
    let (pz, plane) = (row(2, z), plane.pointer)
    var (real, imaginary) = (Lanes.zero, Lanes.zero)
    for g in 0..<groups {
      let (c, s) = (pz[g], pz[groups + g])
      real += plane[g] * c - plane[groups + g] * s
      imaginary += plane[g] * s + plane[groups + g] * c
    }
    return (real.sum(), imaginary.sum())
  }
}

/// Means over wavevectors of about one length: bins of |k|.
struct WavevectorBins: Sendable {
  let width: Double
  let count: Int

  /// - Parameter largest: k_max in 1/Angstrom.
  init(width: Double, largest: Double) {
    self.width = width
    count = Int((largest / width).rounded(.up)) + 1
  }

  func bin(_ k: Double) -> Int { min(count - 1, Int(k / width)) }
}
