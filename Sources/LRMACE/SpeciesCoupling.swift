// The first layer's features depend on the element alone, so all that stands between its radial functions f_b, the last
// hidden layer of the radial network, and A can be multiplied out once at load. With R_p,c(r) = sum_b f_b(r) W_b,pc:
//   A_i,lm,c' = sum over neighbours j of sum_b f_b(r_ij) Y_lm(ij) folded[l][species of i][species of j]_b,c'
//   folded[l][s][z]_b,c' = sum_p,c W_b,pc x_z,c w3j(0,l,l) linear[l][s][(p,c), c']
// SpeciesConvolution sums over the neighbours of an element first, PairConvolution over b.

import Equivariant
import LRMACEModel

struct SpeciesCoupling: Sendable {
  /// f_b.
  let radial: RadialSpline
  /// folded[l][s][z], [function][channel]; where centres are all alike, s is 0 alone.
  let folded: [[[Matrix]]]

  /// Number of f_b.
  var functions: Int { radial.coefficients.columns }

  /// - Parameter network: the first layer's radial network, or one with the same values.
  init(radial network: [Matrix], layer: Model.Layer, model: Model, splineTolerance: Double) {
    let last = network[network.count - 1]
    radial = RadialSpline(
      of: RadialNetwork(hiddenLayersOf: network, basis: model.radialBasis, cutoff: model.cutoff),
      tolerance: splineTolerance)
    let functions = last.rows
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

  /// The functions T_l,c = sum_b f_b folded[l][s][z]_b,c of a pair of elements, [degree][channel].
  func pairFunctions(centre s: Int, neighbor z: Int) -> RadialSpline {
    radial.mixed(by: Matrix(sideBySide: folded.map { $0[$0.count == 1 ? 0 : s][z] }))
  }
}
