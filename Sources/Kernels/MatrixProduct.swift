// C <- alpha op(A) op(B) + beta C for the small and middling matrices of a force field, on one thread.
//
// C is cut into tiles whose sums stay in registers while k runs: 6 rows by 4 lanes of columns with AVX-512 (24 of 32
// registers), 6 by 1 with AVX2 (12 of 16, two for each lane vector) and NEON (24 of 32, four each), 3 by 1 with SSE2.
// A is read in place through its two strides, transposed or not. B is read in place where its rows are short, else a
// panel of it is copied to the stack, as wide as the tile and 128 rows deep.
// The order of summation depends on the shape alone.
//
// Why not a BLAS: libraries choose kernels by the name of the processor, and one that does not know the processor
// falls back to 128-bit code, a factor of eight below this one (OpenBLAS 0.3.21 on a 2024 Xeon).

/// Lanes and rows of a tile. One more lane vector holds a row of B, and one register each number of A in turn.
private var tileLanes: Int { Registers.heldLanes >= 32 ? 4 : 1 }
private var tileRows: Int { Registers.heldLanes >= 8 ? 6 : 3 }
/// Depth of a panel of B.
private let panelDepth = 128

@inline(__always)
func matrixProduct<T: KernelScalar>(
  transposeA: Bool, transposeB: Bool, m: Int, n: Int, k: Int, alpha: T, a: UnsafePointer<T>, lda: Int,
  b: UnsafePointer<T>, ldb: Int, beta: T, c: UnsafeMutablePointer<T>, ldc: Int
) {
  let width = T.Lanes.scalarCount
  guard m > 0, n > 0 else { return }
  guard k > 0 else {
    for i in 0..<m {
      for j in 0..<n { c[i &* ldc &+ j] = beta == 0 ? 0 : beta * c[i &* ldc &+ j] }
    }
    return
  }
  let (rowStride, columnStride) = transposeA ? (1, lda) : (lda, 1)
  // Of long rows every one lies on another page.
  let inPlace = transposeB || ldb > 640 ? 0 : n &- n % width
  var j = 0
  while j < inPlace {
    let lanes = lanesAt(j, inPlace, width)
    strip(lanes, m, lanes &* width, k, alpha, a, rowStride, columnStride, b + j, ldb, beta, c + j, ldc)
    j &+= lanes &* width
  }
  guard inPlace < n else { return }
  var panel = InlineArray<8192, T>(repeating: 0)
  withUnsafeMutablePointer(to: &panel) { storage in
    let packed = UnsafeMutableRawPointer(storage).assumingMemoryBound(to: T.self)
    var depth = 0
    while depth < k {
      let rows = min(panelDepth, k &- depth)
      var j = inPlace
      while j < n {
        let lanes = lanesAt(j, n, width)
        let columns = min(n &- j, lanes &* width)
        let source = transposeB ? b + (j &* ldb &+ depth) : b + (depth &* ldb &+ j)
        pack(
          source, transposed: transposeB, ldb: ldb, rows: rows, columns: columns, width: lanes &* width,
          into: packed)
        strip(
          lanes, m, columns, rows, alpha, a + depth &* columnStride, rowStride, columnStride,
          UnsafePointer(packed),
          lanes &* width, depth == 0 ? beta : 1, c + j, ldc)
        j &+= columns
      }
      depth &+= rows
    }
  }
}

/// Lanes of the tile that starts at column `j`.
@inline(__always)
private func lanesAt(_ j: Int, _ n: Int, _ width: Int) -> Int {
  let left = n &- j
  return tileLanes == 1 ? 1 : left >= 4 &* width ? 4 : left >= 3 &* width ? 3 : left >= 2 &* width ? 2 : 1
}

/// Rows of op(B), `width` apart, zeros past the last column.
@inline(__always)
private func pack<T: KernelScalar>(
  _ b: UnsafePointer<T>, transposed: Bool, ldb: Int, rows: Int, columns: Int, width: Int,
  into panel: UnsafeMutablePointer<T>
) {
  for r in 0..<rows {
    let row = panel + r &* width
    if transposed {
      for j in 0..<columns { row[j] = b[j &* ldb &+ r] }
    } else {
      for j in 0..<columns { row[j] = b[r &* ldb &+ j] }
    }
    for j in columns..<width { row[j] = 0 }
  }
}

/// All rows of C, so many lanes of columns wide; those that tiles do not take are no code.
@inline(__always)
private func strip<T: KernelScalar>(
  _ lanes: Int, _ m: Int, _ columns: Int, _ k: Int, _ alpha: T, _ a: UnsafePointer<T>, _ rowStride: Int,
  _ columnStride: Int, _ b: UnsafePointer<T>, _ ldb: Int, _ beta: T, _ c: UnsafeMutablePointer<T>, _ ldc: Int
) {
  switch lanes {
  case 4:
    strip(
      InlineArray<4, Int8>(repeating: 0), m, columns, k, alpha, a, rowStride, columnStride, b, ldb, beta, c,
      ldc)
  case 3:
    strip(
      InlineArray<3, Int8>(repeating: 0), m, columns, k, alpha, a, rowStride, columnStride, b, ldb, beta, c,
      ldc)
  case 2:
    strip(
      InlineArray<2, Int8>(repeating: 0), m, columns, k, alpha, a, rowStride, columnStride, b, ldb, beta, c,
      ldc)
  default:
    strip(
      InlineArray<1, Int8>(repeating: 0), m, columns, k, alpha, a, rowStride, columnStride, b, ldb, beta, c,
      ldc)
  }
}

/// The first argument fixes the number of lanes for the compiler, that of `tile` the number of rows, too.
@inline(__always)
private func strip<T: KernelScalar, let lanes: Int>(
  _ width: InlineArray<lanes, Int8>, _ m: Int, _ columns: Int, _ k: Int, _ alpha: T, _ a: UnsafePointer<T>,
  _ rowStride: Int, _ columnStride: Int, _ b: UnsafePointer<T>, _ ldb: Int, _ beta: T,
  _ c: UnsafeMutablePointer<T>,
  _ ldc: Int
) {
  var i = 0
  while i < m {
    let left = m &- i
    let ap = a + i &* rowStride
    let cp = c + i &* ldc
    if tileRows >= 6, left >= 6 {
      tile(
        InlineArray<6, Int8>(repeating: 0), width, columns, k, alpha, ap, rowStride, columnStride, b, ldb,
        beta, cp, ldc)
      i &+= 6
    } else if left >= 3 {
      tile(
        InlineArray<3, Int8>(repeating: 0), width, columns, k, alpha, ap, rowStride, columnStride, b, ldb,
        beta, cp, ldc)
      i &+= 3
    } else if left == 2 {
      tile(
        InlineArray<2, Int8>(repeating: 0), width, columns, k, alpha, ap, rowStride, columnStride, b, ldb,
        beta, cp, ldc)
      i &+= 2
    } else {
      tile(
        InlineArray<1, Int8>(repeating: 0), width, columns, k, alpha, ap, rowStride, columnStride, b, ldb,
        beta, cp, ldc)
      i &+= 1
    }
  }
}

@inline(__always)
private func tile<T: KernelScalar, let rows: Int, let lanes: Int>(
  _: InlineArray<rows, Int8>, _: InlineArray<lanes, Int8>, _ columns: Int, _ k: Int, _ alpha: T,
  _ a: UnsafePointer<T>, _ rowStride: Int, _ columnStride: Int, _ b: UnsafePointer<T>, _ ldb: Int, _ beta: T,
  _ c: UnsafeMutablePointer<T>, _ ldc: Int
) {
  let width = T.Lanes.scalarCount
  let zero = InlineArray<lanes, T.Lanes>(repeating: T.Lanes(repeating: 0))
  var sum = InlineArray<rows, InlineArray<lanes, T.Lanes>>(repeating: zero)
  var (ap, bp) = (a, b)
  for _ in 0..<k {
    var row = zero
    for v in 0..<lanes { row[v] = bp.lanes(v &* width) }
    for r in 0..<rows {
      let x = T.Lanes(repeating: ap[r &* rowStride])
      for v in 0..<lanes { sum[r][v].addProduct(x, row[v]) }
    }
    ap += columnStride
    bp += ldb
  }
  let factor = T.Lanes(repeating: alpha)
  if columns == lanes &* width {
    for r in 0..<rows {
      for v in 0..<lanes {
        let index = r &* ldc &+ v &* width
        var value = sum[r][v] * factor
        if beta != 0 { value.addProduct(c.lanes(index), T.Lanes(repeating: beta)) }
        c.setLanes(index, value)
      }
    }
  } else {
    for r in 0..<rows {
      for j in 0..<columns {
        let index = r &* ldc &+ j
        let value = sum[r][j / width][j % width] * alpha
        c[index] = beta == 0 ? value : beta * c[index] + value
      }
    }
  }
}
