// The attention sum with G as an N x N matrix, kept for all layers of a step: 2 J N^2 numbers with its
// adjoint, 3 J N^2 without periodic axes.
//
//   three periodic axes   G_j = Phi^T W_j Phi - s_j 1                    (with images: `PairMatrix+Images`)
//   no periodic axis      G_j(r) = erf(r/(sqrt2 sigma_j))/r - s_j 1      (the limit V -> infinity; or dispersion's)
//
// Heads of width 1: Y = sum_j G_j (filter_j o X), one product for all heads. Wider heads never form X:
//   A_h = Q_h K_h^T,  u_h = (A_h o G_h) V_h
// with the adjoint, P = A_h o G_h and dP = du_h V_h^T,
//   dV_h = P^T du_h,  dA = dP o G_h,  dQ_h = dA K_h,  dK_h = dA^T Q_h,  dG_h = dP o A_h.
// dE/dG_j gathers over layers; its symmetric part D_j then reaches the positions once per step:
//   dE/dPhi = sum_j W_j (Phi D_j),  dE/dw_jk = (1/2) sum_m Phi_km (Phi D_j)_km      (D_j = dG_j + dG_j^T)
//   or dE/dr_m = sum_n D_mn G'(r)/r (r_m - r_n).

import Kernels
import Lattice

/// Wavevectors that are scaled, or pulled back, at a time: keeps the scratch in cache.
private let wavevectorBlock = 256
/// Rows of the triangle of G that are formed at a time.
private let triangleBlock = 32
/// Rows of an N x N matrix that one head works on at a time.
private let rowBlock = 64

final class PairMatrix<T: KernelScalar>: FieldSolver {
  let kernel: ReciprocalKernel
  /// d, the columns of a head, and D.
  private let headWidth: Int
  private let width: Int
  let threads: Int
  let waves: Wavevectors?
  /// Whether the wavevectors are those of Ewald's wider kernels, to which images come.
  let addsImages: Bool
  private let phases = PhaseTable<T>()
  private(set) var positions: [Vector3] = []
  private(set) var cell = Cell.free

  /// G_j and dE/dG_j summed over layers, [J][N][N].
  private let matrices = Workspace<T>()
  private let gradients = Workspace<T>()
  /// G_j'(r)/r without periodic axes, [J][N][N].
  private let slopes = Workspace<T>()
  /// Each thread's part of dE/dw, and of what images do to dE/d(strain).
  private let weightPartials = Workspace<Double>()
  let imageStrains = Workspace<Matrix3>()
  private let scratch = Workspace<T>()
  private let threadScratch: [Workspace<T>]
  /// Sources, rows of G and sums of `sumInDouble`.
  private let doubleSources = Workspace<Double>()
  private let doubleScratch: [Workspace<Double>]

  /// - Parameters:
  ///   - heads: H and D of `forwardHeads`.
  ///   - waves: nil without periodic axes.
  ///   - addsImages: the wavevectors are those of wider kernels; images make up the rest.
  init(
    kernel: ReciprocalKernel, heads: (count: Int, width: Int), waves: Wavevectors?, addsImages: Bool,
    threads: Int
  ) {
    (self.kernel, self.waves, self.addsImages, self.threads) = (kernel, waves, addsImages, threads)
    (headWidth, width) = (heads.width / heads.count, heads.width)
    threadScratch = (0..<threads).map { _ in Workspace() }
    doubleScratch = (0..<threads).map { _ in Workspace() }
  }

  /// N.
  var atomCount: Int { positions.count }

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func place(positions: [Vector3], cell: Cell) {
    // Elements in turn: with the same array in two hands, the caller's next write would copy it.
    if self.positions.count != positions.count {
      self.positions = Array(repeating: .zero, count: positions.count)
    }
    for m in positions.indices { self.positions[m] = positions[m] }
    self.cell = cell
    if let waves { phases.update(positions: positions, cell: cell, grid: waves.grid, threads: threads) }
    fillMatrices()
  }
}

// MARK: - The matrices G_j

extension PairMatrix {
  /// The lower triangle of every G_j, then its mirror image.
  private func fillMatrices() {
    let (n, size) = (atomCount, atomCount * atomCount)
    matrices.reserve(kernel.sigmas.count * size)
    gradients.reserve(kernel.sigmas.count * size).update(repeating: 0, count: kernel.sigmas.count * size)
    if waves == nil { slopes.reserve(kernel.sigmas.count * size) }
    for j in kernel.sigmas.indices {
      let g = matrices.pointer + j * size
      // Of 2 T parts, thread t takes the t-th from either end: as many elements of the triangle as any other.
      parallel(threads: threads, count: threads) { thread, _ in
        for part in [thread, 2 * threads - 1 - thread] {
          let rows = partition(of: n, thread: part, threads: 2 * threads)
          if let waves {
            fillPeriodicKernel(g, waves, rows: rows, kernel: j, scratch: threadScratch[thread])
            if addsImages { addImages(to: g, waves.kernel, rows: rows, kernel: j) }
          } else {
            fillFreeKernel(g, slopes: slopes.pointer + j * size, rows: rows, kernel: j)
          }
        }
      }
      let selfTerm = T(kernel.selfTerm(j))
      for m in 0..<n {
        g[m * n + m] -= selfTerm
        for other in 0..<m { g[other * n + m] = g[m * n + other] }
      }
    }
  }

  /// G and, in both triangles, G'(r)/r: they share the error function.
  private func fillFreeKernel(
    _ g: UnsafeMutablePointer<T>, slopes: UnsafeMutablePointer<T>, rows: Range<Int>, kernel j: Int
  ) {
    let n = atomCount
    positions.withUnsafeBufferPointer { positions in
      for m in rows {
        for other in 0...m {
          let d = positions[m] - positions[other]
          let (value, slope) = kernel.free(j, distanceSquared: dot(d, d))
          g[m * n + other] = T(value)
          slopes[m * n + other] = T(slope)
          slopes[other * n + m] = T(slope)
        }
      }
    }
  }

  /// G = sum over blocks of wavevectors of (W Phi)^T Phi.
  private func fillPeriodicKernel(
    _ g: UnsafeMutablePointer<T>, _ waves: Wavevectors, rows: Range<Int>, kernel j: Int,
    scratch: Workspace<T>
  ) {
    let (n, stride, count) = (atomCount, phases.stride, waves.count)
    let (phi, weights) = (phases.pointer, waves.weights.pointer + j * count)
    (g + rows.lowerBound * n).update(repeating: 0, count: rows.count * n)
    let scaled = scratch.reserve(wavevectorBlock * rows.count)
    for start in Swift.stride(from: 0, to: 2 * count, by: wavevectorBlock) {
      let block = start..<min(start + wavevectorBlock, 2 * count)
      for row in block {
        let weight = T(weights[row < count ? row : row - count])
        let from = phi + row * stride + rows.lowerBound
        let to = scaled + (row - start) * rows.count
        for m in 0..<rows.count { to[m] = weight * from[m] }
      }
      for first in Swift.stride(from: rows.lowerBound, to: rows.upperBound, by: triangleBlock) {
        let end = min(first + triangleBlock, rows.upperBound)
        T.gemm(
          transposeA: true, transposeB: false, m: end - first, n: end, k: block.count, alpha: 1,
          a: scaled + first - rows.lowerBound, lda: rows.count, b: phi + start * stride, ldb: stride, beta: 1,
          c: g + first * n, ldc: n)
      }
    }
  }
}

// MARK: - Columns: heads of width 1, or given sources

extension PairMatrix {
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func apply(_ layer: FieldLayer<T>) {
    if T.self == Float.self, waves == nil, layer.hasPotentials {
      sumInDouble(layer)
    } else {
      convolve(layer, source: layer.x.pointer, result: layer.y.pointer)
    }
  }

  /// Y with sums over atoms in double precision. In a cluster, where nothing takes off the mean, those over each element alone
  /// are hundreds of times what they leave: with 1,536 atoms of water energies would err by 7e-6 eV per atom.
  private func sumInDouble(_ state: FieldLayer<T>) {
    let (n, width, block) = (atomCount, state.columns, 16)
    let (x, filtered) = (state.x.pointer, doubleSources.reserve(n * width))
    for j in kernel.sigmas.indices {
      let filter = state.filter(j)
      for m in 0..<n {
        for c in 0..<width { filtered[m * width + c] = Double(filter[c] * x[m * width + c]) }
      }
      parallel(threads: threads, count: n) { thread, rows in
        let g = doubleScratch[thread].reserve(block * (n + width))
        let sums = g + block * n
        for first in stride(from: rows.lowerBound, to: rows.upperBound, by: block) {
          let count = min(block, rows.upperBound - first)
          let row = matrices.pointer + (j * n + first) * n
          for i in 0..<count * n { g[i] = Double(row[i]) }
          Double.gemm(
            transposeA: false, transposeB: false, m: count, n: width, k: n, alpha: 1, a: g, lda: n,
            b: filtered, ldb: width, beta: 0, c: sums, ldc: width)
          let y = state.y.pointer + first * width
          for i in 0..<count * width { y[i] = j == 0 ? T(sums[i]) : y[i] + T(sums[i]) }
        }
      }
    }
  }

  /// Y = sum_j G_j (filter_j o X).
  private func convolve(
    _ state: FieldLayer<T>, source: UnsafePointer<T>, result: UnsafeMutablePointer<T>
  ) {
    let (n, width) = (atomCount, state.columns)
    for j in kernel.sigmas.indices {
      let filtered = state.filtered(source, kernel: j, atoms: n, threads: threads, in: scratch)
      let g = matrices.pointer + j * n * n
      parallel(threads: threads, count: n) { _, rows in
        let first = rows.lowerBound
        T.gemm(
          transposeA: false, transposeB: false, m: rows.count, n: width, k: n, alpha: 1, a: g + first * n,
          lda: n,
          b: filtered, ldb: width, beta: j == 0 ? 0 : 1, c: result + first * width, ldc: width)
      }
    }
  }

  /// dX = sum_j G_j (filter_j o dY);  dG_j += (filter_j o dY) X^T.
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func adjoint(_ state: FieldLayer<T>, dY: UnsafePointer<T>, dX: UnsafeMutablePointer<T>?) {
    if let dX { convolve(state, source: dY, result: dX) }
    let (n, width) = (atomCount, state.columns)
    for j in kernel.sigmas.indices {
      let filtered = state.filtered(dY, kernel: j, atoms: n, threads: threads, in: scratch)
      let dG = gradients.pointer + j * n * n
      parallel(threads: threads, count: n) { _, rows in
        let first = rows.lowerBound
        T.gemm(
          transposeA: false, transposeB: true, m: rows.count, n: n, k: width, alpha: 1,
          a: filtered + first * width,
          lda: width, b: state.x.pointer, ldb: width, beta: 1, c: dG + first * n, ldc: n)
      }
    }
  }
}

// MARK: - Wider heads

extension PairMatrix {
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func forwardHeads(
    _ state: FieldLayer<T>, q: UnsafePointer<T>, k: UnsafePointer<T>, v: UnsafePointer<T>,
    u: UnsafeMutablePointer<T>
  ) {
    let (n, d, width) = (atomCount, headWidth, width)
    parallel(threads: threads, count: n) { thread, atoms in
      let a = threadScratch[thread].reserve(4 * rowBlock * n)
      let g = a + rowBlock * n
      for first in stride(from: atoms.lowerBound, to: atoms.upperBound, by: rowBlock) {
        let rows = first..<min(first + rowBlock, atoms.upperBound)
        for h in 0..<width / headWidth {
          let column = h * d
          product(q + first * width + column, transposed: k + column, rows: rows.count, into: a)
          mixKernels(state, head: h, rows: rows, into: g)
          for i in 0..<rows.count * n { a[i] *= g[i] }
          T.gemm(
            transposeA: false, transposeB: false, m: rows.count, n: d, k: n, alpha: 1, a: a, lda: n,
            b: v + column,
            ldb: width, beta: 0, c: u + first * width + column, ldc: width)
        }
      }
    }
  }

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func adjointHeads(
    _ state: FieldLayer<T>, q: UnsafePointer<T>, k: UnsafePointer<T>, v: UnsafePointer<T>,
    du: UnsafePointer<T>,
    dq: UnsafeMutablePointer<T>, dk: UnsafeMutablePointer<T>, dv: UnsafeMutablePointer<T>
  ) {
    let (n, d, width, sigmaCount) = (atomCount, headWidth, width, kernel.sigmas.count)
    // Every thread sums dK and dV over its own rows m.
    let partials = scratch.reserve(2 * threads * n * width)
    partials.update(repeating: 0, count: 2 * threads * n * width)
    parallel(threads: threads, count: n) { thread, atoms in
      let a = threadScratch[thread].reserve(4 * rowBlock * n)
      let (g, p, dP) = (a + rowBlock * n, a + 2 * rowBlock * n, a + 3 * rowBlock * n)
      let dK = partials + 2 * thread * n * width
      let dV = dK + n * width
      for first in stride(from: atoms.lowerBound, to: atoms.upperBound, by: rowBlock) {
        let rows = first..<min(first + rowBlock, atoms.upperBound)
        for h in 0..<width / headWidth {
          let column = h * d
          let head = first * width + column
          product(q + head, transposed: k + column, rows: rows.count, into: a)
          product(du + head, transposed: v + column, rows: rows.count, into: dP)
          mixKernels(state, head: h, rows: rows, into: g)
          for i in 0..<rows.count * n {
            let (value, slope) = (a[i], dP[i])
            p[i] = value * g[i]
            a[i] = value * slope  // dG_h
            dP[i] = slope * g[i]  // dA
          }
          for j in 0..<sigmaCount {
            let scale = T(state.filter[h * sigmaCount + j])
            guard scale != 0 else { continue }
            let dG = gradients.pointer + (j * n + first) * n
            for i in 0..<rows.count * n { dG[i] += scale * a[i] }
          }
          T.gemm(
            transposeA: false, transposeB: false, m: rows.count, n: d, k: n, alpha: 1, a: dP, lda: n,
            b: k + column,
            ldb: width, beta: 0, c: dq + head, ldc: width)
          T.gemm(
            transposeA: true, transposeB: false, m: n, n: d, k: rows.count, alpha: 1, a: dP, lda: n,
            b: q + head,
            ldb: width, beta: 1, c: dK + column, ldc: width)
          T.gemm(
            transposeA: true, transposeB: false, m: n, n: d, k: rows.count, alpha: 1, a: p, lda: n,
            b: du + head,
            ldb: width, beta: 1, c: dV + column, ldc: width)
        }
      }
    }
    for (offset, gradient) in [(0, dk), (n * width, dv)] {
      gradient.update(from: partials + offset, count: n * width)
      for thread in 1..<threads {
        let part = partials + 2 * thread * n * width + offset
        for i in 0..<n * width { gradient[i] += part[i] }
      }
    }
  }

  /// Rows of one head of [N][D] times the transpose of the same head of another: rows x N.
  private func product(
    _ left: UnsafePointer<T>, transposed right: UnsafePointer<T>, rows: Int,
    into result: UnsafeMutablePointer<T>
  ) {
    T.gemm(
      transposeA: false, transposeB: true, m: rows, n: atomCount, k: headWidth, alpha: 1, a: left, lda: width,
      b: right, ldb: width, beta: 0, c: result, ldc: atomCount)
  }

  /// Rows of G_h = sum_j filter_hj G_j.
  private func mixKernels(
    _ state: FieldLayer<T>, head: Int, rows: Range<Int>, into g: UnsafeMutablePointer<T>
  ) {
    let (n, sigmaCount) = (atomCount, kernel.sigmas.count)
    let count = rows.count * n
    g.update(repeating: 0, count: count)
    for j in 0..<sigmaCount {
      let scale = T(state.filter[head * sigmaCount + j])
      guard scale != 0 else { continue }
      let source = matrices.pointer + (j * n + rows.lowerBound) * n
      for i in 0..<count { g[i] += scale * source[i] }
    }
  }
}

// MARK: - Positions and strain

extension PairMatrix {
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func addGradients(positions sums: UnsafeMutablePointer<Double>, strain: inout Matrix3) {
    let n = atomCount
    for j in kernel.sigmas.indices {
      let gradient = gradients.pointer + j * n * n
      symmetrize(gradient)
      if let waves {
        addPeriodicGradients(gradient, waves, kernel: j, to: sums)
        if addsImages { addImageGradients(gradient, waves.kernel, kernel: j, to: sums, strain: &strain) }
      } else {
        addFreeGradients(gradient, slopes: slopes.pointer + j * n * n, to: sums)
      }
    }
  }

  /// D <- D + D^T.
  private func symmetrize(_ matrix: UnsafeMutablePointer<T>) {
    let n = atomCount
    for m in 0..<n {
      for other in 0...m {
        let sum = matrix[m * n + other] + matrix[other * n + m]
        matrix[m * n + other] = sum
        matrix[other * n + m] = sum
      }
    }
  }

  private func addFreeGradients(
    _ gradient: UnsafePointer<T>, slopes: UnsafePointer<T>, to sums: UnsafeMutablePointer<Double>
  ) {
    let n = atomCount
    parallel(threads: threads, count: n) { _, rows in
      positions.withUnsafeBufferPointer { positions in
        for m in rows {
          var sum = Vector3.zero
          for other in 0..<n {
            let pull = gradient[m * n + other] * slopes[m * n + other]
            sum += (positions[m] - positions[other]) * Double(pull)
          }
          for axis in 0..<3 { sums[axis * n + m] += sum[axis] }
        }
      }
    }
  }

  private func addPeriodicGradients(
    _ gradient: UnsafePointer<T>, _ waves: Wavevectors, kernel j: Int, to sums: UnsafeMutablePointer<Double>
  ) {
    let (n, stride, count) = (atomCount, phases.stride, waves.count)
    let (phi, weights, half) = (phases.pointer, waves.weights.pointer + j * count, wavevectorBlock / 2)
    let partials = weightPartials.reserve(threads * count)
    partials.update(repeating: 0, count: threads * count)
    parallel(threads: threads, count: n) { thread, atoms in
      let product = threadScratch[thread].reserve(wavevectorBlock * atoms.count)
      let weightGradient = partials + thread * count
      for start in Swift.stride(from: 0, to: count, by: half) {
        let block = start..<min(start + half, count)
        let sine = product + block.count * atoms.count
        for (firstRow, target) in [(start, product), (count + start, sine)] {
          T.gemm(
            transposeA: false, transposeB: false, m: block.count, n: atoms.count, k: n, alpha: 1,
            a: phi + firstRow * stride, lda: stride, b: gradient + atoms.lowerBound, ldb: n, beta: 0,
            c: target,
            ldc: atoms.count)
        }
        for (row, k) in block.enumerated() {
          let weight = T(weights[k])
          var sum = 0.0
          for (firstRow, target) in [(k, product), (count + k, sine)] {
            let phase = phi + firstRow * stride + atoms.lowerBound
            let values = target + row * atoms.count
            sum += Double(T.dot(phase, values, count: atoms.count))
            for m in 0..<atoms.count { values[m] *= weight }
          }
          weightGradient[k] = 0.5 * sum
        }
        phases.addGradient(
          wavevectors: waves.vectors, block: block, atoms: atoms, cosineGradient: product, sineGradient: sine,
          gradientStride: atoms.count, to: sums, axisStride: n)
      }
    }
    for thread in 0..<threads {
      for k in 0..<count { waves.gradients.pointer[j * count + k] += partials[thread * count + k] }
    }
  }
}
