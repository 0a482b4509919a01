// The attention sum as linear attention over wavevectors (arXiv:2510.13055, eq. 11): 2 N Nk H d d
// multiplications per product and layer.
//
//   T = Phi X                     structure factors of the sources,  [2 Nk][H d d]
//   Y = Phi^T (W_h o T) - s_h X   s_h: self-term of head h
// Adjoint, with T^ = Phi dY:
//   dX = Phi^T (W_h o T^) - s_h dY
//   dE/dW_hk  = sum over the columns of h, cosine and sine: T^ o T
//   dE/dPhi  += (W_h o T) dY^T + (W_h o T^) X^T
//
// Products over wavevectors are divided between threads by wavevector, products over atoms by atom: no sum is
// shared between threads. Ranks have the atoms of their bricks: T and T^ are summed over ranks, and of dE/dW each rank adds
// its part of the wavevectors.

import Domains
import Kernels
import Lattice

final class WavevectorSum<T: KernelScalar>: FieldSolver {
  private let kernel: ReciprocalKernel
  private let threads: Int
  private let waves: Wavevectors
  private let communicator: any Communicator
  private let phases = PhaseTable<T>()
  /// dE/dPhi summed over layers, like the phases.
  private let phaseGradients = Workspace<T>()
  /// Phi dY and W Phi dY.
  private let spectrum = Workspace<T>()
  /// What sums over ranks need.
  private let parts = Workspace<T>()
  private var atomCount = 0

  init(kernel: ReciprocalKernel, waves: Wavevectors, threads: Int, communicator: any Communicator) {
    (self.kernel, self.waves, self.threads) = (kernel, waves, threads)
    self.communicator = communicator
  }

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func place(positions: [Vector3], cell: Cell) {
    atomCount = positions.count
    phases.update(positions: positions, cell: cell, grid: waves.grid, threads: threads)
    let count = 2 * waves.count * phases.stride
    phaseGradients.reserve(count).update(repeating: 0, count: count)
  }

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func apply(_ layer: FieldLayer<T>) {
    convolve(layer, source: layer.x.pointer, result: layer.y.pointer, spectrum: layer.spectrum)
  }

  /// Y = Phi^T W Phi X - s X, if it is asked for; `spectrum` receives Phi X and, behind it, W Phi X.
  private func convolve(
    _ state: FieldLayer<T>, source: UnsafePointer<T>, result: UnsafeMutablePointer<T>?,
    spectrum: Workspace<T>
  ) {
    let (rows, columns, n, stride) = (2 * waves.count, state.columns, atomCount, phases.stride)
    let t = spectrum.reserve(2 * rows * columns)
    let weighted = t + rows * columns
    let phi = phases.pointer
    let isShared = communicator.size > 1
    parallel(threads: threads, count: rows) { _, range in
      let first = range.lowerBound
      T.gemm(
        transposeA: false, transposeB: false, m: range.count, n: columns, k: n, alpha: 1,
        a: phi + first * stride, lda: stride, b: source, ldb: columns, beta: 0, c: t + first * columns,
        ldc: columns)
      if !isShared { applyWeights(state, rows: range, t: t, weighted: weighted) }
    }
    if isShared {
      // A product over no atoms leaves what was there.
      if n == 0 { t.update(repeating: 0, count: rows * columns) }
      communicator.sum(t, count: rows * columns, scratch: parts)
      parallel(threads: threads, count: rows) { _, range in
        applyWeights(state, rows: range, t: t, weighted: weighted)
      }
    }
    guard let result else { return }
    parallel(threads: threads, count: n) { _, atoms in
      let first = atoms.lowerBound
      T.gemm(
        transposeA: true, transposeB: false, m: atoms.count, n: columns, k: rows, alpha: 1, a: phi + first,
        lda: stride, b: weighted, ldb: columns, beta: 0, c: result + first * columns, ldc: columns)
    }
    if kernel.subtractsSelf {
      state.subtractSelf(source: source, result: result, atoms: n, threads: threads)
    }
  }

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func adjoint(_ state: FieldLayer<T>, dY: UnsafePointer<T>, dX: UnsafeMutablePointer<T>?) {
    convolve(state, source: dY, result: dX, spectrum: spectrum)
    let (count, columns, n, stride) = (waves.count, state.columns, atomCount, phases.stride)
    let (perRow, sigmaCount) = (state.columnsPerRow, kernel.sigmas.count)
    let rows = 2 * count
    let (t, weighted) = (state.spectrum.pointer, state.spectrum.pointer + rows * columns)
    let (tHat, weightedHat) = (spectrum.pointer, spectrum.pointer + rows * columns)
    let (x, filter, weightGradients) = (state.x.pointer, state.filter, waves.gradients.pointer)
    let phaseGradients = phaseGradients.pointer
    let ownWeights = partition(of: count, thread: communicator.rank, threads: communicator.size)
    parallel(threads: threads, count: count) { _, range in
      for k in range.clamped(to: ownWeights) {
        for h in 0..<columns / perRow {
          var sum = 0.0
          for row in [k, count + k] {
            let head = row * columns + h * perRow
            sum += Double(T.dot(t + head, tHat + head, count: perRow))
          }
          for j in 0..<sigmaCount { weightGradients[j * count + k] += filter[h * sigmaCount + j] * sum }
        }
      }
      for first in [range.lowerBound, count + range.lowerBound] {
        for (a, b) in [(weighted, dY), (weightedHat, UnsafePointer(x))] {
          T.gemm(
            transposeA: false, transposeB: true, m: range.count, n: n, k: columns, alpha: 1,
            a: a + first * columns, lda: columns, b: b, ldb: columns, beta: 1,
            c: phaseGradients + first * stride, ldc: stride)
        }
      }
    }
  }

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func addGradients(positions: UnsafeMutablePointer<Double>, strain: inout Matrix3) {
    let (count, stride, n) = (waves.count, phases.stride, atomCount)
    let gradients = phaseGradients.pointer
    parallel(threads: threads, count: n) { _, atoms in
      phases.addGradient(
        wavevectors: waves.vectors, block: 0..<count, atoms: atoms,
        cosineGradient: gradients + atoms.lowerBound,
        sineGradient: gradients + count * stride + atoms.lowerBound, gradientStride: stride,
        to: positions, axisStride: n)
    }
  }

  /// weighted = W_h o t for rows of [2 Nk][H d d], with W_hk = sum_j filter_hj w_jk.
  private func applyWeights(
    _ state: FieldLayer<T>, rows: Range<Int>, t: UnsafePointer<T>, weighted: UnsafeMutablePointer<T>
  ) {
    let (count, perRow, sigmaCount) = (waves.count, state.columnsPerRow, kernel.sigmas.count)
    let (columns, weights, filter) = (state.columns, waves.weights.pointer, state.filter)
    for row in rows {
      let k = row < count ? row : row - count
      for h in 0..<columns / perRow {
        var weight = 0.0
        for j in 0..<sigmaCount { weight += filter[h * sigmaCount + j] * weights[j * count + k] }
        let scale = T(weight)
        let first = row * columns + h * perRow
        for c in first..<first + perRow { weighted[c] = scale * t[c] }
      }
    }
  }
}
