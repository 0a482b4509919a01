// Products of the scalars that enter a layer with several matrices side by side, and the adjoint:
//   row_i = [hn_i W_0, hn_i W_1, ...],   hn = n h0,   n = 1 / sqrt(mean_c h0^2 + 1e-6)
// where the last matrices may take h0 itself. With g = dE/d(hn W) the adjoint of a part is
//   dE/dh0 += n (g W^T - (1/C) (g . hn W) hn),   since  (g W^T) . hn = g . hn W.
// Shapes: h0 [atom][C], padded; rows [atom][part][width].

import Kernels
import LRMACEModel

final class ScalarProjection<T: KernelScalar> {
  private let matrix: PackedMatrix<T>
  private let parts: Int
  private let normalised: Int
  private let width: Int
  private let channels: Int
  private let paddedChannels: Int
  private let inverseChannels: T
  /// After the adjoint they are n g: h0^T times them is the gradient by the weights.
  private let rows = Workspace<T>()
  private let inverseNorm = Workspace<T>()

  private static var normEpsilon: T { 1e-6 }

  /// - Parameters:
  ///   - matrices: [channels, at most `width`] each, three at most.
  ///   - normalised: how many of them, from the first, take hn.
  init(_ matrices: [Matrix], normalised: Int, width: Int, channels: Int, paddedChannels: Int) {
    parts = matrices.count
    self.normalised = normalised
    self.width = width
    self.channels = channels
    self.paddedChannels = paddedChannels
    inverseChannels = 1 / T(channels)
    matrix = PackedMatrix(
      Matrix(sideBySide: matrices.map { $0.padded(columns: width) }), rowBlock: channels,
      paddedRowBlock: paddedChannels,
      paddedColumns: parts * width)
  }

  func reserve(_ atoms: Int) {
    rows.reserve(parts * atoms * width)
    inverseNorm.reserve(atoms)
  }

  /// [part][width] of an atom.
  func row(_ i: Int) -> UnsafeMutablePointer<T> { rows.pointer + parts * i * width }

  func forward(_ h0: UnsafePointer<T>, _ range: Range<Int>) {
    let first = range.lowerBound
    matrix.apply(h0 + first * paddedChannels, rows: range.count, into: row(first))
    for i in range {
      let h = h0 + i * paddedChannels
      let norm =
        normalised == 0
        ? 1 : 1 / (T.dot(h, h, count: channels) * inverseChannels + Self.normEpsilon).squareRoot()
      inverseNorm.pointer[i] = norm
      // Normalisation commutes with the product.
      row(i).setProduct(row(i), norm, count: normalised * width)
    }
  }

  /// Adds to dE/dh0 from g of every part, [atom][width].
  func adjoint(
    _ g: InlineArray<3, UnsafePointer<T>>, _ h0: UnsafePointer<T>, gradient: UnsafeMutablePointer<T>,
    _ range: Range<Int>
  ) {
    for i in range {
      let (row, norm) = (row(i), inverseNorm.pointer[i])
      if normalised > 0 {
        var overlap = T.zero
        for k in 0..<normalised { overlap += T.dot(g[k] + i * width, row + k * width, count: width) }
        (gradient + i * paddedChannels).addProduct(
          h0 + i * paddedChannels, -overlap * inverseChannels * norm * norm, count: paddedChannels)
      }
      for k in 0..<parts {
        (row + k * width).setProduct(g[k] + i * width, k < normalised ? norm : 1, count: width)
      }
    }
    let first = range.lowerBound
    matrix.applyAdjoint(
      row(first), rows: range.count, into: gradient + first * paddedChannels, adding: true)
  }
}
