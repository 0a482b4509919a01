// The linear layer of the messages, which mixes paths and channels:
//   A_l = M_l . matrices[l][element of the centre].
// Matrices for all centres alike stand there once.
//
// Shapes: M as MessageBlock, A as Features.

import Kernels

struct MessageLinear<T: KernelScalar> {
  /// Of M: what the matrices sum over.
  let layout: MessageLayout
  /// [degree][element of the centre, or one entry for all].
  let matrices: [[PackedMatrix<T>]]

  init(_ matrices: [[PackedMatrix<T>]]) {
    self.matrices = matrices
    layout = MessageLayout(widths: matrices.map { $0[0].rows })
  }

  @inline(__always)
  private func matrix(_ l: Int, _ centre: Int) -> PackedMatrix<T> {
    matrices[l].count == 1 ? matrices[l][0] : matrices[l][centre]
  }

  /// Floating-point operations of an atom, the adjoint included.
  var operations: Int {
    matrices.enumerated().reduce(0) { sum, degree in
      let matrix = degree.element[0]
      return sum + 2 * (2 * degree.offset + 1) * 2 * matrix.rows * matrix.columns
    }
  }

  /// A <- M W, A of the block's atoms among all; their element is the one numbered `centre`.
  @inline(__always)
  func apply(_ block: AtomBlock, centre: Int, _ m: MessageBlock<T>, into a: Features<T>) {
    for l in 0..<layout.degrees {
      let rows = block.atoms.count &* (2 &* l &+ 1)
      matrix(l, centre).apply(m.degree(l, layout), rows: rows, into: a.row(l, block.atoms.lowerBound))
    }
  }

  /// dM <- dA W^T, both of the block alone.
  @inline(__always)
  func applyAdjoint(_ block: AtomBlock, centre: Int, _ da: Features<T>, into dm: MessageBlock<T>) {
    for l in 0..<layout.degrees {
      let rows = block.atoms.count &* (2 &* l &+ 1)
      matrix(l, centre).applyAdjoint(da.degree(l), rows: rows, into: dm.degree(l, layout))
    }
  }
}
