// Neighbours of one kind together: sums over them then need no look-up of the kind.

extension NeighborList {
  /// Reorders the pairs of every atom by the kind of the neighbour, keeping the order within a kind.
  ///
  /// - Parameter kinds: one small non-negative integer per atom.
  public mutating func groupNeighbors(by kinds: [Int]) {
    let kindCount = (kinds.max() ?? 0) + 1
    var (sortedNeighbors, sortedShifts) = (neighbors, shifts)
    var next = [Int](repeating: 0, count: kindCount + 1)
    for i in 0..<max(0, offsets.count - 1) {
      for k in next.indices { next[k] = 0 }
      for pair in pairs(of: i) { next[kinds[Int(neighbors[pair])] + 1] += 1 }
      next[0] = Int(offsets[i])
      for k in 1...kindCount { next[k] += next[k - 1] }
      for pair in pairs(of: i) {
        let kind = kinds[Int(neighbors[pair])]
        sortedNeighbors[next[kind]] = neighbors[pair]
        sortedShifts[next[kind]] = shifts[pair]
        next[kind] += 1
      }
    }
    neighbors = sortedNeighbors
    shifts = sortedShifts
  }
}
