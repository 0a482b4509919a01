// The wavevectors of a run, k(n) = 2 pi n A^-T in 1/Angstrom, the weights w_jk of its kernels, and the energy's gradient
// by them. The integers n belong to one cell; k and w follow the present one.
//
// With open axes the cell is a box around the atoms (`TruncationBox`). There, and with a kernel of dispersion, n = 0 has a
// weight, too.

import Kernels
import Lattice

final class Wavevectors {
  /// The kernels whose weights these are: with Ewald's split wider ones, with open axes those of a box.
  private(set) var kernel: ReciprocalKernel
  private(set) var grid: KGrid
  /// k(n) of the present cell.
  private(set) var vectors: [Vector3] = []
  /// w_jk of wavevector pairs and dE/dw_jk summed over layers, [J][Nk].
  let weights = Workspace<Double>()
  let gradients = Workspace<Double>()
  /// Counts the changes of `weights`.
  private(set) var version = 0

  /// R, where kernels end along open axes; nil in a cell of three periodic axes.
  private(set) var radius: Double?
  /// The cell that chose the integers, and the one that k and w are of.
  private var chooser: Cell
  private var cell: Cell?

  /// The integers that `kernel` needs in the cell `chooser`.
  init(of kernel: ReciprocalKernel, in chooser: Cell, radius: Double?) {
    (self.kernel, self.chooser, self.radius) = (kernel, chooser, radius)
    grid = Self.grid(of: kernel, in: chooser, radius: radius)
  }

  private static func grid(of kernel: ReciprocalKernel, in chooser: Cell, radius: Double?) -> KGrid {
    KGrid(cell: chooser, kernel: kernel, includesZero: radius != nil || kernel.weighsZero)
  }

  func choose(for kernel: ReciprocalKernel, in chooser: Cell, radius: Double?) {
    guard chooser != self.chooser || kernel != self.kernel || radius != self.radius else { return }
    (self.kernel, self.chooser, self.radius, cell) = (kernel, chooser, radius, nil)
    grid = Self.grid(of: kernel, in: chooser, radius: radius)
  }

  /// Whether energies are asked for their gradient by the weights: nothing is strained along an open axis.
  var areStrained: Bool { radius == nil }

  /// Nk.
  var count: Int { grid.integers.count }

  /// Takes k and w to `cell` and forgets the gradients.
  func follow(_ cell: Cell) {
    let total = kernel.sigmas.count * count
    gradients.reserve(total)
    gradients.fill(0, count: total)
    guard cell != self.cell else { return }
    self.cell = cell
    version += 1
    vectors.removeAll(keepingCapacity: true)
    let reciprocal = cell.reciprocal
    for n in grid.integers { vectors.append(Vector3(n) * reciprocal) }
    let weights = weights.reserve(total)
    let volume = cell.volume
    for j in kernel.sigmas.indices {
      let row = UnsafeMutableBufferPointer(start: weights + j * count, count: count)
      row.update(repeating: 0)
      if let radius {
        setTruncatedWeights(row, kernel: j, cell, radius)
      } else {
        for i in 0..<grid.counts[j] {
          row[i] = kernel.pairWeight(j, kSquared: dot(vectors[i], vectors[i]), volume: volume)
        }
      }
    }
  }

  /// In a box around the atoms.
  private func setTruncatedWeights(
    _ row: UnsafeMutableBufferPointer<Double>, kernel j: Int, _ cell: Cell, _ radius: Double
  ) {
    let sigma = kernel.sigmas[j]
    switch kernel.tails[j] {
    case .coulomb:
      var truncated = TruncatedKernel(cell: cell, radius: radius)
      for i in 0..<grid.counts[j] {
        row[i] = truncated.pairWeight(grid.integers[i], k: vectors[i], sigma: sigma)
      }
    case .dispersion:
      let truncated = TruncatedDispersion(
        cell: cell, radius: radius, sigma: sigma, smear: kernel.reach(sigma: sigma), extent: grid.extent)
      for i in 0..<grid.counts[j] { row[i] = truncated.pairWeight(grid.integers[i], k: vectors[i]) }
    }
  }

  /// dE/d(strain) = sum_jk dE/dw_jk w_jk d(ln w_jk)/d(strain): for fixed integers k.r does not change under strain.
  func addStrainGradient(to strain: inout Matrix3) {
    guard areStrained else { return }
    for j in kernel.sigmas.indices {
      for i in 0..<grid.counts[j] {
        let slope = kernel.logWeightStrainGradient(j, k: vectors[i])
        let index = j * count + i
        strain += slope * (weights.pointer[index] * gradients.pointer[index])
      }
    }
  }
}
