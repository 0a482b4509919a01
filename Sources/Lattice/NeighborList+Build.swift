// Building the list: one pass over the bins counts the pairs of every atom, a prefix sum gives each its
// place, a second pass writes them, a third puts them in order. Rows depend on nothing but the bins, so threads may take
// them in any division.

import Kernels

extension NeighborList {
  /// Builds the list at `positions` (Angstrom, unwrapped), whether or not the present one is still good.
  ///
  /// O(N) at constant density. Reuses the memory of the last build.
  ///
  /// - Parameter centres: only the first so many atoms get neighbours; nil is all.
  /// - Throws: `LatticeError` for positions or a cell out of range; the list is then what it was. For more pairs than
  ///   it can hold `LatticeError` or `MemoryError`; it is then empty.
  public mutating func build(positions: [Vector3], cell: Cell, centres: Int? = nil) throws {
    let centres = centres ?? positions.count
    try linkedCells.fill(positions: positions, cell: cell, width: cutoff + skin)
    do { try countPairs(centres: centres, atoms: positions.count) } catch {
      (offsets, neighbors, shifts, buildPositions) = ([], [], [], [])
      throw error
    }
    neighbors.setCount(Int(offsets[centres]), filler: 0)
    shifts.setCount(neighbors.count, filler: .zero)
    writePairs(centres: centres)
    sortPairs()
    buildPositions.setCount(positions.count, filler: .zero)
    for atom in positions.indices { buildPositions[atom] = positions[atom] }
    buildCell = cell
  }

  /// Pairs for each atom on average; diamond has a thousand within 11 Angstrom.
  private static let mostPairsPerAtom = 20_000

  private mutating func countPairs(centres: Int, atoms: Int) throws {
    let range = cutoff + skin
    let mostPairs = min(Int(Int32.max), Self.mostPairsPerAtom * atoms)
    // An eighth of a bin is smaller than the range: at least as many pairs, known before any distance.
    guard linkedCells.crowd / 8 <= mostPairs else {
      throw LatticeError.tooManyPairs(atoms: atoms, pairs: linkedCells.crowd / 8)
    }
    offsets.setCount(centres + 1, filler: 0)
    offsets.withUnsafeMutableBufferPointer { offsets in
      linkedCells.forEachSlot(threads: threads) { slot, neighborhoods in
        let i = Int(linkedCells.atoms[slot])
        guard i < centres else { return }
        var pairs = -1  // the atom itself
        for bin in neighborhoods {
          linkedCells.forEachBlock(of: bin, within: range, of: slot) { _, hits in
            pairs += hits.nonzeroBitCount
          }
        }
        offsets[i + 1] = Int32(clamping: pairs)
      }
    }
    offsets[0] = 0
    let pairs = offsets.reduce(0) { $0 + Int($1) }
    guard pairs <= mostPairs else { throw LatticeError.tooManyPairs(atoms: atoms, pairs: pairs) }
    if pairs > neighbors.capacity {
      try Memory.require(
        Double(pairs) * Double(MemoryLayout<Int32>.stride + MemoryLayout<SIMD3<Int16>>.stride),
        for: "a neighbour list of \(pairs) pairs of \(atoms) atoms", help: "take a smaller system")
    }
    for atom in 0..<centres { offsets[atom + 1] += offsets[atom] }
  }

  private mutating func writePairs(centres: Int) {
    let range = cutoff + skin
    neighbors.withUnsafeMutableBufferPointer { neighbors in
      shifts.withUnsafeMutableBufferPointer { shifts in
        linkedCells.forEachSlot(threads: threads) { slot, neighborhoods in
          let i = Int(linkedCells.atoms[slot])
          guard i < centres else { return }
          var pair = Int(offsets[i])
          for bin in neighborhoods {
            let isHome = bin.image == .zero
            // w_i - w_j - n A with w = r - image A: S = n + image_i - image_j
            let image = bin.image &+ linkedCells.images[i]
            linkedCells.forEachBlock(of: bin, within: range, of: slot) { first, hits in
              var hits = hits
              while hits != 0 {
                let other = first + hits.trailingZeroBitCount / 8
                hits &= hits &- 1
                if isHome && other == slot { continue }
                let j = Int(linkedCells.atoms[other])
                neighbors[pair] = Int32(j)
                shifts[pair] = SIMD3<Int16>(truncatingIfNeeded: image &- linkedCells.images[j])
                pair += 1
              }
            }
          }
        }
      }
    }
  }
}

// MARK: - Order

extension NeighborList {
  /// Puts the pairs of every atom in the order of neighbour, then image.
  private mutating func sortPairs() {
    let atoms = offsets.count - 1
    let longest = (0..<atoms).reduce(0) { max($0, pairs(of: $1).count) }
    let offsets = offsets
    neighbors.withUnsafeMutableBufferPointer { neighbors in
      shifts.withUnsafeMutableBufferPointer { shifts in
        parallel(threads: threads, count: atoms) { _, rows in
          var keys = [UInt64](repeating: 0, count: longest)
          var images = [SIMD3<Int16>](repeating: .zero, count: longest)
          for i in rows {
            let (first, end) = (Int(offsets[i]), Int(offsets[i + 1]))
            // The neighbour in the upper half, its place in the row in the lower one.
            for n in first..<end {
              keys[n - first] = UInt64(neighbors[n]) << 32 | UInt64(n - first)
              images[n - first] = shifts[n]
            }
            keys[..<(end - first)].sort()
            for n in first..<end {
              let place = Int(truncatingIfNeeded: keys[n - first] & 0xFFFF_FFFF)
              neighbors[n] = Int32(truncatingIfNeeded: keys[n - first] >> 32)
              shifts[n] = images[place]
              // Images of one neighbour are few.
              var m = n
              while m > first, neighbors[m - 1] == neighbors[n], shifts[m].precedes(shifts[m - 1]) {
                shifts.swapAt(m, m - 1)
                m -= 1
              }
            }
          }
        }
      }
    }
  }
}

extension NeighborList {
  /// Puts the pairs of every atom in the order of their neighbours' kinds; those of one kind keep theirs.
  public mutating func group(by kinds: [Int]) {
    let count = (kinds.max() ?? 0) + 1
    for i in 0..<max(0, offsets.count - 1) {
      let pairs = pairs(of: i)
      let (row, images) = (Array(neighbors[pairs]), Array(shifts[pairs]))
      var places = Array(repeating: 0, count: count + 1)
      for j in row { places[kinds[Int(j)] + 1] += 1 }
      for kind in 0..<count { places[kind + 1] += places[kind] }
      for (j, image) in zip(row, images) {
        let pair = pairs.lowerBound + places[kinds[Int(j)]]
        (neighbors[pair], shifts[pair]) = (j, image)
        places[kinds[Int(j)]] += 1
      }
    }
  }
}

extension SIMD3<Int16> {
  fileprivate func precedes(_ other: Self) -> Bool {
    x != other.x ? x < other.x : y != other.y ? y < other.y : z < other.z
  }
}

extension LinkedCells {
  /// Calls `body` with every slot and the bins around it. Bins are divided among `threads`.
  @inline(__always)
  fileprivate func forEachSlot(
    threads: Int, _ body: (_ slot: Int, _ neighborhoods: UnsafeBufferPointer<Neighborhood>) -> Void
  ) {
    parallel(threads: threads, count: coordinates.count) { _, bins in
      var neighborhoods: [Neighborhood] = []
      for bin in bins {
        findNeighborhoods(of: bin, into: &neighborhoods)
        neighborhoods.withUnsafeBufferPointer { neighborhoods in
          for slot in Int(starts[bin])..<Int(starts[bin + 1]) { body(slot, neighborhoods) }
        }
      }
    }
  }

  /// Calls `body` with the slots of `bin` in blocks of eight; byte b of `hits` is 0x80 if slot `first` + b
  /// lies within `range` of `slot`, else 0.
  ///
  /// The displacement is (w_i - w_j) - n A in this order: the other direction, (w_j - w_i) + n A, is its
  /// exact negative, so the list is symmetric down to the last bit.
  @inline(__always)
  fileprivate func forEachBlock(
    of bin: Neighborhood, within range: Double, of slot: Int, _ body: (_ first: Int, _ hits: UInt64) -> Void
  ) {
    typealias Block = SIMD8<Double>
    let (xi, yi, zi) = (x[slot], y[slot], z[slot])
    let t = bin.translation
    // 0x80 in byte b of lane b.
    let laneBits = SIMD8<UInt64>(repeating: 0x80) &<< SIMD8<UInt64>(0, 8, 16, 24, 32, 40, 48, 56)
    for first in stride(from: bin.slots.lowerBound, to: bin.slots.upperBound, by: 8) {
      let dx = xi - x.block(at: first) - t.x
      let dy = yi - y.block(at: first) - t.y
      let dz = zi - z.block(at: first) - t.z
      let isNear = dx * dx + dy * dy + dz * dz .< range * range
      // A bit of its own for each lane, then all in one: lane by lane through bytes it takes ten times as long.
      let bits = unsafeBitCast(isNear, to: SIMD8<UInt64>.self) & laneBits
      let quarter = bits.lowHalf | bits.highHalf
      let pair = quarter.lowHalf | quarter.highHalf
      let hits = pair.x | pair.y
      let present = UInt64(0x8080_8080_8080_8080) &>> UInt64(8 * max(0, first + 8 - bin.slots.upperBound))
      body(first, hits & present)
    }
  }
}

extension [Double] {
  /// Eight elements from `index` on.
  @inline(__always)
  fileprivate func block(at index: Int) -> SIMD8<Double> {
    withUnsafeBytes { $0.loadUnaligned(fromByteOffset: index * 8, as: SIMD8<Double>.self) }
  }
}
