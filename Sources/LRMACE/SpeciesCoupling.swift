// The first layer's features depend on the element alone, so all that stands between its radial functions f_b, the last
// hidden layer of the radial network, and A can be multiplied out once at load. With R_p,c(r) = sum_b f_b(r) W_b,pc:
//   A_i,lm,c' = sum over neighbours j of sum_b f_b(r_ij) Y_lm(ij) folded[l][species of i][species of j]_b,c'
//   folded[l][s][z]_b,c' = sum_p,c W_b,pc x_z,c w3j(0,l,l) linear[l][s][(p,c), c']
// in double precision. SpeciesConvolution sums over the neighbours of an element first, PairConvolution over b.

import Equivariant
import LRMACEModel

struct SpeciesCoupling {
  /// f_b.
  let radial: RadialNetwork
  /// Number of f_b.
  let functions: Int
  /// folded[l][s][z], [function][channel]; where centres are all alike, s is 0 alone.
  let folded: [[[Matrix]]]

  /// Nil unless every path starts from scalars.
  ///
  /// - Parameter tolerance: radial functions are left out if others span them to so much; nil keeps all.
  init?(layer: Model.Layer, model: Model, tolerance: Double?, multiple: Int = 1) {
    guard layer.inputLmax == 0 else { return nil }
    let network =
      tolerance.map {
        RadialNetwork.pruned(
          layer.radial, basis: model.radialBasis, cutoff: model.cutoff, tolerance: $0, multiple: multiple)
      } ?? layer.radial
    guard let last = network.last else { return nil }
    radial = RadialNetwork(hiddenLayersOf: network, basis: model.radialBasis, cutoff: model.cutoff)
    let functions = last.rows
    self.functions = functions

    let features = model.embedding * layer.linearUp[0]
    folded = (0...layer.messageLmax).map { l in
      let coupling = Wigner3j(0, l, l).entries[0].value
      let paths = layer.paths.indices.filter { layer.paths[$0].l3 == l }
      return layer.linear[l].map { linear in
        model.species.indices.map { z in
          var matrix = Matrix(rows: functions, columns: model.channels)
          for (slot, p) in paths.enumerated() {
            // W_p diag(x_z) linear_p
            var scaled = Matrix(rows: functions, columns: model.channels)
            for b in 0..<functions {
              for c in 0..<model.channels {
                scaled[b, c] = last[b, p * model.channels + c] * features[z, c] * coupling
              }
            }
            let product = scaled * linear.rows(slot * model.channels, count: model.channels)
            for n in product.values.indices { matrix.values[n] += product.values[n] }
          }
          return matrix
        }
      }
    }
  }
}
