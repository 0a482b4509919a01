// The messages of a layer from features that vary from atom to atom (Convolution.swift), path by path:
//   t_p,m1,m3 = sum_m2 w3j(l1, l2, l3)[m1, m2, m3] Y_l2,m2,
// all entries of t as one matrix acting on Y.

import Equivariant
import LRMACEModel

struct PathMessages: Sendable {
  struct Path: BitwiseCopyable {
    let l1: Int
    let l3: Int
    /// First of the (2 l1 + 1)(2 l3 + 1) entries of t.
    let tensor: Int
    /// Position among the paths with the same l3.
    let slot: Int
  }

  let paths: [Path]
  /// [entry of t][harmonic].
  let coupling: Matrix
  /// R_p,c, functions [path][channel].
  let radial: RadialFunctions
  /// [l3][species of the centre, or one entry for all]: rows [path][channel].
  let linear: [[Matrix]]

  init(_ list: [Model.Path], lmax: Int, radial: RadialFunctions, linear: [[Matrix]]) {
    var counts = [Int](repeating: 0, count: lmax + 1)
    var paths: [Path] = []
    var terms: [(tensor: Int, harmonic: Int, value: Double)] = []
    var offset = 0
    for p in list {
      paths.append(Path(l1: p.l1, l3: p.l3, tensor: offset, slot: counts[p.l3]))
      counts[p.l3] += 1
      for e in Wigner3j(p.l1, p.l2, p.l3).entries {
        terms.append((offset + e.m1 * (2 * p.l3 + 1) + e.m3, p.l2 * p.l2 + e.m2, e.value))
      }
      offset += (2 * p.l1 + 1) * (2 * p.l3 + 1)
    }
    var coupling = Matrix(rows: offset, columns: (terms.map(\.harmonic).max() ?? 0) + 1)
    for term in terms { coupling[term.tensor, term.harmonic] += term.value }
    self.paths = paths
    self.coupling = coupling
    self.radial = radial
    self.linear = linear
  }
}
