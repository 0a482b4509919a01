// Linked cells: atoms sorted into bins at least as wide as a cut-off, so that neighbours share or adjoin a
// bin (Quentrec and Brot, doi 10.1016/0021-9991(73)90046-6).
//
// Bins are parallelepipeds in fractional coordinates; cell heights turn Angstrom into numbers of bins. Along
// a periodic axis a whole number of bins fills the cell. Along others they go on for ever in both directions.
// Occupied bins live in a hash table: memory follows the atoms and not the volume, however empty the box.

/// Atoms of one configuration in bins. Bins are numbered in the order in which the atoms first enter them.
struct LinkedCells: Sendable {
  /// The cell image n of every atom, r = wrapped + n A; zero along non-periodic axes.
  private(set) var images: [SIMD3<Int32>] = []
  /// Integer coordinates of every occupied bin.
  private(set) var coordinates: [SIMD3<Int>] = []
  /// Bin b holds the slots `starts[b] ..< starts[b + 1]`.
  private(set) var starts: [Int32] = []
  /// The atom in every slot, ascending within a bin.
  private(set) var atoms: [Int32] = []
  /// Wrapped positions by slot, Angstrom, and padding at the end: eight can be read from any slot on.
  private(set) var x: [Double] = []
  private(set) var y: [Double] = []
  private(set) var z: [Double] = []

  /// Pairs of atoms that share a bin, each in both directions and with themselves.
  var crowd: Int {
    zip(starts, starts.dropFirst()).reduce(0) { $0 + Int($1.1 - $1.0) * Int($1.1 - $1.0) }
  }

  private var vectors = Matrix3.identity
  /// Bins along each periodic axis; zero along the others, which are unbounded.
  private var counts = SIMD3<Int>.zero
  /// How many bins the width spans along each axis: 1, or more if the cell is lower than the width.
  private var reach = SIMD3<Int>.zero

  private var binOfAtom: [Int32] = []
  private var tableKeys: [UInt64] = []
  private var tableBins: [Int32] = []

  /// Image flags and bin coordinates beyond these cannot be stored.
  private static let imageLimit = 16_000.0
  private static let coordinateLimit = 0x1p40
  /// Bins on either side beyond which a cell is absurdly thin, along one axis and around a bin: shifts of pairs, up to
  /// 2 imageLimit + reachLimit, fit in 16 bits, and a search ends.
  private static let reachLimit = 700.0
  private static let neighborhoodLimit = 0x1p20
  private static let keyBits = 21
  private static let padding = 7

  /// Sorts `positions` into bins no narrower than `width` (as far as the cell allows), reusing memory.
  ///
  /// - Throws: `LatticeError`.
  mutating func fill(positions: [Vector3], cell: Cell, width: Double) throws {
    let perBin = try setGrid(cell: cell, width: width)
    try assignBins(positions: positions, cell: cell, perBin: perBin)
    sortAtoms(positions: positions)
  }

  /// Chooses the number of bins; returns bins per unit of fractional coordinate.
  private mutating func setGrid(cell: Cell, width: Double) throws -> Vector3 {
    // A little wider than asked, so that rounding cannot push a neighbour two bins away.
    let width = width * (1 + 1e-9)
    let heights = cell.heights
    var perBin = heights / width
    // Of a cell lower than the width the bin is the cell.
    let reaches = (width / heights + 1).replacing(with: 2, where: .!cell.periodicAxes)
    // NaN is no height either.
    guard (0..<3).allSatisfy({ heights[$0] > 0 && heights[$0].isFinite && reaches[$0] < Self.reachLimit }),
      reaches.x * reaches.y * reaches.z * 8 < Self.neighborhoodLimit
    else { throw LatticeError.cellOutOfRange(heights: heights) }
    for axis in 0..<3 {
      if cell.isPeriodic[axis] {
        counts[axis] = Int(min(max(perBin[axis], 1), Double(1 << Self.keyBits)))
        reach[axis] = Int((Double(counts[axis]) * width / heights[axis]).rounded(.up))
        perBin[axis] = Double(counts[axis])
      } else {
        counts[axis] = 0
        reach[axis] = 1
      }
    }
    vectors = cell.vectors
    return perBin
  }

  private mutating func assignBins(positions: [Vector3], cell: Cell, perBin: Vector3) throws {
    let count = positions.count
    images.setCount(count, filler: .zero)
    binOfAtom.setCount(count, filler: 0)
    coordinates.removeAll(keepingCapacity: true)
    starts.removeAll(keepingCapacity: true)
    clearTable(atoms: count)

    let periodic = cell.periodicAxes
    for atom in 0..<count {
      var f = cell.fractional(positions[atom])
      var n = f.rounded(.down)
      n.replace(with: 0, where: .!periodic)
      f -= n
      let bin = (f * perBin).rounded(.down)
      let isInRange =
        (n .< Self.imageLimit) .& (n .> -Self.imageLimit)
        .& (bin .< Self.coordinateLimit) .& (bin .> -Self.coordinateLimit)
      guard isInRange == .init(repeating: true) else {
        throw LatticeError.positionOutOfRange(atom: atom, position: positions[atom])
      }
      images[atom] = SIMD3<Int32>(Int32(n.x), Int32(n.y), Int32(n.z))
      var c = SIMD3<Int>(Int(bin.x), Int(bin.y), Int(bin.z))
      c.replace(with: counts &- 1, where: (counts .> 0) .& (c .>= counts))  // f = 1 by rounding
      binOfAtom[atom] = insert(c)
      starts[Int(binOfAtom[atom])] += 1
    }
  }

  /// Counting sort of atoms by bin; `starts` holds the number of atoms of every bin on entry.
  private mutating func sortAtoms(positions: [Vector3]) {
    let count = positions.count
    var end: Int32 = 0
    for bin in starts.indices {
      end += starts[bin]
      starts[bin] = end
    }
    starts.append(end)
    atoms.setCount(count, filler: 0)
    x.setCount(count + Self.padding, filler: 0)
    y.setCount(count + Self.padding, filler: 0)
    z.setCount(count + Self.padding, filler: 0)
    for atom in stride(from: count - 1, through: 0, by: -1) {  // downwards: ends become starts
      let bin = Int(binOfAtom[atom])
      starts[bin] -= 1
      let slot = Int(starts[bin])
      let wrapped = positions[atom] - Vector3(images[atom]) * vectors
      atoms[slot] = Int32(atom)
      x[slot] = wrapped.x
      y[slot] = wrapped.y
      z[slot] = wrapped.z
    }
  }
}

// MARK: - Bins around a bin

extension LinkedCells {
  /// The slots of one bin, seen through the image n = `image` of the cell: their atoms stand at
  /// (x, y, z) + `translation`, `translation` = n A.
  struct Neighborhood {
    var slots: Range<Int>
    var image: SIMD3<Int32>
    var translation: Vector3
  }

  /// Replaces `neighborhoods` by every occupied bin within reach of `bin`, itself and images included, in the
  /// order of the offset.
  func findNeighborhoods(of bin: Int, into neighborhoods: inout [Neighborhood]) {
    neighborhoods.removeAll(keepingCapacity: true)
    let center = coordinates[bin]
    for i in -reach.x...reach.x {
      for j in -reach.y...reach.y {
        for k in -reach.z...reach.z {
          var c = center &+ SIMD3(i, j, k)
          var n = SIMD3<Int>.zero
          for axis in 0..<3 where counts[axis] > 0 && (c[axis] < 0 || c[axis] >= counts[axis]) {
            n[axis] = floorDivide(c[axis], counts[axis])
            c[axis] -= n[axis] * counts[axis]
          }
          guard let found = find(c) else { continue }
          neighborhoods.append(
            Neighborhood(
              slots: Int(starts[found])..<Int(starts[found + 1]), image: SIMD3<Int32>(truncatingIfNeeded: n),
              translation: Vector3(n) * vectors))
        }
      }
    }
  }

  private func floorDivide(_ a: Int, _ b: Int) -> Int { a >= 0 ? a / b : -((b - 1 - a) / b) }
}

// MARK: - Hash table of occupied bins (open addressing, at most half full)

extension LinkedCells {
  private mutating func clearTable(atoms: Int) {
    var size = 16
    while size < 2 * atoms { size *= 2 }
    tableKeys.setCount(size, filler: 0)
    tableBins.setCount(size, filler: -1)
    for index in 0..<size { tableBins[index] = -1 }
  }

  /// The low bits of the three coordinates. Bins 2^21 apart along a non-periodic axis share a key; distances
  /// tell their atoms apart.
  private static func key(_ c: SIMD3<Int>) -> UInt64 {
    let mask = (UInt64(1) << keyBits) - 1
    let u = SIMD3<UInt64>(truncatingIfNeeded: c) & mask
    return u.x << (2 * UInt64(keyBits)) | u.y << UInt64(keyBits) | u.z
  }

  /// Where `key` is in the table, or the free place where it belongs.
  private func place(of key: UInt64) -> Int {
    let mask = tableBins.count - 1
    // Fibonacci hashing: the upper bits of the product depend on all bits of the key.
    var place = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
    while tableBins[place] >= 0 && tableKeys[place] != key { place = (place + 1) & mask }
    return place
  }

  private func find(_ c: SIMD3<Int>) -> Int? {
    let bin = tableBins[place(of: Self.key(c))]
    return bin >= 0 ? Int(bin) : nil
  }

  /// The bin at `c`, newly numbered if no atom has been there.
  private mutating func insert(_ c: SIMD3<Int>) -> Int32 {
    let key = Self.key(c)
    let place = place(of: key)
    if tableBins[place] < 0 {
      tableKeys[place] = key
      tableBins[place] = Int32(coordinates.count)
      coordinates.append(c)
      starts.append(0)
    }
    return tableBins[place]
  }
}

extension Array {
  /// Grows or shrinks to `count` elements and keeps the memory; what stays is not touched.
  mutating func setCount(_ count: Int, filler: Element) {
    if count > self.count {
      append(contentsOf: repeatElement(filler, count: count - self.count))
    } else {
      removeLast(self.count - count)
    }
  }
}
