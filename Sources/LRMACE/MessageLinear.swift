// The linear layer of the messages, which mixes paths and channels:
//   A_l = sum over blocks k of M_l,k . matrices[l][species of the centre][k],
// all of M one block, or each element of the neighbours with its own. Matrices for all centres alike stand there once.
//
// Shapes: M as MessageBlock, A as Features.

import Kernels

struct MessageLinear<T: KernelScalar> {
  /// Of M: what the matrices sum over.
  let layout: MessageLayout
  let matrices: [[[PackedMatrix<T>]]]

  /// - Parameter matrices: [degree][species of the centre, or one entry for all][block].
  init(_ matrices: [[[PackedMatrix<T>]]]) {
    self.matrices = matrices
    layout = MessageLayout(widths: matrices.map { $0[0].reduce(0) { $0 + $1.rows } })
  }

  private func blocks(_ l: Int, _ species: Int) -> [PackedMatrix<T>] {
    matrices[l].count == 1 ? matrices[l][0] : matrices[l][species]
  }

  /// Floating-point operations of an atom in a system of so many elements, the adjoint included.
  func operations(elements: Int) -> Int {
    matrices.enumerated().reduce(0) { sum, degree in
      let blocks = degree.element[0]
      let count = blocks.count == 1 ? 1 : elements
      return sum + 2 * count * (2 * degree.offset + 1) * 2 * blocks[0].rows * blocks[0].columns
    }
  }

  /// A <- M W, A of the block's atoms among all; `elements` are those that the system has.
  @inline(__always)
  func apply(_ block: AtomBlock, elements: [Int], _ m: MessageBlock<T>, into a: Features<T>) {
    for l in 0..<layout.degrees {
      let rows = block.atoms.count &* (2 &* l &+ 1)
      let (ml, al) = (m.degree(l, layout), a.row(l, block.atoms.lowerBound))
      let blocks = blocks(l, block.species)
      guard blocks.count > 1 else {
        blocks[0].apply(ml, rows: rows, into: al)
        continue
      }
      for (n, z) in elements.enumerated() {
        blocks[z].apply(
          ml + z &* blocks[z].rows, stride: layout.widths[l], rows: rows, into: al, adding: n > 0)
      }
    }
  }

  /// dM <- dA W^T, both of the block alone.
  @inline(__always)
  func applyAdjoint(_ block: AtomBlock, elements: [Int], _ da: Features<T>, into dm: MessageBlock<T>) {
    for l in 0..<layout.degrees {
      let rows = block.atoms.count &* (2 &* l &+ 1)
      let (dal, dml) = (da.degree(l), dm.degree(l, layout))
      let blocks = blocks(l, block.species)
      guard blocks.count > 1 else {
        blocks[0].applyAdjoint(dal, rows: rows, into: dml)
        continue
      }
      for z in elements {
        blocks[z].applyAdjoint(dal, rows: rows, into: dml + z &* blocks[z].rows, stride: layout.widths[l])
      }
    }
  }
}
