// Bloch phases of every atom on every wavevector: Phi[k][m] = cos(k.r_m), Phi[Nk + k][m] = sin(k.r_m).
//
// With f = r A^-1, k.r = 2 pi n.f, so that e^{ik.r} is a product of three powers of e^{2 pi i f_a}: one sine
// and cosine per atom and axis, the rest multiplications. Always in Double, stored as T.
// Layout: [2 Nk][stride] with atoms contiguous and `stride` a multiple of 8; entries past N are not defined.

import Foundation
import Kernels
import Lattice

final class PhaseTable<T: KernelScalar> {
  private(set) var wavevectorCount = 0
  private(set) var atomCount = 0
  /// Elements from one wavevector's row to the next.
  private(set) var stride = 0
  private let values = Workspace<T>()
  /// Powers of the phases of eight atoms, one slot per thread.
  private var powers: [Workspace<Lanes>] = []

  /// Eight atoms at a time.
  private typealias Lanes = SIMD8<Double>

  var pointer: UnsafeMutablePointer<T> { values.pointer }

  func update(positions: [Vector3], cell: Cell, grid: KGrid, threads: Int) {
    atomCount = positions.count
    wavevectorCount = grid.integers.count
    stride = (atomCount + Lanes.scalarCount - 1) / Lanes.scalarCount * Lanes.scalarCount
    values.reserve(2 * wavevectorCount * stride)

    let extent = grid.extent
    // Rows of the power table: cos and sin of 2 pi n f for n = -extent ... extent, axis after axis.
    let rows = 2 &* extent &+ 1
    let origin = SIMD3(extent.x, rows.x + extent.y, rows.x + rows.y + extent.z)
    while powers.count < threads { powers.append(Workspace()) }
    for slot in powers { slot.reserve(2 * rows.wrappedSum()) }

    let table = values.pointer
    let (stride, wavevectorCount, integers) = (stride, wavevectorCount, grid.integers)
    parallel(threads: threads, count: stride / Lanes.scalarCount) { thread, groups in
      let powers = self.powers[thread].pointer
      for group in groups {
        let first = group * Lanes.scalarCount
        fillPowers(powers, positions: positions, first: first, cell: cell, extent: extent, origin: origin)
        for (k, n) in integers.enumerated() {
          let index = (origin &+ n) &* 2
          let (cx, sx) = (powers[index.x], powers[index.x + 1])
          let (cy, sy) = (powers[index.y], powers[index.y + 1])
          let (cz, sz) = (powers[index.z], powers[index.z + 1])
          let (cxy, sxy) = (cx * cy - sx * sy, cx * sy + sx * cy)
          let cosine = cxy * cz - sxy * sz
          let sine = cxy * sz + sxy * cz
          let cosineRow = table + k * stride + first
          let sineRow = table + (wavevectorCount + k) * stride + first
          for lane in 0..<Lanes.scalarCount {
            cosineRow[lane] = T(cosine[lane])
            sineRow[lane] = T(sine[lane])
          }
        }
      }
    }
  }

  /// e^{2 pi i n f_a} for eight atoms: z^n = z^{n-1} z, and z^{-n} its conjugate.
  private func fillPowers(
    _ powers: UnsafeMutablePointer<Lanes>, positions: [Vector3], first: Int, cell: Cell, extent: SIMD3<Int>,
    origin: SIMD3<Int>
  ) {
    var angles = (Lanes.zero, Lanes.zero, Lanes.zero)
    for lane in 0..<min(Lanes.scalarCount, positions.count - first) {
      let f = positions[first + lane] * cell.inverse
      let wrapped = (f - f.rounded(.down)) * (2 * Double.pi)
      angles.0[lane] = wrapped.x
      angles.1[lane] = wrapped.y
      angles.2[lane] = wrapped.z
    }
    for axis in 0..<3 {
      let angle = axis == 0 ? angles.0 : axis == 1 ? angles.1 : angles.2
      var cosine = Lanes.zero
      var sine = Lanes.zero
      for lane in 0..<Lanes.scalarCount {
        cosine[lane] = cos(angle[lane])
        sine[lane] = sin(angle[lane])
      }
      var (c, s) = (Lanes(repeating: 1), Lanes.zero)
      powers[2 * origin[axis]] = c
      powers[2 * origin[axis] + 1] = s
      for n in Swift.stride(from: 1, through: extent[axis], by: 1) {
        (c, s) = (c * cosine - s * sine, c * sine + s * cosine)
        powers[2 * (origin[axis] + n)] = c
        powers[2 * (origin[axis] + n) + 1] = s
        powers[2 * (origin[axis] - n)] = c
        powers[2 * (origin[axis] - n) + 1] = -s
      }
    }
  }
}

extension PhaseTable {
  /// Adjoint of the phases for a block of wavevectors: adds to dE/dr_m
  /// sum_k k (cos(k.r_m) dPhi[Nk + k][m] - sin(k.r_m) dPhi[k][m]).
  ///
  /// `cosineGradient` and `sineGradient` hold dPhi for `block` x `atoms` with row stride `gradientStride`;
  /// `gradient` is [3][axisStride] over all atoms.
  func addGradient(
    wavevectors: [Vector3], block: Range<Int>, atoms: Range<Int>, cosineGradient: UnsafePointer<T>,
    sineGradient: UnsafePointer<T>, gradientStride: Int, to gradient: UnsafeMutablePointer<Double>,
    axisStride: Int
  ) {
    let gx = gradient + atoms.lowerBound
    let gy = gx + axisStride
    let gz = gy + axisStride
    let count = atoms.count
    for (row, k) in block.enumerated() {
      let wavevector = wavevectors[k]
      let (kx, ky, kz) = (wavevector.x, wavevector.y, wavevector.z)
      let cosine = pointer + k * stride + atoms.lowerBound
      let sine = pointer + (wavevectorCount + k) * stride + atoms.lowerBound
      let dCosine = cosineGradient + row * gradientStride
      let dSine = sineGradient + row * gradientStride
      for m in 0..<count {
        let slope = Double(cosine[m] * dSine[m] - sine[m] * dCosine[m])
        gx[m] += kx * slope
        gy[m] += ky * slope
        gz[m] += kz * slope
      }
    }
  }
}
