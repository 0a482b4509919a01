// The attention sum on a mesh: O(N p^3 + M log M) for each of the H d d columns (`ParticleMesh`).
//
//   forward   Q = FFT(spread X),  psi = FFT^-1(D Q),  Y = gather psi - s X
//   adjoint   P = FFT(spread dY), psi^ = FFT^-1(D P), dX = gather psi^ - s dY
//             dE/dr = grad of the splines with psi and psi^,  dE/dw_jk from conj(P) Q
//
// Columns pass in blocks of one SIMD vector. The adjoint is exact for the mesh sum; the mesh sum itself is an
// approximation of the k-sum, set by `meshResolution`.

import Kernels
import Lattice

extension ReciprocalAttention {
  private var lanes: Int { T.Lanes.scalarCount }
  private var blockCount: Int { (columns + lanes - 1) / lanes }
  private func block(_ index: Int) -> Range<Int> { index * lanes..<min((index + 1) * lanes, columns) }

  func prepareMesh() {
    mesh.place(positions: positions, cell: cell, threads: threads)
    meshGradients.reserve(atomCount).update(repeating: .zero, count: atomCount)
  }

  /// Y of one layer; keeps the spectra and potentials of X.
  func convolveMesh(_ state: LayerState<T>) {
    let (n, columns, kernels) = (atomCount, columns, kernel.sigmas.count)
    let (meshCount, spectrumCount) = (mesh.pointCount * lanes, mesh.elementCount * 2 * lanes)
    let potentials = state.potentials.reserve(blockCount * meshCount)
    let spectra = state.meshSpectra.reserve(blockCount * spectrumCount)
    let product = secondScratch.reserve(spectrumCount)
    let (x, y) = (state.x.pointer, state.y.pointer)
    for index in 0..<blockCount {
      let block = block(index)
      let potential = potentials + index * meshCount
      let spectrum = spectra + index * spectrumCount
      mesh.spread(x, columns: columns, block: block, atomCount: n, into: potential, threads: threads)
      mesh.transform(potential, into: spectrum, threads: threads)
      mesh.applyInfluence(
        spectrum, filters: laneFilters(state, block: index), kernels: kernels, into: product, threads: threads
      )
      mesh.transformBack(product, into: potential, threads: threads)
      mesh.gather(potential, atomCount: n, into: y, columns: columns, block: block, threads: threads)
    }
    parallel(threads: threads, count: n) { _, atoms in
      subtractSelf(state, source: x, result: y, atoms: atoms)
    }
  }

  func adjointMesh(_ state: LayerState<T>, dY: UnsafePointer<T>, dX: UnsafeMutablePointer<T>) {
    let (n, columns, kernels) = (atomCount, columns, kernel.sigmas.count)
    let (meshCount, spectrumCount) = (mesh.pointCount * lanes, mesh.elementCount * 2 * lanes)
    let spectrum = secondScratch.reserve(spectrumCount)
    let potential = meshScratch.reserve(meshCount)
    for index in 0..<blockCount {
      let block = block(index)
      let filters = laneFilters(state, block: index)
      mesh.spread(dY, columns: columns, block: block, atomCount: n, into: potential, threads: threads)
      mesh.transform(potential, into: spectrum, threads: threads)
      mesh.addWeightGradients(
        spectrum, state.meshSpectra.pointer + index * spectrumCount, filters: filters, kernels: kernels,
        to: weightGradients.pointer, threads: threads)
      mesh.applyInfluence(spectrum, filters: filters, kernels: kernels, into: spectrum, threads: threads)
      mesh.transformBack(spectrum, into: potential, threads: threads)
      mesh.gatherAdjoint(
        potential: state.potentials.pointer + index * meshCount, adjointPotential: potential,
        x: state.x.pointer, dY: dY, atomCount: n, into: dX, gradient: meshGradients.pointer, columns: columns,
        block: block, threads: threads)
    }
    parallel(threads: threads, count: n) { _, atoms in
      subtractSelf(state, source: dY, result: dX, atoms: atoms)
    }
  }

  /// dE/dr = (M o dE/du) A^-T, since u_a = M_a f_a and f = r A^-1.
  func addMeshGradients() {
    let toCartesian = cell.inverse.transposed
    let (n, sums, gradients) = (atomCount, positionGradients.pointer, meshGradients.pointer)
    for m in 0..<n {
      let gradient = (gradients[m] * Vector3(mesh.size)) * toCartesian
      for axis in 0..<3 { sums[axis * n + m] += gradient[axis] }
    }
  }

  private func laneFilters(_ state: LayerState<T>, block: Int) -> UnsafeMutablePointer<T> {
    state.laneFilters.pointer + block * kernel.sigmas.count * 2 * lanes
  }
}
