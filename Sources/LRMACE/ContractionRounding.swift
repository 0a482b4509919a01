// What coupling coefficients rounded to single precision add to a symmetric contraction (Model.Contraction.rounding):
//   B_LM += sum_t weight_t A_i A_j A_k,   some 1e-8 of B, not equivariant.
// It makes double precision reproduce a model that was saved in single precision to the last digits.

import Kernels

/// The rounding terms of all outputs L of a layer, channels in SIMD lanes.
struct ContractionRounding<T: KernelScalar> {
  private struct Term {
    let target: Int
    let i: Int
    let j: Int
    let k: Int
  }

  private let terms: [Term]
  /// [species][term][channel].
  private let weights: Workspace<T>
  private let channels: Int

  /// - Parameter one: index of a component of A that is set to 1 and stands for an absent factor.
  init(_ contractions: [Model.Contraction], one: Int, species: Int, channels: Int, paddedChannels: Int) {
    self.channels = paddedChannels
    terms = contractions.enumerated().flatMap { L, contraction in
      contraction.rounding.map { m in
        let factors = m.factors + Array(repeating: one, count: 3 - m.factors.count)
        return Term(target: L * L + m.component, i: factors[0], j: factors[1], k: factors[2])
      }
    }
    weights = Workspace(repeating: 0, count: species * terms.count * paddedChannels)
    for s in 0..<species {
      var row = weights.pointer + s * terms.count * paddedChannels
      for contraction in contractions where !contraction.rounding.isEmpty {
        for t in contraction.rounding.indices {
          for c in 0..<channels { row[c] = T(contraction.roundingWeights[s][t, c]) }
          row += paddedChannels
        }
      }
    }
  }

  /// Adds to B the terms of the lane of channels from `c`.
  func forward(
    species: Int, channel c: Int, a: UnsafePointer<T.Lanes>, addingTo b: UnsafeMutablePointer<T.Lanes>
  ) {
    let w = UnsafePointer(weights.pointer + species * terms.count * channels + c)
    for (n, t) in terms.enumerated() {
      b[t.target].addProduct(w.lanes(n * channels) * a[t.i], a[t.j] * a[t.k])
    }
  }

  /// Adds to dE/dA what dE/dB sends through the terms.
  func adjoint(
    species: Int, channel c: Int, a: UnsafePointer<T.Lanes>, bGradient db: UnsafePointer<T.Lanes>,
    addingTo da: UnsafeMutablePointer<T.Lanes>
  ) {
    let w = UnsafePointer(weights.pointer + species * terms.count * channels + c)
    for (n, t) in terms.enumerated() {
      let wdb = w.lanes(n * channels) * db[t.target]
      da[t.i].addProduct(wdb, a[t.j] * a[t.k])
      da[t.j].addProduct(wdb, a[t.i] * a[t.k])
      da[t.k].addProduct(wdb, a[t.i] * a[t.j])
    }
  }
}
