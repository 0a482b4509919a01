// Attention of the first layer, whose features depend on the element alone. With the fields of the elements,
//   psi_(z,j)(m) = sum over atoms n of element z of G_j(r_m - r_n),
// queries, keys and values leave the sum over atoms:
//   u_m W = sum_(z,j) psi_(z,j)(m) [folded[element of m][z]_j W]            W = W_o, or W_g of a gate
//   folded[s][z]_j,(h, b) = sum_a q_s,ha k_z,ha v_z,hb filter_hj
// so that one column for each element and kernel takes the place of H d d columns. Molecules that are neutral to the
// output may be far from it in every column of u, which therefore is not formed.

import Kernels
import LRMACEModel

struct AttentionCoupling: Sendable {
  /// folded W_o by s and z, [kernel][channel].
  let output: [[Matrix]]
  /// folded W_g.
  let gate: [[Matrix]]?
  let kernels: Int

  init(_ attention: Model.Attention, _ settings: Model.AttentionSettings, embedding: Matrix) {
    let projection = AttentionProjection<Double>(
      attention, settings, channels: embedding.columns, paddedChannels: embedding.columns)
    projection.reserve(embedding.rows)
    embedding.values.withUnsafeBufferPointer { rows in
      if let base = rows.baseAddress { projection.forward(base, 0..<embedding.rows) }
    }
    let (width, heads, kernels) = (settings.width, settings.heads, settings.sigmas.count)
    let d = width / heads
    let folded = (0..<embedding.rows).map { s in
      (0..<embedding.rows).map { z in
        let (query, key, value) = (
          projection.q.pointer + s * width, projection.k.pointer + z * width, projection.v.pointer + z * width
        )
        var matrix = Matrix(rows: kernels, columns: width)
        for h in 0..<heads {
          let similarity = (h * d..<(h + 1) * d).reduce(0.0) { $0 + query[$1] * key[$1] }
          for j in 0..<kernels {
            for c in h * d..<(h + 1) * d {
              matrix[j, c] = similarity * value[c] * attention.filter.values[h * kernels + j]
            }
          }
        }
        return matrix
      }
    }
    func mixed(by weights: Matrix) -> [[Matrix]] { folded.map { $0.map { $0 * weights } } }
    output = mixed(by: attention.output)
    gate = attention.gate.map(mixed)
    self.kernels = kernels
  }
}
