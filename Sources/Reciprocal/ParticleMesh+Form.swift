// The energy of sources in their own field on the mesh: the bilinear form of `ParticleMesh+Field` with dY = a X, column by
// column. Field and spectrum of X are there since the forward pass, and G is symmetric: nothing is transformed.
//
//   dE/dr_m = 2 sum_c a_c X_mc grad(G X_c)(r_m)
//   dE/dD(n) = sum_c a_c |X_c(n)|^2, where a complex field Q of two columns holds
//              X_1 = (Q(n) + Q*(-n)) / 2,   X_2 = (Q(n) - Q*(-n)) / 2i

import Kernels
import Lattice

extension ParticleMesh {
  /// Gathers the gradients by positions and weights of sum_c a_c X_c^T G X_c of a layer, after its `apply`.
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func formAdjoint(_ state: FieldLayer<T>, weights: UnsafePointer<T>) {
    let (n, columns, x) = (atomCount, state.columns, state.x.pointer)
    let (slopes, gradients) = (state.slopes.pointer, gradients.pointer)
    let weighted = scratch.reserve(n * columns)
    parallel(threads: threads, count: n) { _, atoms in
      for m in atoms {
        let row = m * columns
        (weighted + row).setProduct(x + row, weights, count: columns)
        for axis in 0..<3 {
          gradients[m][axis] +=
            2 * Double(T.dot(weighted + row, slopes + 3 * row + axis * columns, count: columns))
        }
      }
    }
    for j in kernel.sigmas.indices {
      let filter = state.filter(j)
      if let even {
        let means = means.reserve(columns)
        for c in 0..<columns { means[c] = Double(filter[c] * weights[c]) * state.means.pointer[c] }
        even.addGradient(
          kernel: j, x: x, meansOfX: state.means.pointer, filter: filter, dY: weighted,
          meansOfFiltered: means, columns: columns)
      }
      if waves.areStrained { addFormSpectra(state, kernel: j, weights: weights) }
    }
  }

  /// dE/dD of every wavevector that the mesh holds, the same for n and -n.
  private func addFormSpectra(_ state: FieldLayer<T>, kernel j: Int, weights: UnsafePointer<T>) {
    let filter = state.filter(j)
    let gradient = influenceGradient.pointer + j * elementCount
    let blocks = MeshBlocks(columns: state.meshColumns, size: size, for: T.self)
    let spectra = state.meshSpectra.pointer
    parallel(threads: threads, count: responses.count) { _, range in
      for k in range where responses[k] != 0 {
        var (sum, first) = (0.0, 0)
        for block in blocks {
          let (half, columns) = (block.half, block.columns)
          for f in 0..<(columns.count + 1) / 2 {
            let p = spectra + (first + spectrumIndex(elements[k][0], field: f, half: half))
            let m = spectra + (first + spectrumIndex(elements[k][1], field: f, half: half))
            let c = columns.lowerBound + 2 * f
            let (re, im) = (p[0] + m[0], p[1] - m[1])
            sum += Double(filter[c] * weights[c] * (re * re + im * im))
            guard c + 1 < columns.upperBound else { continue }
            let (re2, im2) = (p[1] + m[1], m[0] - p[0])
            sum += Double(filter[c + 1] * weights[c + 1] * (re2 * re2 + im2 * im2))
          }
          first += spectrumCount(half: half)
        }
        let sides = elements[k][0] == elements[k][1] ? 1 : 2
        for side in 0..<sides { gradient[elements[k][side]] += sum / 4 }
      }
    }
  }
}
