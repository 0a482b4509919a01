// Eigenvalues and eigenvectors of a symmetric matrix A by Hestenes' one-sided Jacobi method (1958, doi 10.1137/0106005): pairs of
// columns of W = A + c 1 are turned until all are orthogonal. With c such that W is positive definite they are then
// W v = (lambda + c) v, each an eigenvector v times its eigenvalue. Every pass is over two contiguous columns.
//
// It takes some ten sweeps of n^2/2 turns of 12 n operations: seconds for n = 500.

struct SymmetricEigenproblem {
  /// Ascending.
  let values: [Double]
  /// In the order of the values, each of length one.
  let vectors: [[Double]]

  private static let mostSweeps = 60
  /// Columns whose cosine is smaller are orthogonal.
  private static let tolerance = 1e-15

  /// - Parameter matrix: n rows of n numbers, symmetric and finite.
  init(_ matrix: [[Double]]) {
    let n = matrix.count
    // Gershgorin: no eigenvalue is beyond the largest sum of a row.
    let bound = matrix.map { $0.reduce(0) { $0 + abs($1) } }.max() ?? 0
    let shift = 1.01 * bound
    var columns = matrix
    for i in 0..<n { columns[i][i] += shift }
    for _ in 0..<Self.mostSweeps {
      var isOrthogonal = true
      for p in 0..<n {
        for q in p + 1..<max(n, p + 1) {
          if Self.orthogonalize(&columns, p, q) { isOrthogonal = false }
        }
      }
      if isOrthogonal { break }
    }
    let norms = columns.map { column in column.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    let order = norms.indices.sorted { norms[$0] < norms[$1] }
    values = order.map { norms[$0] - shift }
    vectors = order.map { k in norms[k] > 0 ? columns[k].map { $0 / norms[k] } : columns[k] }
  }

  /// Turns two columns in their plane until they are orthogonal.
  /// - Returns: whether they were not.
  private static func orthogonalize(_ columns: inout [[Double]], _ p: Int, _ q: Int) -> Bool {
    var (a, b) = ([Double](), [Double]())
    swap(&a, &columns[p])
    swap(&b, &columns[q])
    defer {
      swap(&a, &columns[p])
      swap(&b, &columns[q])
    }
    return a.withUnsafeMutableBufferPointer { a in
      b.withUnsafeMutableBufferPointer { b in
        var (aa, bb, ab) = (0.0, 0.0, 0.0)
        for i in a.indices {
          aa += a[i] * a[i]
          bb += b[i] * b[i]
          ab += a[i] * b[i]
        }
        guard abs(ab) > tolerance * (aa * bb).squareRoot() else { return false }
        let zeta = (bb - aa) / (2 * ab)
        let t = (zeta < 0 ? -1 : 1) / (abs(zeta) + (1 + zeta * zeta).squareRoot())
        let c = 1 / (1 + t * t).squareRoot()
        let s = c * t
        for i in a.indices { (a[i], b[i]) = (c * a[i] - s * b[i], s * a[i] + c * b[i]) }
        return true
      }
    }
  }
}
