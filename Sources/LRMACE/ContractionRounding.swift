// What coupling coefficients rounded to single precision add to a symmetric contraction (Model.Contraction.rounding):
//   B_LM += sum_t weight_t A_i A_j A_k,   some 1e-8 of B, not equivariant.
// It makes double precision reproduce a model that was saved in single precision to the last digits.

import Kernels
import LRMACEModel

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
  private let one: Int

  /// - Parameter one: index of a component of A that is set to 1 and stands for an absent factor.
  init(_ contractions: [Model.Contraction], one: Int, species: Int, channels: Int, paddedChannels: Int) {
    self.channels = paddedChannels
    self.one = one
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
