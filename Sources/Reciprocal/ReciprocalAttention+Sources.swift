// Sources X_n = k_n (x) v_n of the attention sum and the gather u_m = q_m . Y_m, head by head, with their
// adjoints. N D d multiplications each; the sum between them is Y = G X. Heads of width 1 are products
// element by element.

import Kernels

extension ReciprocalAttention {
  /// X[n, (h a b)] = k[n, h a] v[n, h b].
  func formSources(_ x: UnsafeMutablePointer<T>, k: UnsafePointer<T>, v: UnsafePointer<T>) {
    let (width, d, columns) = (width, headWidth, columns)
    parallel(threads: threads, count: atomCount) { _, atoms in
      if d == 1 {
        for i in atoms.scaled(by: width) { x[i] = k[i] * v[i] }
        return
      }
      for n in atoms {
        for column in 0..<width {
          let row = x + n * columns + column * d
          let head = v + n * width + column / d * d
          let key = k[n * width + column]
          for b in 0..<d { row[b] = key * head[b] }
        }
      }
    }
  }

  /// dk[n, h a] = sum_b dX[n, (h a b)] v[n, h b];  dv[n, h b] = sum_a dX[n, (h a b)] k[n, h a].
  func formSourcesAdjoint(
    _ dX: UnsafePointer<T>, k: UnsafePointer<T>, v: UnsafePointer<T>, dk: UnsafeMutablePointer<T>,
    dv: UnsafeMutablePointer<T>
  ) {
    let (width, d, columns) = (width, headWidth, columns)
    parallel(threads: threads, count: atomCount) { _, atoms in
      if d == 1 {
        for i in atoms.scaled(by: width) { (dk[i], dv[i]) = (dX[i] * v[i], dX[i] * k[i]) }
        return
      }
      for n in atoms {
        (dv + n * width).update(repeating: 0, count: width)
        for column in 0..<width {
          let row = dX + n * columns + column * d
          let head = n * width + column / d * d
          let key = k[n * width + column]
          var sum = T.zero
          for b in 0..<d {
            sum += row[b] * v[head + b]
            dv[head + b] += row[b] * key
          }
          dk[n * width + column] = sum
        }
      }
    }
  }

  /// u[m, h b] = sum_a q[m, h a] Y[m, (h a b)].
  func gather(_ y: UnsafePointer<T>, q: UnsafePointer<T>, u: UnsafeMutablePointer<T>) {
    let (width, d, columns) = (width, headWidth, columns)
    parallel(threads: threads, count: atomCount) { _, atoms in
      if d == 1 {
        for i in atoms.scaled(by: width) { u[i] = q[i] * y[i] }
        return
      }
      for m in atoms {
        (u + m * width).update(repeating: 0, count: width)
        for column in 0..<width {
          let row = y + m * columns + column * d
          let head = u + m * width + column / d * d
          let query = q[m * width + column]
          for b in 0..<d { head[b] += query * row[b] }
        }
      }
    }
  }

  /// dY[m, (h a b)] = q[m, h a] du[m, h b];  dq[m, h a] = sum_b Y[m, (h a b)] du[m, h b].
  func gatherAdjoint(
    _ y: UnsafePointer<T>, q: UnsafePointer<T>, du: UnsafePointer<T>, dY: UnsafeMutablePointer<T>,
    dq: UnsafeMutablePointer<T>
  ) {
    let (width, d, columns) = (width, headWidth, columns)
    parallel(threads: threads, count: atomCount) { _, atoms in
      if d == 1 {
        for i in atoms.scaled(by: width) { (dY[i], dq[i]) = (q[i] * du[i], y[i] * du[i]) }
        return
      }
      for m in atoms {
        for column in 0..<width {
          let offset = m * columns + column * d
          let head = du + m * width + column / d * d
          let query = q[m * width + column]
          var sum = T.zero
          for b in 0..<d {
            dY[offset + b] = query * head[b]
            sum += y[offset + b] * head[b]
          }
          dq[m * width + column] = sum
        }
      }
    }
  }
}

extension Range<Int> {
  /// The elements of these rows.
  fileprivate func scaled(by width: Int) -> Range<Int> { lowerBound * width..<upperBound * width }
}
