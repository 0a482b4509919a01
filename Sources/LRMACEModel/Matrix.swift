import Kernels

/// A row-major matrix.
public struct Matrix: Sendable {
  public let rows: Int
  public let columns: Int
  public var values: [Double]

  public init(rows: Int, columns: Int, values: [Double]) {
    precondition(values.count == rows * columns)
    self.rows = rows
    self.columns = columns
    self.values = values
  }

  /// A matrix of zeros.
  public init(rows: Int, columns: Int) {
    self.init(rows: rows, columns: columns, values: Array(repeating: 0, count: rows * columns))
  }

  /// Matrices of as many rows each, their columns in turn.
  public init(sideBySide matrices: [Matrix]) {
    let rows = matrices.first?.rows ?? 0
    self.init(
      rows: rows, columns: matrices.reduce(0) { $0 + $1.columns },
      values: (0..<rows).flatMap { row in
        matrices.flatMap { $0.values[row * $0.columns..<(row + 1) * $0.columns] }
      })
  }

  @inlinable
  public subscript(row: Int, column: Int) -> Double {
    get { values[row * columns + column] }
    set { values[row * columns + column] = newValue }
  }

  public func rows(_ first: Int, count: Int) -> Matrix {
    Matrix(
      rows: count, columns: columns, values: Array(values[(first * columns)..<((first + count) * columns)]))
  }

  /// With columns of zeros behind its own, up to `columns`.
  public func padded(columns: Int) -> Matrix {
    Matrix(sideBySide: [self, Matrix(rows: rows, columns: columns - self.columns)])
  }

  public static func * (a: Matrix, b: Matrix) -> Matrix {
    precondition(a.columns == b.rows)
    var c = Matrix(rows: a.rows, columns: b.columns)
    Double.gemm(
      transposeA: false, transposeB: false, m: a.rows, n: b.columns, k: a.columns, alpha: 1, a: a.values,
      lda: a.columns, b: b.values, ldb: b.columns, beta: 0, c: &c.values, ldc: b.columns)
    return c
  }
}
