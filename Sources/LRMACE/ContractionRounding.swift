// What coupling coefficients rounded to single precision add to a symmetric contraction (Model.Contraction.rounding):
//   B_LM += sum_t weight_t A_i A_j A_k,   some 1e-8 of B, not equivariant.
// No physics: it is there so that an imported model can be held against its source to the last digits. Two pretrained models
// of mace-torch, double precision, largest deviation from it in eV per atom and eV/Angstrom:
//   with these terms      2e-14, 9e-11      and   2e-15, 1e-12
//   without               9e-10, 3e-8       and   3e-9, 5e-8
// Single precision cannot see them. They double the contraction's time, which makes a step of 128 channels a sixth longer; only
// models that were saved in single precision have them.

import Kernels
import LRMACEModel

/// The terms of all outputs L of a layer.
struct ContractionMonomials: Sendable {
  struct Term: BitwiseCopyable {
    /// Component of B.
    let target: Int
    /// Components of A; `one` stands for an absent factor.
    let i: Int
    let j: Int
    let k: Int
  }

  let terms: [Term]
  /// A component behind those of A, set to 1.
  let one: Int
  /// [species]: [term, channel].
  let weights: [Matrix]

  /// Nil where there are none.
  init?(_ contractions: [Model.Contraction], one: Int, species: Int, channels: Int) {
    self.one = one
    let terms = contractions.enumerated().flatMap { L, contraction in
      contraction.rounding.map { m in
        let factors = m.factors + Array(repeating: one, count: 3 - m.factors.count)
        return Term(target: L * L + m.component, i: factors[0], j: factors[1], k: factors[2])
      }
    }
    guard !terms.isEmpty else { return nil }
    self.terms = terms
    weights = (0..<species).map { s in
      let rows = contractions.filter { !$0.rounding.isEmpty }.map { $0.roundingWeights[s].values }
      return Matrix(rows: terms.count, columns: channels, values: Array(rows.joined()))
    }
  }
}

/// Channels in SIMD lanes.
struct ContractionRounding<T: KernelScalar> {
  private let terms: [ContractionMonomials.Term]
  /// [species][term][channel].
  private let weights: Workspace<T>
  private let channels: Int
  private let one: Int

  init(_ monomials: ContractionMonomials, channels: Int) {
    self.channels = channels
    terms = monomials.terms
    one = monomials.one
    weights = Workspace(repeating: 0, count: monomials.weights.count * terms.count * channels)
    for (s, matrix) in monomials.weights.enumerated() {
      for t in terms.indices {
        let row = weights.pointer + (s * terms.count + t) * channels
        for c in 0..<matrix.columns { row[c] = T(matrix[t, c]) }
      }
    }
  }

  /// Adds to B the terms of the channels from `c` on; `lanes` as in `BilinearProgram.run`.
  @inline(__always)
  func forward<let lanes: Int>(
    _: InlineArray<lanes, Int8>, species: Int, channel c: Int, a: UnsafeMutablePointer<T.Lanes>,
    addingTo b: UnsafeMutablePointer<T.Lanes>
  ) {
    for v in 0..<lanes {
      a[one * lanes + v] = T.Lanes(repeating: 1)
      let w = weights(species, c + v * T.Lanes.scalarCount)
      for (n, t) in terms.enumerated() {
        b[t.target * lanes + v].addProduct(
          w.lanes(n * channels) * a[t.i * lanes + v], a[t.j * lanes + v] * a[t.k * lanes + v])
      }
    }
  }

  /// Adds to dE/dA what dE/dB sends through the terms.
  @inline(__always)
  func adjoint<let lanes: Int>(
    _: InlineArray<lanes, Int8>, species: Int, channel c: Int, a: UnsafeMutablePointer<T.Lanes>,
    bGradient db: UnsafePointer<T.Lanes>, addingTo da: UnsafeMutablePointer<T.Lanes>
  ) {
    for v in 0..<lanes {
      a[one * lanes + v] = T.Lanes(repeating: 1)
      let w = weights(species, c + v * T.Lanes.scalarCount)
      for (n, t) in terms.enumerated() {
        let wdb = w.lanes(n * channels) * db[t.target * lanes + v]
        let (i, j, k) = (t.i * lanes + v, t.j * lanes + v, t.k * lanes + v)
        da[i].addProduct(wdb, a[j] * a[k])
        da[j].addProduct(wdb, a[i] * a[k])
        da[k].addProduct(wdb, a[i] * a[j])
      }
    }
  }

  /// Weights of the channels from `c` on.
  private func weights(_ species: Int, _ c: Int) -> UnsafePointer<T> {
    UnsafePointer(weights.pointer + (species * terms.count * channels + c))
  }
}
