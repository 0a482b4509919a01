// The attention blocks of a model around the sum in Reciprocal (DESIGN section 2):
//   hn = h0 / sqrt(mean_c h0^2 + 1e-6),   q = phi(hn W_q)/sqrt(d),   k = phi(hn W_k),   v = h0 W_v
//   u  = sum of attention (ReciprocalAttention)
//   h'_lm,c <- h'_lm,c (1 + (u W_g)_c) where a gate is,   h'_0 <- h'_0 + u W_o.
// Shapes: q, k, v, u [atom][D]; h as Features. Each stage stands beside its adjoint.

import Foundation
import Kernels
import Lattice
import Reciprocal

final class AttentionStack<T: KernelScalar> {
  private let sum: ReciprocalAttention<T>
  /// By layer; nil where a layer does not attend.
  private let blocks: [AttentionBlock<T>?]
  /// The first layer's part of the sum, if it attends.
  private let species: SpeciesAttention<T>?
  private let threads: Int
  private var gradients: [Vector3] = []

  /// Nil for a model without attention.
  init?(
    model: Model, channels: Int, embedding: PackedMatrix<T>, threads: Int, evaluation: AttentionEvaluation
  ) {
    let configurations = model.layers.compactMap(\.attention)
    guard let first = configurations.first else { return nil }
    self.threads = threads
    sum = ReciprocalAttention(
      kernel: ReciprocalKernel(
        sigmas: first.sigmas, tolerance: first.epsilon, weight: first.kernelWeight,
        subtractsSelf: first.subtractsSelf),
      heads: first.heads, width: first.width, layers: configurations.count, threads: threads)
    sum.preferredMethod = evaluation.method
    if let mesh = evaluation.mesh { sum.meshResolution = mesh }
    var index = 0
    var blocks: [AttentionBlock<T>?] = []
    for layer in model.layers {
      blocks.append(
        layer.attention.map {
          AttentionBlock($0, index: index, channels: model.channels, paddedChannels: channels)
        })
      if layer.attention != nil { index += 1 }
    }
    self.blocks = blocks
    species = blocks[0].map { SpeciesAttention($0, embedding: embedding, threads: threads) }
  }

  /// The evaluation that the last step took.
  var method: AttentionMethod { sum.method }

  var meshResolution: MeshResolution {
    get { sum.meshResolution }
    set { sum.meshResolution = newValue }
  }

  var measuresSources: Bool {
    get { sum.measuresSources }
    set { sum.measuresSources = newValue }
  }

  func sufficientMeshResolution(forceError: Double) -> MeshResolution {
    sum.sufficientResolution(forceError: forceError)
  }

  /// Elements of the atoms, ascending.
  func prepare(species list: [Int]) { species?.prepare(species: list, for: sum) }

  func prepare(positions: [Vector3], cell: Cell) {
    sum.prepare(positions: positions, cell: cell)
  }

  /// u of layer `t` from the scalars `h0` entering it. The layer's output has degrees up to `lmax`.
  func forward(layer t: Int, features h0: UnsafePointer<T>, atoms: Int, lmax: Int) {
    guard let block = blocks[t] else { return }
    block.reserve(atoms, lmax: lmax)
    if t == 0, let species {
      species.forward(sum, into: block.u.pointer)
      return
    }
    block.reserveProjections(atoms)
    parallel(threads: threads, count: atoms) { _, range in block.project(h0, range) }
    sum.forward(
      layer: block.index, filter: block.filter, q: block.q.pointer, k: block.k.pointer, v: block.v.pointer,
      u: block.u.pointer)
  }

  /// Adds u to the features leaving layer `t`.
  func mix(layer t: Int, into h: Features<T>, lmax: Int, range: Range<Int>) {
    blocks[t]?.mix(into: h, lmax: lmax, range: range)
  }

  /// Adjoint of `mix` and `forward`: rescales `gradient` where a gate acts and adds to `inputGradient`,
  /// which the first layer does not have.
  func adjoint(
    layer t: Int, gradient: Features<T>, lmax: Int, features h0: UnsafePointer<T>, inputGradient: Features<T>?
  ) {
    guard let block = blocks[t] else { return }
    let atoms = gradient.atoms
    parallel(threads: threads, count: atoms) { _, range in
      block.mixAdjoint(gradient, lmax: lmax, range: range)
    }
    guard let inputGradient else {
      species?.adjoint(sum, gradient: block.du.pointer)
      return
    }
    sum.adjoint(
      layer: block.index, q: block.q.pointer, k: block.k.pointer, v: block.v.pointer, du: block.du.pointer,
      dq: block.dq.pointer, dk: block.dk.pointer, dv: block.dv.pointer)
    parallel(threads: threads, count: atoms) { _, range in
      block.projectAdjoint(h0, gradient: inputGradient.degree(0), range)
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
  private let query: PackedMatrix<T>
  private let key: PackedMatrix<T>
  private let value: PackedMatrix<T>
  private let output: PackedMatrix<T>
  private let gate: PackedMatrix<T>?

  let q = Workspace<T>()
  let k = Workspace<T>()
  let v = Workspace<T>()
  let u = Workspace<T>()
  let dq = Workspace<T>()
  let dk = Workspace<T>()
  let dv = Workspace<T>()
  let du = Workspace<T>()
  /// dphi of q and k; hn, dhn and 1/rms; 1 + u W_g, its gradient, and the features before the gate.
  private let querySlope = Workspace<T>()
  private let keySlope = Workspace<T>()
  private let normalised = Workspace<T>()
  private let normalisedGradient = Workspace<T>()
  private let inverseNorm = Workspace<T>()
  private let gates = Workspace<T>()
  private let gateGradient = Workspace<T>()
  private let ungated = Workspace<T>()

  private static var normEpsilon: T { 1e-6 }

  init(_ a: Model.Attention, index: Int, channels: Int, paddedChannels: Int) {
    func project(_ m: Matrix) -> PackedMatrix<T> {
      PackedMatrix(m, rowBlock: channels, paddedRowBlock: paddedChannels, paddedColumns: a.width)
    }
    func expand(_ m: Matrix) -> PackedMatrix<T> {
      PackedMatrix(m, rowBlock: a.width, paddedRowBlock: a.width, paddedColumns: paddedChannels)
    }
    self.index = index
    self.channels = channels
    self.paddedChannels = paddedChannels
    inverseChannels = 1 / T(channels)
    filter = a.filter.values
    heads = a.heads
    width = a.width
    headScale = T(1 / Double(a.width / a.heads).squareRoot())
    normalisation = a.normalisation
    activation = a.activation
    query = project(a.query)
    key = project(a.key)
    value = project(a.value)
    output = expand(a.output)
    gate = a.gate.map(expand)
  }

  func reserve(_ atoms: Int, lmax: Int) {
    for buffer in [u, du] { buffer.reserve(atoms * width) }
    if gate != nil {
      ungated.reserve(Features<T>.count(atoms: atoms, channels: paddedChannels, lmax: lmax))
      for buffer in [gates, gateGradient] { buffer.reserve(atoms * paddedChannels) }
    }
  }

  func reserveProjections(_ atoms: Int) {
    for buffer in [q, k, v, dq, dk, dv, querySlope, keySlope] { buffer.reserve(atoms * width) }
    if normalisation != .none {
      for buffer in [normalised, normalisedGradient] { buffer.reserve(atoms * paddedChannels) }
      inverseNorm.reserve(atoms)
    }
  }

  // MARK: - Queries, keys and values

  func project(_ h0: UnsafePointer<T>, _ range: Range<Int>) {
    let (first, count) = (range.lowerBound, range.count)
    let h = h0 + first * paddedChannels
    var hn = h
    if normalisation != .none {
      let target = normalised.pointer + first * paddedChannels
      for i in 0..<count {
        let row = h + i * paddedChannels
        let square = T.dot(row, row, count: channels)
        let scale = 1 / (square * inverseChannels + Self.normEpsilon).squareRoot()
        inverseNorm.pointer[first + i] = scale
        for c in 0..<paddedChannels { target[i * paddedChannels + c] = row[c] * scale }
      }
      hn = UnsafePointer(target)
    }
    let start = first * width
    query.apply(hn, rows: count, into: q.pointer + start)
    key.apply(hn, rows: count, into: k.pointer + start)
    value.apply(normalisation == .all ? hn : h, rows: count, into: v.pointer + start)
    activate(q.pointer + start, slope: querySlope.pointer + start, count: count * width, scale: headScale)
    activate(k.pointer + start, slope: keySlope.pointer + start, count: count * width, scale: 1)
  }

  func projectAdjoint(_ h0: UnsafePointer<T>, gradient: UnsafeMutablePointer<T>, _ range: Range<Int>) {
    let (first, count) = (range.lowerBound, range.count)
    let start = first * width
    for n in start..<(start + count * width) {
      dq.pointer[n] *= querySlope.pointer[n]
      dk.pointer[n] *= keySlope.pointer[n]
    }
    let dh = gradient + first * paddedChannels
    guard normalisation != .none else {
      for (matrix, slope) in [(query, dq), (key, dk), (value, dv)] {
        matrix.applyAdjoint(slope.pointer + start, rows: count, into: dh, adding: true)
      }
      return
    }
    let dhn = normalisedGradient.pointer + first * paddedChannels
    query.applyAdjoint(dq.pointer + start, rows: count, into: dhn)
    key.applyAdjoint(dk.pointer + start, rows: count, into: dhn, adding: true)
    if normalisation == .all {
      value.applyAdjoint(dv.pointer + start, rows: count, into: dhn, adding: true)
    }
    for i in 0..<count {
      let hn = normalised.pointer + (first + i) * paddedChannels
      let scale = inverseNorm.pointer[first + i]
      let row = i * paddedChannels
      let overlap = inverseChannels * T.dot(dhn + row, hn, count: channels)
      for c in 0..<paddedChannels { dh[row + c] += scale * (dhn[row + c] - overlap * hn[c]) }
    }
    if normalisation == .queryKey {
      value.applyAdjoint(dv.pointer + start, rows: count, into: dh, adding: true)
    }
  }

  /// x <- scale phi(x), slope = scale phi'(x).
  private func activate(_ x: UnsafeMutablePointer<T>, slope: UnsafeMutablePointer<T>, count: Int, scale: T) {
    switch activation {
    case .identity:
      for n in 0..<count {
        slope[n] = scale
        x[n] *= scale
      }
    case .silu:
      let whole = count / T.Lanes.scalarCount * T.Lanes.scalarCount
      for n in stride(from: 0, to: whole, by: T.Lanes.scalarCount) {
        let z = x.lanes(n)
        let s = 1 / (1 + T.exp(-z))
        slope.setLanes(n, scale * s * (1 + z * (1 - s)))
        x.setLanes(n, scale * z * s)
      }
      for n in whole..<count {
        let s = silu(Double(x[n]))
        slope[n] = scale * T(s.first)
        x[n] = scale * T(s.value)
      }
    case .softplus:
      for n in 0..<count {
        let z = Double(x[n])
        slope[n] = scale * T(1 / (1 + exp(-z)))
        x[n] = scale * T(max(z, 0) + log1p(exp(-abs(z))))
      }
    }
  }

  // MARK: - Mixing into the features

  func mix(into h: Features<T>, lmax: Int, range: Range<Int>) {
    let (first, count) = (range.lowerBound, range.count)
    let u = UnsafePointer(self.u.pointer + first * width)
    if let gate {
      let g = gates.pointer + first * paddedChannels
      gate.apply(u, rows: count, into: g)
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
    output.apply(u, rows: count, into: h.row(0, first), adding: true)
  }

  /// du from dE/dh, and dE/dh before the gate in place of dE/dh.
  func mixAdjoint(_ dh: Features<T>, lmax: Int, range: Range<Int>) {
    let (first, count) = (range.lowerBound, range.count)
    let du = self.du.pointer + first * width
    output.applyAdjoint(dh.row(0, first), rows: count, into: du)
    guard let gate else { return }
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
    gate.applyAdjoint(dg, rows: count, into: du, adding: true)
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
