// Building the list: one pass over the bins counts the pairs of every atom, a prefix sum gives each its place, a
// second pass writes them. Rows depend on nothing but the bins, so threads may take them in any division.

import Kernels

extension NeighborList {
  /// Builds the list at `positions` (Angstrom, unwrapped), whether or not the present one is still good.
  ///
  /// O(N) at constant density. Reuses the memory of the last build.
  ///
  /// - Throws: `LatticeError.positionOutOfRange`; the list is then what it was.
  public mutating func build(positions: [Vector3], cell: Cell) throws {
    try linkedCells.fill(positions: positions, cell: cell, width: cutoff + skin)
    countPairs(atoms: positions.count)
    neighbors.setCount(Int(offsets[positions.count]), filler: 0)
    shifts.setCount(neighbors.count, filler: .zero)
    writePairs()
    buildPositions.setCount(positions.count, filler: .zero)
    for atom in positions.indices { buildPositions[atom] = positions[atom] }
    buildCell = cell
  }

  private var squaredReach: Double { (cutoff + skin) * (cutoff + skin) }

  private mutating func countPairs(atoms: Int) {
    offsets.setCount(atoms + 1, filler: 0)
    let reach = squaredReach
    offsets.withUnsafeMutableBufferPointer { offsets in
      linkedCells.forEachSlot(threads: threads) { x, y, z, slot, position, neighborhoods in
        var pairs = -1  // the atom itself
        for bin in neighborhoods {
          for other in bin.slots {
            let d2 = squaredDistance(position, x[other], y[other], z[other], bin.translation)
            pairs &+= d2 < reach ? 1 : 0
          }
        }
        offsets[Int(linkedCells.atoms[slot]) + 1] = Int32(pairs)
      }
    }
    offsets[0] = 0
    for atom in 0 ..< atoms { offsets[atom + 1] += offsets[atom] }
  }

  private mutating func writePairs() {
    let reach = squaredReach
    neighbors.withUnsafeMutableBufferPointer { neighbors in
      shifts.withUnsafeMutableBufferPointer { shifts in
        linkedCells.forEachSlot(threads: threads) { x, y, z, slot, position, neighborhoods in
          let i = Int(linkedCells.atoms[slot])
          let image = linkedCells.images[i]
          var pair = Int(offsets[i])
          for bin in neighborhoods {
              let isHome = bin.image == .zero
            for other in bin.slots {
              let d2 = squaredDistance(position, x[other], y[other], z[other], bin.translation)
              guard d2 < reach, !(isHome && other == slot) else { continue }
              let j = Int(linkedCells.atoms[other])
              neighbors[pair] = Int32(j)
              // w_i - w_j - s A with w = r - n A: S = s + n_i - n_j
              shifts[pair] = SIMD3<Int16>(truncatingIfNeeded: bin.image &+ image &- linkedCells.images[j])
              pair += 1
            }
          }
        }
      }
    }
  }
}

extension LinkedCells {
  /// Calls `body` with every slot, its wrapped position and the bins around it; x, y, z are the wrapped positions
  /// of all slots. Bins are divided among `threads`.
  @inline(__always)
  fileprivate func forEachSlot(
    threads: Int,
    _ body: (
      _ x: UnsafePointer<Double>, _ y: UnsafePointer<Double>, _ z: UnsafePointer<Double>, _ slot: Int,
      _ position: Vector3, _ neighborhoods: UnsafeBufferPointer<Neighborhood>
    ) -> Void
  ) {
    x.withUnsafeBufferPointer { x in
      y.withUnsafeBufferPointer { y in
        z.withUnsafeBufferPointer { z in
          guard let x = x.baseAddress, let y = y.baseAddress, let z = z.baseAddress else { return }
          parallel(threads: threads, count: coordinates.count) { _, bins in
            var neighborhoods: [Neighborhood] = []
            for bin in bins {
              findNeighborhoods(of: bin, into: &neighborhoods)
              neighborhoods.withUnsafeBufferPointer { neighborhoods in
                for slot in Int(starts[bin]) ..< Int(starts[bin + 1]) {
                  body(x, y, z, slot, Vector3(x[slot], y[slot], z[slot]), neighborhoods)
                }
              }
            }
          }
        }
      }
    }
  }
}

/// |(w_i - w_j) - n A|^2 in this order: the other direction, (w_j - w_i) + n A, is the exact negative, so the list is
/// symmetric down to the last bit.
@inline(__always)
private func squaredDistance(_ r: Vector3, _ x: Double, _ y: Double, _ z: Double, _ t: Vector3) -> Double {
  let dx = r.x - x - t.x
  let dy = r.y - y - t.y
  let dz = r.z - z - t.z
  return dx * dx + dy * dy + dz * dz
}
