// The attention sum on a mesh: O(N p^3 + M log M) for each of the H d d columns (`ParticleMesh`).
//
//   forward   psi_j = F^-1 D_j F spread X,             Y  = sum_j filter_j o gather psi_j - s X
//   adjoint   psi^_j = F^-1 D_j F spread filter_j o dY,  dX = sum_j gather psi^_j - s dY
//             dE/dr from the gradients of psi and psi^ at the atoms,  dE/dw_jk from conj(F dY) F X
//
// The adjoint is exact for the mesh sum; the mesh sum itself is an approximation of the k-sum, set by its
// `MeshResolution`. The mean of the sources may go another way (`EvenField`).

import Kernels
import Lattice

extension ParticleMesh {
  /// Y of one layer; keeps the gradients of Y at the atoms and the spectra of X.
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func apply(_ state: FieldLayer<T>) {
    let (n, columns) = (atomCount, state.columns)
    let (x, y) = (state.x.pointer, state.y.pointer)
    let slopes = state.slopes.reserve(3 * n * columns)
    let blocks = MeshBlocks(columns: state.meshColumns, size: size, for: T.self)
    let spectra =
      waves.areStrained
      ? state.meshSpectra.reserve(blocks.reduce(0) { $0 + spectrumCount(half: $1.half) }) : nil
    var source = UnsafePointer(x)
    if let even {
      let centred = scratch.reserve(n * columns)
      even.centre(x, columns: columns, into: centred, means: state.means.reserve(columns))
      source = UnsafePointer(centred)
    }
    for j in kernel.sigmas.indices {
      let (filter, selfTerms, acting) = (state.filter(j), state.selfTerms, state.columns(of: j))
      let (jets, stride) = fieldJets(of: source, state, kernel: j) { first in
        spectra.map { .store($0 + first) } ?? .none
      }
      let shift = blocks.place(of: acting.lowerBound) - acting.lowerBound
      parallel(threads: threads, count: n) { _, atoms in
        for m in atoms {
          let (jet, source, value) = (jets + (4 * m * stride + shift), x + m * columns, y + m * columns)
          let slope = slopes + 3 * m * columns
          if j == 0 {
            for c in 0..<columns { value[c] = -selfTerms[c] * source[c] }
            slope.update(repeating: 0, count: 3 * columns)
          }
          for c in acting { value[c] += filter[c] * jet[c] }
          for axis in 0..<3 {
            let (slope, rise) = (slope + axis * columns, jet + (axis + 1) * stride)
            for c in acting { slope[c] += filter[c] * rise[c] }
          }
        }
      }
      if let even, !state.leavesMean {
        even.add(kernel: j, means: state.means.pointer, factors: filter, columns: columns, to: y)
      }
    }
  }

  /// `dX` may be nil where nobody asks for it.
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func adjoint(_ state: FieldLayer<T>, dY: UnsafePointer<T>, dX: UnsafeMutablePointer<T>?) {
    let (n, columns) = (atomCount, state.columns)
    let (x, slopes, gradients) = (state.x.pointer, state.slopes.pointer, self.gradients.pointer)
    let blocks = MeshBlocks(columns: state.meshColumns, size: size, for: T.self)
    let spectra = waves.areStrained ? state.meshSpectra.pointer : nil
    let selfTerms = state.selfTerms
    for j in kernel.sigmas.indices {
      let source = state.filtered(dY, kernel: j, atoms: n, threads: threads, in: scratch)
      let means = means.reserve(columns)
      if let even {
        even.centre(source, columns: columns, into: scratch.pointer, means: means)
        even.addGradient(
          kernel: j, x: x, meansOfX: state.means.pointer, filter: state.filter(j), dY: dY,
          meansOfFiltered: means, columns: columns)
      }
      let (jets, stride) = fieldJets(of: source, state, kernel: j) { first in
        spectra.map { .overlap($0 + first) } ?? .none
      }
      let acting = state.columns(of: j)
      let (first, shift) = (acting.lowerBound, blocks.place(of: acting.lowerBound))
      parallel(threads: threads, count: n) { _, atoms in
        for m in atoms {
          let jet = jets + (4 * m * stride + shift)
          let row = m * columns
          if let dX {
            if j == 0 {
              for c in 0..<columns { dX[row + c] = -selfTerms[c] * dY[row + c] }
            }
            for c in acting { dX[row + c] += jet[c - first] }
          }
          for axis in 0..<3 {
            gradients[m][axis] += Double(
              T.dot(x + (row + first), jet + (axis + 1) * stride, count: acting.count))
            if j == 0 {
              gradients[m][axis] += Double(T.dot(dY + row, slopes + 3 * row + axis * columns, count: columns))
            }
          }
        }
      }
      if let even, let dX {
        even.add(kernel: j, means: means, factors: nil, columns: columns, to: dX)
      }
    }
  }

  /// The field of kernel j at the atoms and its gradient by u, [N][4][stride], of the blocks that have columns on which it
  /// acts; `spectrum` says what to do with the spectrum of the block that starts at a given element of all spectra.
  private func fieldJets(
    of source: UnsafePointer<T>, _ state: FieldLayer<T>, kernel j: Int, spectrum: (Int) -> SpectrumUse<T>
  ) -> (jets: UnsafeMutablePointer<T>, stride: Int) {
    let blocks = MeshBlocks(columns: state.meshColumns, size: size, for: T.self)
    let acting = state.columns(of: j)
    // Whole vectors where there are any, so that every row is aligned.
    let (width, lanes) = (blocks.reduce(0) { $0 + 2 * $1.half }, T.Lanes.scalarCount)
    let stride = width < lanes ? width : (width + lanes - 1) / lanes * lanes
    let jets = jets.reserve(4 * atomCount * stride)
    var (column, element) = (0, 0)
    for block in blocks {
      let half = block.half
      if block.columns.overlaps(acting) {
        let fields = fields.reserve(planeCount * layout(half: half).plane)
        convolve(
          source, columns: state.columns, block: block, into: fields, kernel: j, spectrum: spectrum(element))
        gather(fields, half: half, atomCount: atomCount, into: jets + column, stride: stride)
      }
      column += 2 * half
      element += spectrumCount(half: half)
    }
    return (jets, stride)
  }

  /// Adds dE/du of an atom to dE/dr = (M o dE/du) A^-T, [3][N], since u_a = M_a f_a and f = r A^-1.
  @inline(__always)
  func add(_ gradient: Vector3, ofAtom m: Int, to sums: UnsafeMutablePointer<Double>) {
    let cartesian = (gradient * Vector3(size)) * cell.inverse.transposed
    for axis in 0..<3 { sums[axis * atomCount + m] += cartesian[axis] }
  }

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func addGradients(positions sums: UnsafeMutablePointer<Double>, strain: inout Matrix3) {
    for m in 0..<atomCount { add(gradients.pointer[m], ofAtom: m, to: sums) }
    even?.addGradients(positions: sums)
    addWeightGradients()
  }
}
