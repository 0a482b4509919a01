// An order of atoms in which neighbours in space are neighbours in memory: bins along the Morton curve, which
// interleaves the bits of their coordinates.

/// The atoms sorted bin by bin along the Morton curve: entry k is the index of the atom that comes k-th.
///
/// Atoms that share a bin keep their order. `positions` in Angstrom may be unwrapped; `binWidth` in Angstrom.
///
/// - Throws: `LatticeError`.
public func spatialOrder(positions: [Vector3], cell: Cell, binWidth: Double) throws -> [Int32] {
  var bins = LinkedCells()
  try bins.fill(positions: positions, cell: cell, width: binWidth)
  let origin = bins.coordinates.reduce(SIMD3(repeating: Int.max)) { pointwiseMin($0, $1) }
  let codes = bins.coordinates.map { mortonCode($0 &- origin) }
  return codes.indices.sorted { (codes[$0], $0) < (codes[$1], $1) }.flatMap { bin in
    bins.atoms[Int(bins.starts[bin])..<Int(bins.starts[bin + 1])]
  }
}

/// The bits of c, interleaved: ... z1 y1 x1 z0 y0 x0. Coordinates saturate at 2^21 - 1.
func mortonCode(_ c: SIMD3<Int>) -> UInt64 {
  func spread(_ value: Int) -> UInt64 {
    var bits = UInt64(min(value, (1 << 21) - 1))
    bits = (bits | bits << 32) & 0x001F_0000_0000_FFFF
    bits = (bits | bits << 16) & 0x001F_0000_FF00_00FF
    bits = (bits | bits << 8) & 0x100F_00F0_0F00_F00F
    bits = (bits | bits << 4) & 0x10C3_0C30_C30C_30C3
    bits = (bits | bits << 2) & 0x1249_2492_4924_9249
    return bits
  }
  return spread(c.x) | spread(c.y) << 1 | spread(c.z) << 2
}
