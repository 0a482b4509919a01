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

  /// Matrices of as many columns each, one below the other.
  public init(stacked matrices: [Matrix]) {
    self.init(
      rows: matrices.reduce(0) { $0 + $1.rows }, columns: matrices.first?.columns ?? 0,
      values: matrices.flatMap(\.values))
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

  /// With rows of zeros below its own, up to `rows`.
  public func padded(rows: Int) -> Matrix {
    Matrix(stacked: [self, Matrix(rows: rows - self.rows, columns: columns)])
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
