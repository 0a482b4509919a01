// dE/dW of a weight matrix that acts on rows from the right, y = x W:   dW = sum over rows of x^T dy.
// In kernel precision and padded as the matrix is (`PackedMatrix`); sums over frames are in double precision.

import Kernels

struct MatrixGradient<T: KernelScalar> {
  let shape: PackedShape
  /// Padded.
  let columns: Int
  private let values: Workspace<T>
  private let parts: Int
  private var count: Int { shape.paddedRows * columns }

  /// - Parameter parts: sums to which threads add, each to its own.
  init(_ shape: PackedShape, columns: Int, parts: Int = 1) {
    (self.shape, self.columns, self.parts) = (shape, columns, parts)
    values = Workspace(capacity: parts * shape.paddedRows * columns)
  }

  init(_ matrix: PackedMatrix<T>, parts: Int = 1) {
    self.init(matrix.shape, columns: matrix.columns, parts: parts)
  }

  func part(_ n: Int) -> UnsafeMutablePointer<T> { values.pointer + n * count }

  func clear() { values.fill(0, count: parts * count) }

  /// dW <- x^T dy over so many rows, or added to; threads share the rows of W.
  func setProduct(
    _ x: UnsafePointer<T>, _ dy: UnsafePointer<T>, rows: Int, threads: Int, adding: Bool = false
  ) {
    let (height, width, target) = (shape.paddedRows, columns, values.pointer)
    parallel(threads: threads, count: height) { _, range in
      T.gemm(
        transposeA: true, transposeB: false, m: range.count, n: width, k: rows, alpha: 1,
        a: x + range.lowerBound, lda: height, b: dy, ldb: width, beta: adding ? 1 : 0,
        c: target + range.lowerBound * width, ldc: width)
    }
  }

  /// Adds `factor` dW to `gradient`, [rows][columns] of the unpadded matrix from `offset` on, all parts in turn.
  ///
  /// - Parameter first: padded column with which the matrix begins, where several stand side by side.
  func add(to gradient: inout [Double], at offset: Int, factor: Double, columns range: Range<Int>? = nil) {
    let range = range ?? 0..<shape.columns
    gradient.withUnsafeMutableBufferPointer { gradient in
      for n in 0..<parts {
        for row in 0..<shape.rows {
          let source = part(n) + shape.paddedRow(row) * columns + range.lowerBound
          let target = offset + row * range.count
          for c in 0..<range.count { gradient[target + c] += factor * Double(source[c]) }
        }
      }
    }
  }
}
