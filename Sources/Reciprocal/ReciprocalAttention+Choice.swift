// Which evaluation a system gets, and whether the machine has room for it: from estimates of the sizes, before any
// table is made.
//
// The choice is a function of sizes alone (atoms, cell, kernels, columns), the same on every machine and after every
// restart; what memory there is decides only between going on and refusing.

import Foundation
import Kernels
import Lattice

/// Wavevectors that may be looked at before the choice, to count them as they are: those of 90,000 atoms of water for a
/// sigma of 2 Angstrom. Beyond, their number is estimated, and Ewald's split is one of the ways.
private let mostCounted = 0x1p18

// MARK: - Choice

extension ReciprocalAttention {
  /// Chooses evaluation and wavevectors where sizes or the cell that chooses have changed; k(n) and w_jk follow the
  /// present cell.
  func settle() throws(MemoryError) {
    let chooser = cell.hasPeriodicAxis ? referenceCell ?? cell : cell
    if !isSettled || atomCount != settledAtoms || chooser != settledCell {
      (isSettled, weightCell) = (false, nil)
      try choose(in: chooser)
      (isSettled, settledAtoms, settledCell) = (true, atomCount, chooser)
    }
    if grid != nil { updateWeights() }
  }

  private func choose(in chooser: Cell) throws(MemoryError) {
    guard cell.hasPeriodicAxis else {
      method = .pairwise
      removeWavevectors()
      return try requireMemory(wavevectors: 0, in: chooser)
    }
    let estimate = KGrid.estimate(cell: chooser, kernel: kernel)
    if estimate.tried <= mostCounted && preferredMethod != .ewald {
      makeWavevectors(of: kernel, in: chooser)
      method = cheapest(in: chooser, wavevectors: Double(grid?.integers.count ?? 0), isSparse: false)
      try requireMemory(wavevectors: Double(grid?.integers.count ?? 0), in: chooser)
    } else {
      method = cheapest(in: chooser, wavevectors: estimate.kept, isSparse: true)
      let chosen = method == .ewald ? kernel.widened(in: chooser) : kernel
      // What is looked at takes time where it takes no memory.
      let (kept, tried) = KGrid.estimate(cell: chooser, kernel: chosen)
      try requireMemory(wavevectors: max(kept, tried / 16), in: chooser)
      makeWavevectors(of: chosen, in: chooser)
    }
    if method == .mesh { configureMesh(in: chooser) }
  }

  /// The cheapest evaluation by its count of multiplications, in units of those of a large matrix product.
  ///
  /// The mesh errs by 1e-6, too much for Double: it is chosen for Float alone. The constants are timings of
  /// one core (AVX-512, 24 to 12,288 atoms).
  private func cheapest(in chooser: Cell, wavevectors: Double, isSparse: Bool) -> AttentionMethod {
    let canSplit = kernel.weight != .top6
    if let preferredMethod { return preferredMethod == .ewald && !canSplit ? .pairwise : preferredMethod }
    let (n, k, j) = (Double(atomCount), 2 * wavevectors, Double(kernel.sigmas.count))
    // G and the adjoint of its phases, once for all layers.
    var (pairwise, kSum, mesh, matrices) = (2 * j * n * n * k, 0.0, 0.0, 0.0)
    let size = ParticleMesh<T>.size(cell: chooser, kernel: kernel, resolution: meshResolution)
    let meshCost = meshCost(atoms: n, size: size, order: meshResolution.order)
    for layer in layers {
      let columns = layer.fieldColumns ?? self.columns
      // Wide heads form, weight and apply N x N matrices, one each.
      let isWide = layer.fieldColumns == nil && headWidth > 1
      matrices += n * n * (isWide ? 24 * Double(width) : 5 * j * Double(columns))
      // Two products forward, four backward; narrow ones are slower.
      kSum += 6 * n * k * (Double(columns) + 44)
      for block in MeshBlocks(columns: columns, lanes: T.Lanes.scalarCount) {
        mesh += j * (block.half == 1 ? 0.2 : 1) * meshCost
      }
    }
    pairwise += matrices
    if isSparse && canSplit {
      let ewald = j * n * n * splitCost(in: chooser) + matrices
      if ewald < min(pairwise, kSum, T.self == Float.self ? mesh : .infinity) { return .ewald }
    }
    if T.self == Float.self && mesh < min(pairwise, kSum) { return .mesh }
    return pairwise < kSum ? .pairwise : .kSum
  }

  /// Of one block of columns.
  func meshCost(atoms: Double, size: SIMD3<Int>, order: Int) -> Double {
    360 * atoms * Double(order * order * order)
      + 10_000 * (Double(size.x) * Double(size.y) * Double(size.z))
  }
}

// MARK: - Memory

extension ReciprocalAttention {
  /// Checks that the tables of the chosen evaluation can be had, before they are made.
  private func requireMemory(wavevectors: Double, in chooser: Cell) throws(MemoryError) {
    let bytes = bytes(wavevectors: wavevectors, in: chooser)
    guard !(bytes <= grantedBytes) else { return }
    try Memory.require(bytes, for: purpose(wavevectors: wavevectors, in: chooser), help: remedy)
    grantedBytes = bytes
  }

  private func purpose(wavevectors: Double, in chooser: Cell) -> String {
    let atoms = "the attention of \(atomCount) atoms"
    guard cell.hasPeriodicAxis else { return "\(atoms) without periodic axes" }
    let lengths = (0..<3).map { axis in
      String(format: "%.4g", dot(chooser.vectors[axis], chooser.vectors[axis]).squareRoot())
    }
    return "\(atoms) in a cell of \(lengths.joined(separator: " x ")) Angstrom with "
      + String(format: "%.1e", wavevectors) + " wavevectors (\(method.rawValue))"
  }

  private var remedy: String {
    guard cell.hasPeriodicAxis else {
      return "take fewer atoms, or a periodic cell: there a mesh does the same"
    }
    let smaller = "take fewer atoms or a smaller cell; a molecule needs none (free boundaries)"
    return T.self == Double.self ? "\(smaller); mixed precision needs far less" : smaller
  }

  /// What `method` keeps, to a few per cent.
  private func bytes(wavevectors k: Double, in chooser: Cell) -> Double {
    let (n, j, number) = (Double(atomCount), Double(kernel.sigmas.count), Double(MemoryLayout<T>.stride))
    let columns = layers.map { Double($0.fieldColumns ?? self.columns) }
    let (all, most) = (columns.reduce(0, +), columns.max() ?? 0)
    let threads = Double(min(threads, max(atomCount, 1)))
    // Integers while they are sorted, vectors, weights and their gradients; X and Y of layers and of one call.
    let common = k * (160 + 16 * j) + number * n * (2 * all + 4 * most)
    let phases = number * 2 * k * (n + 8)
    switch method {
    case .pairwise, .ewald:
      let matrices = number * j * n * n * (cell.hasPeriodicAxis ? 2 : 3)
      let heads = headWidth > 1 ? number * threads * n * (256 + 2 * Double(width)) : 0
      return common + phases + matrices + heads + number * 512 * n + 8 * threads * k
    case .kSum:
      return common + 2 * phases + number * 4 * k * (all + most)
    case .mesh:
      let size = ParticleMesh<T>.size(cell: chooser, kernel: kernel, resolution: meshResolution)
      let points = Double(size.x) * Double(size.y) * Double(size.z)
      let lanes = T.Lanes.scalarCount
      let fields = layers.reduce(0.0) { sum, layer in
        MeshBlocks(columns: layer.fieldColumns ?? self.columns, lanes: lanes).reduce(sum) {
          $0 + 2 * Double($1.half)
        }
      }
      let scratch = Double(self.threads) * 8 * Double(size.max() + 32) * Double(lanes)
      return common + 24 * k + number * points * (fields + 2 * Double(lanes) + j) + 8 * j * points
        + number * (n * (3 * all + 4 * (most + 16) + 48) + scratch)
    }
  }
}
