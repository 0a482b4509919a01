// The attention blocks of a model around the sum in Reciprocal:
//   hn = h0 / sqrt(mean_c h0^2 + 1e-6),   q = phi(hn W_q)/sqrt(d),   k = phi(hn W_k),   v = h0 W_v
//   u  = sum of attention (ReciprocalAttention)
//   h'_lm,c <- h'_lm,c (1 + (u W_g)_c) where a gate is,   h'_0 <- h'_0 + u W_o.
// Shapes: q, k, v, u [atom][D]; h as Features. Each stage stands beside its adjoint.

import Foundation
import Kernels
import LRMACEModel
import Lattice
import Reciprocal

final class AttentionStack<T: KernelScalar> {
  let sum: ReciprocalAttention<T>
  /// By layer; nil where a layer does not attend.
  private(set) var blocks: [AttentionBlock<T>?] = []
  /// The first layer's part of the sum, if it attends.
  private let species: SpeciesAttention<T>?
  let threads: Int
  private let channels: Int
  private var gradients: [Vector3] = []

  /// Nil for a model without attention.
  init?(_ compiled: CompiledModel, channels: Int, threads: Int) {
    let model = compiled.model
    guard let settings = model.attention else { return nil }
    (self.threads, self.channels) = (threads, channels)
    sum = ReciprocalAttention(
      kernel: ReciprocalKernel(
        sigmas: settings.sigmas, tolerance: settings.epsilon, weight: settings.kernelWeight,
        subtractsSelf: settings.subtractsSelf),
      heads: settings.heads, width: settings.width, layers: model.layers.count { $0.attention != nil },
      threads: threads)
    species = compiled.attention.map { SpeciesAttention($0, index: 0, channels: channels) }
    load(model)
  }

  /// The weights of a model with the same settings.
  func load(_ model: Model) {
    guard let settings = model.attention else { return }
    var index = 0
    blocks = model.layers.map { layer in
      guard let attention = layer.attention else { return nil }
      defer { index += 1 }
      return AttentionBlock(
        attention, settings, index: index, channels: model.channels, paddedChannels: channels)
    }
  }

  /// Elements of the atoms, ascending.
  func prepare(species list: [Int]) { species?.prepare(species: list, for: sum) }

  /// The plan for the atoms that were prepared, in `cell`.
  func plan(positions: [Vector3], cell: Cell, wanted: AttentionEvaluation) throws -> AttentionPlan {
    try sum.plan(
      positions: positions, cell: cell, preferring: wanted.method,
      mesh: wanted.mesh ?? ReciprocalAttention<T>.usualMesh)
  }

  func admits(_ plan: AttentionPlan) -> Bool { sum.admits(plan) }

  func settled(_ plan: AttentionPlan, atoms: Int) throws -> AttentionPlan {
    try sum.settled(plan, atoms: atoms)
  }

  /// The cheapest mesh that will do, from a step that measured its sources.
  func sufficientMeshResolution(forceError: Double) -> MeshResolution? {
    sum.sufficientResolution(forceError: forceError)
  }

  func prepare(
    positions: [Vector3], cell: Cell, plan: AttentionPlan, measuringSources: Bool
  ) throws {
    try sum.prepare(positions: positions, cell: cell, plan: plan, measuringSources: measuringSources)
  }

  /// u of layer `t` from the scalars `h0` entering it. The layer's output has degrees up to `lmax`.
  func forward(layer t: Int, features h0: UnsafePointer<T>, atoms: Int, lmax: Int) {
    guard let block = blocks[t] else { return }
    block.reserve(atoms, lmax: lmax)
    if t == 0, let species {
      species.forward(sum)
      return
    }
    block.reserveProjections(atoms)
    parallel(threads: threads, count: atoms) { _, range in
      forEachBatch(range) { block.project(h0, $0) }
    }
    sum.forward(
      layer: block.index, filter: block.filter, q: block.q.pointer, k: block.k.pointer, v: block.v.pointer,
      u: block.u.pointer)
  }

  /// Adds u to the features leaving layer `t`.
  func mix(layer t: Int, into h: Features<T>, lmax: Int, range: Range<Int>) {
    blocks[t]?.mix(into: h, lmax: lmax, range: range, species: t == 0 ? species : nil)
  }

  /// Adjoint of `mix` and `forward`: rescales `gradient` where a gate acts and adds to `inputGradient`,
  /// which the first layer does not have.
  func adjoint(
    layer t: Int, gradient: Features<T>, lmax: Int, features h0: UnsafePointer<T>, inputGradient: Features<T>?
  ) {
    guard let block = blocks[t] else { return }
    let atoms = gradient.atoms
    parallel(threads: threads, count: atoms) { _, range in
      block.mixAdjoint(gradient, lmax: lmax, range: range, species: t == 0 ? species : nil)
    }
    guard let inputGradient else {
      species?.adjoint(sum)
      return
    }
    sum.adjoint(
      layer: block.index, q: block.q.pointer, k: block.k.pointer, v: block.v.pointer, du: block.du.pointer,
      dq: block.dq.pointer, dk: block.dk.pointer, dv: block.dv.pointer)
    parallel(threads: threads, count: atoms) { _, range in
      forEachBatch(range) { block.projectAdjoint(h0, gradient: inputGradient.degree(0), $0) }
    }
  }

  /// Calls `body` with parts of `range` whose rows stay in the cache from one stage to the next.
  @inline(__always)
  private func forEachBatch(_ range: Range<Int>, _ body: (Range<Int>) -> Void) {
    let batch = 64
    for first in stride(from: range.lowerBound, to: range.upperBound, by: batch) {
      body(first..<min(first + batch, range.upperBound))
    }
  }

  /// Subtracts dE/dr from the forces and adds dE/d(strain).
  func addForces(to forces: inout [Vector3], strainGradient: inout Matrix3) {
    if gradients.count != forces.count { gradients = Array(repeating: .zero, count: forces.count) }
    for i in gradients.indices { gradients[i] = .zero }
    gradients.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      sum.addGradients(positions: base, strain: &strainGradient)
    }
    for i in gradients.indices { forces[i] -= gradients[i] }
  }
}

/// Weights and state of the attention of one layer.
final class AttentionBlock<T: KernelScalar> {
  /// Position among the attending layers.
  let index: Int
  let filter: [Double]
  let heads: Int
  private let channels: Int
  private let paddedChannels: Int
  private let inverseChannels: T
  let width: Int
  private let headScale: T
  private let normalisation: Model.Attention.Normalisation
  private let activation: Model.Attention.Activation
  /// W_q, W_k and W_v side by side: one matrix product.
  let projection: PackedMatrix<T>
  let output: PackedMatrix<T>
  let gate: PackedMatrix<T>?

  let q = Workspace<T>()
  let k = Workspace<T>()
  let v = Workspace<T>()
  let u = Workspace<T>()
  let dq = Workspace<T>()
  let dk = Workspace<T>()
  let dv = Workspace<T>()
  let du = Workspace<T>()
  /// dphi of q and k.
  private let querySlope = Workspace<T>()
  private let keySlope = Workspace<T>()
  /// [hn W_q, hn W_k, v] before phi, then their gradients; 1/rms.
  let projected = Workspace<T>()
  private let inverseNorm = Workspace<T>()
  /// 1 + u W_g, its gradient, and the features before the gate.
  private let gates = Workspace<T>()
  let gateGradient = Workspace<T>()
  /// dE/d(u W_o) where a gate rescales dE/dh afterwards.
  let outputGradient = Workspace<T>()
  private let ungated = Workspace<T>()

  private static var normEpsilon: T { 1e-6 }

  init(
    _ a: Model.Attention, _ settings: Model.AttentionSettings, index: Int, channels: Int, paddedChannels: Int
  ) {
    let (heads, width) = (settings.heads, settings.width)
    func expand(_ m: Matrix) -> PackedMatrix<T> {
      PackedMatrix(m, rowBlock: width, paddedRowBlock: width, paddedColumns: paddedChannels)
    }
    self.index = index
    self.channels = channels
    self.paddedChannels = paddedChannels
    inverseChannels = 1 / T(channels)
    filter = a.filter.values
    self.heads = heads
    self.width = width
    headScale = T(1 / Double(width / heads).squareRoot())
    normalisation = a.normalisation
    activation = a.activation
    projection = PackedMatrix(
      Matrix(sideBySide: [a.query, a.key, a.value]), rowBlock: channels, paddedRowBlock: paddedChannels,
      paddedColumns: 3 * width)
    output = expand(a.output)
    gate = a.gate.map(expand)
  }

  func reserve(_ atoms: Int, lmax: Int) {
    for buffer in [u, du] { buffer.reserve(atoms * width) }
    if gate != nil {
      ungated.reserve(Features<T>.count(atoms: atoms, channels: paddedChannels, lmax: lmax))
      for buffer in [gates, gateGradient, outputGradient] { buffer.reserve(atoms * paddedChannels) }
    }
  }

  func reserveProjections(_ atoms: Int) {
    for buffer in [q, k, v, dq, dk, dv, querySlope, keySlope] { buffer.reserve(atoms * width) }
    projected.reserve(3 * atoms * width)
    inverseNorm.reserve(atoms)
  }

  // MARK: - Queries, keys and values

  func project(_ h0: UnsafePointer<T>, _ range: Range<Int>) {
    projection.apply(
      h0 + range.lowerBound * paddedChannels, rows: range.count,
      into: projected.pointer + 3 * range.lowerBound * width)
    let (q, k, v) = (q.pointer, k.pointer, v.pointer)
    for i in range {
      let h = h0 + i * paddedChannels
      let norm =
        normalisation == .none
        ? 1 : 1 / (T.dot(h, h, count: channels) * inverseChannels + Self.normEpsilon).squareRoot()
      inverseNorm.pointer[i] = norm
      // Normalisation commutes with the product.
      let row = projected.pointer + 3 * i * width
      row.setProduct(row, norm, count: (normalisation == .all ? 3 : 2) * width)
      (q + i * width).update(from: row, count: width)
      (k + i * width).update(from: row + width, count: width)
      (v + i * width).update(from: row + 2 * width, count: width)
    }
    let (start, count) = (range.lowerBound * width, range.count * width)
    activate(q + start, slope: querySlope.pointer + start, count: count, scale: headScale)
    activate(k + start, slope: keySlope.pointer + start, count: count, scale: 1)
  }

  /// Adds to dE/dh0. With n = 1/rms and g = dE/d(hn W), the part of q and k is
  ///   n (g W^T - (1/C) (g . hn W) hn),  since  (g W^T) . hn = g . hn W;  likewise of v where it is normalised.
  func projectAdjoint(_ h0: UnsafePointer<T>, gradient: UnsafeMutablePointer<T>, _ range: Range<Int>) {
    let (start, count) = (range.lowerBound * width, range.count * width)
    (querySlope.pointer + start).setProduct(querySlope.pointer + start, dq.pointer + start, count: count)
    (keySlope.pointer + start).setProduct(keySlope.pointer + start, dk.pointer + start, count: count)
    for i in range {
      let h = h0 + i * paddedChannels
      let row = projected.pointer + 3 * i * width
      let norm = inverseNorm.pointer[i]
      let first = i * width
      let (gq, gk, gv) = (querySlope.pointer + first, keySlope.pointer + first, dv.pointer + first)
      if normalisation != .none {
        var overlap = T.dot(gq, row, count: width) + T.dot(gk, row + width, count: width)
        if normalisation == .all { overlap += T.dot(gv, row + 2 * width, count: width) }
        (gradient + i * paddedChannels).addProduct(
          h, -overlap * inverseChannels * norm * norm, count: paddedChannels)
      }
      row.setProduct(gq, norm, count: width)
      (row + width).setProduct(gk, norm, count: width)
      (row + 2 * width).setProduct(gv, normalisation == .all ? norm : 1, count: width)
    }
    projection.applyAdjoint(
      projected.pointer + 3 * range.lowerBound * width, rows: range.count,
      into: gradient + range.lowerBound * paddedChannels, adding: true)
  }

  /// x <- scale phi(x), slope = scale phi'(x).
  private func activate(_ x: UnsafeMutablePointer<T>, slope: UnsafeMutablePointer<T>, count: Int, scale: T) {
    switch activation {
    case .identity: x.applyIdentity(slope: slope, count: count, scale: scale)
    case .silu: x.applySilu(slope: slope, count: count, scale: scale)
    case .softplus: x.applySoftplus(slope: slope, count: count, scale: scale)
    }
  }

  // MARK: - Mixing into the features

  /// - Parameter species: mixes instead of u, in the first layer.
  func mix(into h: Features<T>, lmax: Int, range: Range<Int>, species: SpeciesAttention<T>?) {
    let (first, count) = (range.lowerBound, range.count)
    let u = UnsafePointer(self.u.pointer + first * width)
    if let gate {
      let g = gates.pointer + first * paddedChannels
      if let species {
        species.setGates(g, range: range)
      } else {
        gate.apply(u, rows: count, into: g)
      }
      for n in 0..<(count * paddedChannels) { g[n] += 1 }
      let before = Features(base: ungated.pointer, atoms: h.atoms, channels: paddedChannels)
      forEachRow(lmax, range) { l, i, m in
        let row = h.row(l, i) + m * paddedChannels
        let saved = before.row(l, i) + m * paddedChannels
        let gi = gates.pointer + i * paddedChannels
        for c in 0..<paddedChannels {
          saved[c] = row[c]
          row[c] *= gi[c]
        }
      }
    }
    if let species {
      species.addOutputs(to: h.row(0, first), range: range)
    } else {
      output.apply(u, rows: count, into: h.row(0, first), adding: true)
    }
  }

  /// du from dE/dh, and dE/dh before the gate in place of dE/dh.
  func mixAdjoint(_ dh: Features<T>, lmax: Int, range: Range<Int>, species: SpeciesAttention<T>?) {
    let (first, count) = (range.lowerBound, range.count)
    let du = self.du.pointer + first * width
    if let species {
      species.outputsAdjoint(dh.row(0, first), range: range)
    } else {
      output.applyAdjoint(dh.row(0, first), rows: count, into: du)
    }
    guard let gate else { return }
    (outputGradient.pointer + first * paddedChannels).update(
      from: dh.row(0, first), count: count * paddedChannels)
    let dg = gateGradient.pointer + first * paddedChannels
    dg.update(repeating: 0, count: count * paddedChannels)
    let before = Features(base: ungated.pointer, atoms: dh.atoms, channels: paddedChannels)
    forEachRow(lmax, range) { l, i, m in
      let row = dh.row(l, i) + m * paddedChannels
      let saved = before.row(l, i) + m * paddedChannels
      let gi = gates.pointer + i * paddedChannels
      let dgi = gateGradient.pointer + i * paddedChannels
      for c in 0..<paddedChannels {
        dgi[c] += row[c] * saved[c]
        row[c] *= gi[c]
      }
    }
    if let species {
      species.gatesAdjoint(dg, range: range)
    } else {
      gate.applyAdjoint(dg, rows: count, into: du, adding: true)
    }
  }

  @inline(__always)
  private func forEachRow(_ lmax: Int, _ range: Range<Int>, _ body: (_ l: Int, _ atom: Int, _ m: Int) -> Void)
  {
    for l in 0...lmax {
      for i in range {
        for m in 0..<(2 * l + 1) { body(l, i, m) }
      }
    }
  }
}
