// Reciprocal-space attention of one layer around the sum in Reciprocal:
//   hn = h0 / sqrt(mean_c h0^2 + 1e-6),   q = phi(hn W_q)/sqrt(d),   k = phi(hn W_k),   v = h0 W_v
//   u  = sum of attention (ReciprocalAttention)
//   h'_lm,c <- h'_lm,c (1 + (u W_g)_c) where a gate is,   h'_0 <- h'_0 + u W_o.
// Shapes: q, k, v, u [atom][D]; h as Features. Each stage stands beside its adjoint.

import Kernels
import LRMACEModel
import Lattice
import Reciprocal

final class AttentionBlock<T: KernelScalar>: LongRangeBlock {
  private let place: LongRangePlace<T>
  private let projection: AttentionProjection<T>
  /// In the place of queries, keys and values in the first layer.
  private let species: SpeciesAttention<T>?
  private let filter: [Double]
  private let width: Int
  private let output: PackedMatrix<T>
  private let gate: PackedMatrix<T>?

  private var atoms = 0
  private var lmax = 0
  private let u = Workspace<T>()
  private let du = Workspace<T>()
  /// 1 + u W_g, its gradient, and the features before the gate.
  private let gates = Workspace<T>()
  private let gateGradient = Workspace<T>()
  /// dE/d(u W_o) where a gate rescales dE/dh' afterwards.
  private let outputGradient = Workspace<T>()
  private let ungated = Workspace<T>()

  private var paddedChannels: Int { place.paddedChannels }

  /// - Parameter coupling: what is multiplied out, in the first layer.
  init(
    _ a: Model.Attention, _ settings: Model.AttentionSettings, coupling: AttentionCoupling?,
    at place: LongRangePlace<T>
  ) {
    let width = settings.width
    func expand(_ m: Matrix) -> PackedMatrix<T> {
      PackedMatrix(m, rowBlock: width, paddedRowBlock: width, paddedColumns: place.paddedChannels)
    }
    self.place = place
    self.width = width
    filter = a.filter.values
    projection = AttentionProjection(
      a, settings, channels: place.channels, paddedChannels: place.paddedChannels)
    species = coupling.map { SpeciesAttention($0, index: place.index, channels: place.paddedChannels) }
    output = expand(a.output)
    gate = a.gate.map(expand)
  }

  var readsEdges: Bool { false }
  var room: MessageRoom { MessageRoom() }

  func prepare(_ rows: AtomRows, lmax: Int) {
    (atoms, self.lmax) = (rows.own, lmax)
    if let species {
      species.prepare(rows, for: place.sum)
    } else {
      projection.reserve(atoms)
    }
    for buffer in [u, du] { buffer.reserve(atoms * width) }
    if gate != nil {
      ungated.reserve(Features<T>.count(atoms: atoms, channels: paddedChannels, lmax: lmax))
      for buffer in [gates, gateGradient, outputGradient] { buffer.reserve(atoms * paddedChannels) }
    }
  }

  /// u.
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func forward(_: LongRangeStep<T>, features h0: UnsafePointer<T>) {
    if let species {
      species.forward(place.sum)
      return
    }
    place.forEachBatch(atoms: atoms) { projection.forward(h0, $0) }
    place.sum.forward(
      layer: place.index, filter: filter, q: projection.q.pointer, k: projection.k.pointer,
      v: projection.v.pointer, u: u.pointer)
  }

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func adjoint(
    _: LongRangeStep<T>, gradient: Features<T>, features h0: UnsafePointer<T>, inputGradient: Features<T>?
  ) {
    parallel(threads: place.threads, count: atoms) { _, range in mixAdjoint(gradient, range: range) }
    if let species {
      species.adjoint(place.sum)
      return
    }
    let p = projection
    place.sum.adjoint(
      layer: place.index, q: p.q.pointer, k: p.k.pointer, v: p.v.pointer, du: du.pointer, dq: p.dq.pointer,
      dk: p.dk.pointer, dv: p.dv.pointer)
    guard let inputGradient else { return }
    place.forEachBatch(atoms: atoms) { p.adjoint(h0, gradient: inputGradient.degree(0), $0) }
  }

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func addWeightGradients(
    _: LongRangeStep<T>, gradient: Features<T>, features h0: UnsafePointer<T>, to sums: WeightSums<T>
  ) {
    let p = projection
    p.addWeightGradients(h0, atoms: atoms, to: sums)
    let du0 = gate == nil ? gradient.degree(0) : outputGradient.pointer
    sums.addProduct("rsa/W_o", u.pointer, du0, like: output, rows: atoms)
    if let gate { sums.addProduct("rsa/W_g", u.pointer, gateGradient.pointer, like: gate, rows: atoms) }
    guard filter.count > p.heads else { return }
    sums.add(
      "rsa/filter",
      place.sum.filterGradient(
        layer: place.index, q: p.q.pointer, k: p.k.pointer, v: p.v.pointer, du: du.pointer))
  }

  func addEnergies(to _: inout [Double]) {}
  func charges(into _: inout [Double]) -> Bool { false }

  // MARK: - Mixing into the features

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func mix(into h: Features<T>, range: Range<Int>) {
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
      forEachRow(range) { l, i, m in
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
  private func mixAdjoint(_ dh: Features<T>, range: Range<Int>) {
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
    forEachRow(range) { l, i, m in
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
  private func forEachRow(_ range: Range<Int>, _ body: (_ l: Int, _ atom: Int, _ m: Int) -> Void) {
    for l in 0...lmax {
      for i in range {
        for m in 0..<(2 * l + 1) { body(l, i, m) }
      }
    }
  }
}
