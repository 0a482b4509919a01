// The attention sum with G as an N x N matrix, kept for all layers of a step: 2 J N^2 numbers with its
// adjoint, 3 J N^2 without periodic axes.
//
//   three periodic axes   G_j = Phi^T W_j Phi - s_j 1                    (with images: `ReciprocalAttention+Ewald`)
//   no periodic axis      G_j(r) = erf(r/(sqrt2 sigma_j))/r - s_j 1      (the limit V -> infinity)
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

// MARK: - The matrices G_j

extension ReciprocalAttention {
  /// The lower triangle of every G_j, then its mirror image.
  func preparePairKernels() {
    let (n, size) = (atomCount, atomCount * atomCount)
    pairKernels.reserve(kernel.sigmas.count * size)
    pairGradients.reserve(kernel.sigmas.count * size).update(repeating: 0, count: kernel.sigmas.count * size)
    if grid == nil { pairSlopes.reserve(kernel.sigmas.count * size) }
    for (j, sigma) in kernel.sigmas.enumerated() {
      let g = pairKernels.pointer + j * size
      // Of 2 T parts, thread t takes the t-th from either end: as many elements of the triangle as any other.
      parallel(threads: threads, count: threads) { thread, _ in
        for part in [thread, 2 * threads - 1 - thread] {
          let rows = partition(of: n, thread: part, threads: 2 * threads)
          if grid == nil {
            fillFreeKernel(g, slopes: pairSlopes.pointer + j * size, rows: rows, sigma: sigma)
          } else {
            fillPeriodicKernel(g, rows: rows, kernel: j, scratch: threadScratch[thread])
            if method == .ewald { addImages(to: g, rows: rows, kernel: j) }
          }
        }
      }
      let selfTerm = T(kernel.selfTerm(sigma: sigma))
      for m in 0..<n {
        g[m * n + m] -= selfTerm
        for other in 0..<m { g[other * n + m] = g[m * n + other] }
      }
    }
  }

  /// G and, in both triangles, G'(r)/r: they share the error function.
  private func fillFreeKernel(
    _ g: UnsafeMutablePointer<T>, slopes: UnsafeMutablePointer<T>, rows: Range<Int>, sigma: Double
  ) {
    let n = atomCount
    positions.withUnsafeBufferPointer { positions in
      for m in rows {
        for other in 0...m {
          let d = positions[m] - positions[other]
          let (value, slope) = freeKernel(distanceSquared: dot(d, d), sigma: sigma)
          g[m * n + other] = T(value)
          slopes[m * n + other] = T(slope)
          slopes[other * n + m] = T(slope)
        }
      }
    }
  }

  /// G = sum over blocks of wavevectors of (W Phi)^T Phi.
  private func fillPeriodicKernel(
    _ g: UnsafeMutablePointer<T>, rows: Range<Int>, kernel j: Int, scratch: Workspace<T>
  ) {
    let (n, stride, count) = (atomCount, phases.stride, wavevectorCount)
    let (phi, weights) = (phases.pointer, weights.pointer + j * count)
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

extension ReciprocalAttention {
  /// Y = sum_j G_j (filter_j o X).
  func convolvePairwise(
    _ state: LayerState<T>, source: UnsafePointer<T>, result: UnsafeMutablePointer<T>
  ) {
    let (n, width) = (atomCount, state.columns)
    for j in kernel.sigmas.indices {
      let filtered = filtered(source, state, kernel: j)
      let g = pairKernels.pointer + j * n * n
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
  func adjointPairwise(_ state: LayerState<T>, dY: UnsafePointer<T>, dX: UnsafeMutablePointer<T>?) {
    if let dX { convolvePairwise(state, source: dY, result: dX) }
    let (n, width) = (atomCount, state.columns)
    for j in kernel.sigmas.indices {
      let filtered = filtered(dY, state, kernel: j)
      let dG = pairGradients.pointer + j * n * n
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

extension ReciprocalAttention {
  func forwardHeads(
    _ state: LayerState<T>, q: UnsafePointer<T>, k: UnsafePointer<T>, v: UnsafePointer<T>,
    u: UnsafeMutablePointer<T>
  ) {
    let (n, d, width) = (atomCount, headWidth, width)
    parallel(threads: threads, count: n) { thread, atoms in
      let a = threadScratch[thread].reserve(4 * rowBlock * n)
      let g = a + rowBlock * n
      for first in stride(from: atoms.lowerBound, to: atoms.upperBound, by: rowBlock) {
        let rows = first..<min(first + rowBlock, atoms.upperBound)
        for h in 0..<heads {
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

  func adjointHeads(
    _ state: LayerState<T>, q: UnsafePointer<T>, k: UnsafePointer<T>, v: UnsafePointer<T>,
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
        for h in 0..<heads {
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
            let dG = pairGradients.pointer + (j * n + first) * n
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
    _ state: LayerState<T>, head: Int, rows: Range<Int>, into g: UnsafeMutablePointer<T>
  ) {
    let (n, sigmaCount) = (atomCount, kernel.sigmas.count)
    let count = rows.count * n
    g.update(repeating: 0, count: count)
    for j in 0..<sigmaCount {
      let scale = T(state.filter[head * sigmaCount + j])
      guard scale != 0 else { continue }
      let source = pairKernels.pointer + (j * n + rows.lowerBound) * n
      for i in 0..<count { g[i] += scale * source[i] }
    }
  }
}

// MARK: - Positions and strain

extension ReciprocalAttention {
  func addPairGradients() {
    let n = atomCount
    imageStrain = .zero
    for j in kernel.sigmas.indices {
      let gradient = pairGradients.pointer + j * n * n
      symmetrize(gradient)
      if grid == nil {
        addFreeGradients(gradient, slopes: pairSlopes.pointer + j * n * n)
      } else {
        addPeriodicGradients(gradient, kernel: j)
        if method == .ewald { addImageGradients(gradient, kernel: j) }
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

  private func addFreeGradients(_ gradient: UnsafePointer<T>, slopes: UnsafePointer<T>) {
    let (n, sums) = (atomCount, positionGradients.pointer)
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

  private func addPeriodicGradients(_ gradient: UnsafePointer<T>, kernel j: Int) {
    let (n, stride, count) = (atomCount, phases.stride, wavevectorCount)
    let (phi, weights, half) = (phases.pointer, weights.pointer + j * count, wavevectorBlock / 2)
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
          wavevectors: wavevectors, block: block, atoms: atoms, cosineGradient: product, sineGradient: sine,
          gradientStride: atoms.count, to: positionGradients.pointer, axisStride: n)
      }
    }
    for thread in 0..<threads {
      for k in 0..<count { weightGradients.pointer[j * count + k] += partials[thread * count + k] }
    }
  }
}
