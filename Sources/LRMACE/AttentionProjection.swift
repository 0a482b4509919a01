// Queries, keys and values of reciprocal-space attention, and the adjoint:
//   q = phi(hn W_q)/sqrt(d),   k = phi(hn W_k),   v = h0 W_v      hn normalised or h0 itself, as the model says
// Shapes: h0 [atom][C], padded; q, k, v [atom][D].

import Kernels
import LRMACEModel

final class AttentionProjection<T: KernelScalar> {
  let heads: Int
  let width: Int
  let q = Workspace<T>()
  let k = Workspace<T>()
  let v = Workspace<T>()
  let dq = Workspace<T>()
  let dk = Workspace<T>()
  let dv = Workspace<T>()
  /// dphi of q and k.
  private let querySlope = Workspace<T>()
  private let keySlope = Workspace<T>()
  /// [hn W_q, hn W_k, v] before phi, then their gradients.
  private let projection: ScalarProjection<T>
  private let headScale: T
  private let activation: Model.Attention.Activation

  init(_ a: Model.Attention, _ settings: Model.AttentionSettings, channels: Int, paddedChannels: Int) {
    (heads, width) = (settings.heads, settings.width)
    headScale = T(1 / Double(width / heads).squareRoot())
    activation = a.activation
    let normalised =
      switch a.normalisation {
      case .none: 0
      case .queryKey: 2
      case .all: 3
      }
    projection = ScalarProjection(
      [a.query, a.key, a.value], normalised: normalised, width: width, channels: channels,
      paddedChannels: paddedChannels)
  }

  func reserve(_ atoms: Int) {
    for buffer in [q, k, v, dq, dk, dv, querySlope, keySlope] { buffer.reserve(atoms * width) }
    projection.reserve(atoms)
  }

  func forward(_ h0: UnsafePointer<T>, _ range: Range<Int>) {
    projection.forward(h0, range)
    let (q, k, v) = (q.pointer, k.pointer, v.pointer)
    for i in range {
      let row = projection.row(i)
      (q + i * width).update(from: row, count: width)
      (k + i * width).update(from: row + width, count: width)
      (v + i * width).update(from: row + 2 * width, count: width)
    }
    let (start, count) = (range.lowerBound * width, range.count * width)
    activate(q + start, slope: querySlope.pointer + start, count: count, scale: headScale)
    activate(k + start, slope: keySlope.pointer + start, count: count, scale: 1)
  }

  /// Adds to dE/dh0, from dq, dk and dv.
  func adjoint(_ h0: UnsafePointer<T>, gradient: UnsafeMutablePointer<T>, _ range: Range<Int>) {
    let (start, count) = (range.lowerBound * width, range.count * width)
    (querySlope.pointer + start).setProduct(querySlope.pointer + start, dq.pointer + start, count: count)
    (keySlope.pointer + start).setProduct(keySlope.pointer + start, dk.pointer + start, count: count)
    projection.adjoint(
      [UnsafePointer(querySlope.pointer), UnsafePointer(keySlope.pointer), UnsafePointer(dv.pointer)], h0,
      gradient: gradient, range)
  }

  func addWeightGradients(_ h0: UnsafePointer<T>, atoms: Int, to sums: WeightSums<T>) {
    projection.addWeightGradients(["rsa/W_q", "rsa/W_k", "rsa/W_v"], h0, atoms: atoms, to: sums)
  }

  /// x <- scale phi(x), slope = scale phi'(x).
  private func activate(_ x: UnsafeMutablePointer<T>, slope: UnsafeMutablePointer<T>, count: Int, scale: T) {
    switch activation {
    case .identity: x.applyIdentity(slope: slope, count: count, scale: scale)
    case .silu: x.applySilu(slope: slope, count: count, scale: scale)
    case .softplus: x.applySoftplus(slope: slope, count: count, scale: scale)
    }
  }
}
