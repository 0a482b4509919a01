// The linear layer of the messages, which mixes paths and channels:
//   A_l = sum over blocks k of M_l,k . matrices[l][element of the centre][k],
// all of M one block, or each element of the neighbours with its own. Matrices for all centres alike stand there once.
//
// Shapes: M as MessageBlock, A as Features.

import Kernels

struct MessageLinear<T: KernelScalar> {
  /// Of M: what the matrices sum over.
  let layout: MessageLayout
  let matrices: [[[PackedMatrix<T>]]]

  /// - Parameter matrices: [degree][element of the centre, or one entry for all][block].
  init(_ matrices: [[[PackedMatrix<T>]]]) {
    self.matrices = matrices
    layout = MessageLayout(widths: matrices.map { $0[0].reduce(0) { $0 + $1.rows } })
  }

  private func blocks(_ l: Int, _ centre: Int) -> [PackedMatrix<T>] {
    matrices[l].count == 1 ? matrices[l][0] : matrices[l][centre]
  }

  /// Floating-point operations of an atom, the adjoint included.
  var operations: Int {
    matrices.enumerated().reduce(0) { sum, degree in
      let blocks = degree.element[0]
      return sum + 2 * blocks.count * (2 * degree.offset + 1) * 2 * blocks[0].rows * blocks[0].columns
    }
  }

  /// A <- M W, A of the block's atoms among all; their element is the one numbered `centre`.
  @inline(__always)
  func apply(_ block: AtomBlock, centre: Int, _ m: MessageBlock<T>, into a: Features<T>) {
    for l in 0..<layout.degrees {
      let rows = block.atoms.count &* (2 &* l &+ 1)
      let (ml, al) = (m.degree(l, layout), a.row(l, block.atoms.lowerBound))
      for (k, matrix) in blocks(l, centre).enumerated() {
        matrix.apply(ml + k &* matrix.rows, stride: layout.widths[l], rows: rows, into: al, adding: k > 0)
      }
    }
  }

  /// dM <- dA W^T, both of the block alone.
  @inline(__always)
  func applyAdjoint(_ block: AtomBlock, centre: Int, _ da: Features<T>, into dm: MessageBlock<T>) {
    for l in 0..<layout.degrees {
      let rows = block.atoms.count &* (2 &* l &+ 1)
      let (dal, dml) = (da.degree(l), dm.degree(l, layout))
      for (k, matrix) in blocks(l, centre).enumerated() {
        matrix.applyAdjoint(dal, rows: rows, into: dml + k &* matrix.rows, stride: layout.widths[l])
      }
    }
  }
}
