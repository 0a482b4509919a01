// What conserved sources take of the scalars entering a layer, and the adjoint:
//   a = silu(hn W_a),   b = hn W_b,   q = silu(hn W_q) where potentials are mixed into features
// Shapes: h0 [atom][C], padded; a, b, q [atom][D], padded.

import Kernels
import LRMACEModel

final class SourceProjection<T: KernelScalar> {
  let width: Int
  let a = Workspace<T>()
  let b = Workspace<T>()
  let q = Workspace<T>()
  let da = Workspace<T>()
  let db = Workspace<T>()
  let dq = Workspace<T>()
  /// silu' of a and q.
  private let slopeA = Workspace<T>()
  private let slopeQ = Workspace<T>()
  private let hasQuery: Bool
  /// [hn W_a, hn W_b, hn W_q], then their gradients.
  private let projection: ScalarProjection<T>

  /// - Parameter width: D, padded.
  init(_ sources: Model.ConservedSources, width: Int, channels: Int, paddedChannels: Int) {
    self.width = width
    let matrices = [sources.transferA, sources.transferB] + [sources.query].compactMap { $0 }
    hasQuery = matrices.count == 3
    projection = ScalarProjection(
      matrices, normalised: matrices.count, width: width, channels: channels, paddedChannels: paddedChannels)
  }

  func reserve(_ atoms: Int) {
    for buffer in [a, b, da, db, slopeA] { buffer.reserve(atoms * width) }
    if hasQuery { for buffer in [q, dq, slopeQ] { buffer.reserve(atoms * width) } }
    projection.reserve(atoms)
  }

  func forward(_ h0: UnsafePointer<T>, _ range: Range<Int>) {
    projection.forward(h0, range)
    for i in range {
      let (row, first) = (projection.row(i), i * width)
      (a.pointer + first).update(from: row, count: width)
      (b.pointer + first).update(from: row + width, count: width)
      if hasQuery { (q.pointer + first).update(from: row + 2 * width, count: width) }
    }
    let (start, count) = (range.lowerBound * width, range.count * width)
    (a.pointer + start).applySilu(slope: slopeA.pointer + start, count: count, scale: 1)
    if hasQuery { (q.pointer + start).applySilu(slope: slopeQ.pointer + start, count: count, scale: 1) }
  }

  /// Adds to dE/dh0, from da, db and dq, which become gradients by what the activations take.
  func adjoint(_ h0: UnsafePointer<T>, gradient: UnsafeMutablePointer<T>, _ range: Range<Int>) {
    let (start, count) = (range.lowerBound * width, range.count * width)
    (da.pointer + start).setProduct(da.pointer + start, slopeA.pointer + start, count: count)
    if hasQuery { (dq.pointer + start).setProduct(dq.pointer + start, slopeQ.pointer + start, count: count) }
    projection.adjoint(
      [UnsafePointer(da.pointer), UnsafePointer(db.pointer), UnsafePointer(dq.pointer)], h0,
      gradient: gradient, range)
  }

  func addWeightGradients(_ h0: UnsafePointer<T>, atoms: Int, to sums: WeightSums<T>) {
    let names = ["conserved/W_a", "conserved/W_b"] + (hasQuery ? ["conserved/W_q"] : [])
    projection.addWeightGradients(names, h0, atoms: atoms, to: sums)
  }
}
