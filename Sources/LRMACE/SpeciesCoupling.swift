// The first layer's features depend on the element alone, so all that stands between its radial functions f_b, the last
// hidden layer of the radial network, and A can be multiplied out for two elements. With R_p,c(r) = sum_b f_b(r) W_b,pc:
//   A_i,lm,c' = sum over neighbours j of sum_b f_b(r_ij) Y_lm(ij) folded[l][species of i][species of j]_b,c'
//   folded[l][s][z]_b,c' = sum_p,c W_b,pc x_z,c w3j(0,l,l) linear[l][s][(p,c), c']
// SpeciesConvolution sums over the neighbours of an element first, PairConvolution over b. A model of all elements has too many
// pairs of them to multiply all out: the elements of a system do.

import Equivariant
import LRMACEModel
import Synchronization

final class SpeciesCoupling: Sendable {
  /// f_b.
  let radial: RadialFunctions
  /// The last matrix of the network, and x of the elements.
  private let last: Matrix
  private let features: Matrix
  /// [l][species of the centre, or one entry for all].
  private let linear: [[Matrix]]
  /// Paths that end at l, from 0 on.
  private let paths: [[Int]]
  /// By degree, element of the centre and of the neighbour.
  private let made = Mutex<[SIMD3<Int>: Matrix]>([:])

  /// Number of f_b.
  var functions: Int { radial.count }
  /// One more than the highest degree of A.
  var degrees: Int { linear.count }
  /// Elements of the model.
  var species: Int { features.rows }
  /// Whether centres of all elements are alike.
  var isShared: Bool { linear.allSatisfy { $0.count == 1 } }

  /// - Parameter network: the first layer's radial network, or one with the same values.
  init(radial network: [Matrix], layer: Model.Layer, model: Model, splineTolerance: Double) {
    last = network[network.count - 1]
    radial = RadialFunctions(network.dropLast(), output: .silu, of: model, tolerance: splineTolerance)
    features = model.embedding * layer.linearUp[0]
    linear = layer.linear
    paths = layer.linear.indices.map { l in layer.paths.indices.filter { layer.paths[$0].l3 == l } }
  }

  /// folded[l][s][z], [function][channel], multiplied out when somebody first asks for it.
  func folded(_ l: Int, centre s: Int, neighbor z: Int) -> Matrix {
    let key = SIMD3(l, linear[l].count == 1 ? 0 : s, z)
    if let matrix = made.withLock({ $0[key] }) { return matrix }
    let matrix = product(l, linear[l][key.y], neighbor: z)
    made.withLock { $0[key] = matrix }
    return matrix
  }

  private func product(_ l: Int, _ linear: Matrix, neighbor z: Int) -> Matrix {
    let (channels, coupling) = (features.columns, Wigner3j(0, l, l).entries[0].value)
    var matrix = Matrix(rows: functions, columns: channels)
    for (slot, p) in paths[l].enumerated() {
      // W_p diag(x_z) linear_p
      var scaled = Matrix(rows: functions, columns: channels)
      for b in 0..<functions {
        for c in 0..<channels { scaled[b, c] = last[b, p * channels + c] * features[z, c] * coupling }
      }
      let product = scaled * linear.rows(slot * channels, count: channels)
      for n in product.values.indices { matrix.values[n] += product.values[n] }
    }
    return matrix
  }

  /// The functions T_l,c = sum_b f_b folded[l][s][z]_b,c of a pair of elements, [degree][channel].
  func pairFunctions(centre s: Int, neighbor z: Int) -> RadialSpline {
    radial.spline(of: radial.pair(s, z)).mixed(
      by: Matrix(sideBySide: (0..<degrees).map { folded($0, centre: s, neighbor: z) }))
  }
}
