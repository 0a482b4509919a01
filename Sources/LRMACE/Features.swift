// Equivariant features of many atoms: degree by degree, [atom][m][channel], channels contiguous. All rows of one
// degree lie together, so mixing channels is one matrix product per degree over any range of atoms.

import Kernels
import LRMACEModel

/// A view of features h_(i, l m, c); degree l starts at atoms * channels * l^2.
struct Features<T: KernelScalar> {
  let base: UnsafeMutablePointer<T>
  let atoms: Int
  let channels: Int

  @inline(__always)
  func degree(_ l: Int) -> UnsafeMutablePointer<T> { base + atoms &* channels &* l &* l }

  /// [m][channel] of one atom.
  @inline(__always)
  func row(_ l: Int, _ atom: Int) -> UnsafeMutablePointer<T> {
    degree(l) + atom &* (2 &* l &+ 1) &* channels
  }

  /// Writes the atoms of a block in their place among all.
  @inline(__always)
  func copy(_ block: Features<T>, at first: Int, lmax: Int) {
    for l in 0...lmax {
      row(l, first).update(from: block.degree(l), count: block.atoms &* (2 &* l &+ 1) &* channels)
    }
  }

  /// Number of values up to `lmax`.
  static func count(atoms: Int, channels: Int, lmax: Int) -> Int {
    atoms * channels * (lmax + 1) * (lmax + 1)
  }
}

/// Where the rows of a matrix come to lie when each block of them (one per path) is padded.
struct PackedShape {
  let rows: Int
  let columns: Int
  let rowBlock: Int
  let paddedRowBlock: Int

  var paddedRows: Int { rows / rowBlock * paddedRowBlock }

  func paddedRow(_ row: Int) -> Int { row / rowBlock * paddedRowBlock + row % rowBlock }
}

/// A weight matrix in kernel precision, padded to whole lanes of channels, with its transpose for the adjoint.
final class PackedMatrix<T: KernelScalar> {
  let rows: Int
  let columns: Int
  private let values: Workspace<T>
  private let transposed: Workspace<T>

  /// Values between two rows of `values`, and of `transposed`: an odd number of lanes. With a power of two between them a
  /// tile's columns of all rows share a few sets of the first cache, and are fetched anew for every few rows of the product.
  let rowStride: Int
  private let transposedRowStride: Int

  /// [row][rowStride].
  var pointer: UnsafePointer<T> { UnsafePointer(values.pointer) }

  /// Of the model's matrix, which is packed.
  let shape: PackedShape

  /// - Parameters:
  ///   - rowBlock, paddedRowBlock: rows come in blocks (one per path) of so many channels, each padded.
  ///   - paddedColumns: as many as there are columns where no padding is wanted.
  init(_ matrix: Matrix, rowBlock: Int, paddedRowBlock: Int, paddedColumns: Int) {
    shape = PackedShape(
      rows: matrix.rows, columns: matrix.columns, rowBlock: rowBlock, paddedRowBlock: paddedRowBlock)
    rows = shape.paddedRows
    columns = paddedColumns
    func stride(_ columns: Int) -> Int {
      (T.wholeLanes(columns) / T.Lanes.scalarCount | 1) * T.Lanes.scalarCount
    }
    (rowStride, transposedRowStride) = (stride(columns), stride(rows))
    values = Workspace(repeating: 0, count: rows * rowStride)
    transposed = Workspace(repeating: 0, count: columns * transposedRowStride)
    for r in 0..<matrix.rows {
      let row = shape.paddedRow(r)
      for c in 0..<matrix.columns {
        let value = T(matrix.values[r * matrix.columns + c])
        values.pointer[row * rowStride + c] = value
        transposed.pointer[c * transposedRowStride + row] = value
      }
    }
  }

  /// y <- x W (or y + x W) for `n` rows of x.
  @inline(__always)
  func apply(
    _ x: UnsafePointer<T>, rows n: Int, into y: UnsafeMutablePointer<T>, adding: Bool = false
  ) {
    T.gemm(
      transposeA: false, transposeB: false, m: n, n: columns, k: rows, alpha: 1, a: x, lda: rows,
      b: pointer, ldb: rowStride, beta: adding ? 1 : 0, c: y, ldc: columns)
  }

  /// dx <- dy W^T (or dx + dy W^T).
  @inline(__always)
  func applyAdjoint(
    _ dy: UnsafePointer<T>, rows n: Int, into dx: UnsafeMutablePointer<T>, adding: Bool = false
  ) {
    T.gemm(
      transposeA: false, transposeB: false, m: n, n: rows, k: columns, alpha: 1, a: dy, lda: columns,
      b: UnsafePointer(transposed.pointer), ldb: transposedRowStride, beta: adding ? 1 : 0, c: dx,
      ldc: rows)
  }
}
