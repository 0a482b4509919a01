// Constants of conserved sources for parts of known charge: of all xbar with M xbar = Q c^T the one nearest to x,
//   xbar = x + M^+ (Q c^T - M x) = x + sum_i m_i (q_i c^T - m_i x),
// with m_i the rows of M made orthonormal (Gram and Schmidt), and q_i what becomes of Q on the way.
// M [parts, species], Q [parts], x and xbar [species, D], c [D].

struct ChargeConstraint: Sendable {
  /// m_i and q_i.
  private var rows: [(composition: [Double], charge: Double)] = []

  /// - Throws: `ModelError` for charges that contradict each other.
  init(_ references: Model.ConservedSources.References, species: Int, file: String) throws {
    for part in 0..<references.compositions.rows {
      let given = references.compositions.rows(part, count: 1).values
      var (m, q) = (given, references.charges[part])
      // Twice is enough.
      for row in rows + rows {
        let overlap = zip(row.composition, m).reduce(0) { $0 + $1.0 * $1.1 }
        for s in m.indices { m[s] -= overlap * row.composition[s] }
        q -= overlap * row.charge
      }
      let norm = m.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let size = given.reduce(0) { $0 + $1 * $1 }.squareRoot()
      guard norm > 1e-9 * size else {
        guard abs(q) < 1e-9 * (1 + abs(references.charges[part])) else {
          throw ModelError(
            file: file,
            reason:
              "the charge \(references.charges[part]) of part \(part + 1) contradicts those of the parts before it, "
              + "which are made of the same atoms")
        }
        continue
      }
      rows.append((m.map { $0 / norm }, q / norm))
    }
  }

  /// xbar.
  func constants(_ x: Matrix, columns c: [Double]) -> Matrix {
    var xbar = x
    for row in rows {
      for d in c.indices {
        let total = row.composition.indices.reduce(0.0) { $0 + row.composition[$1] * x[$1, d] }
        for s in row.composition.indices { xbar[s, d] += row.composition[s] * (row.charge * c[d] - total) }
      }
    }
    return xbar
  }

  /// dE/dx and dE/dc from dE/dxbar.
  func adjoint(_ gradient: Matrix) -> (x: Matrix, columns: [Double]) {
    var (dx, dc) = (gradient, [Double](repeating: 0, count: gradient.columns))
    for row in rows {
      for d in dc.indices {
        let total = row.composition.indices.reduce(0.0) { $0 + row.composition[$1] * gradient[$1, d] }
        dc[d] += row.charge * total
        for s in row.composition.indices { dx[s, d] -= row.composition[s] * total }
      }
    }
    return (dx, dc)
  }
}
