// Gradients of the symmetric contraction by its weights (equations in SymmetricContraction.swift):
//   dE/dw1 = sum_M dB_LM A_LM,   dE/dw2 = sum_M dB_LM Q_M,   dE/dw3 = sum_m dV_m Q_m,   dV from (dB, A).

import Kernels

extension SymmetricContraction {
  /// Adds those of one atom to `gradient`, [species][weight][channel], from dE/dB, atom `k` of its block.
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func addWeightGradient(
    species: Int, a: Features<T>, _ i: Int, bGradient: Features<T>, _ k: Int, scratch s: Scratch,
    to gradient: UnsafeMutablePointer<T>
  ) {
    let target = gradient + species &* weightCount &* channels
    forEachBundle { c, lanes in
      switch lanes {
      case 4: addGradient(InlineArray<4, Int8>(repeating: 0), c, species, a, i, bGradient, k, s, target + c)
      case 2: addGradient(InlineArray<2, Int8>(repeating: 0), c, species, a, i, bGradient, k, s, target + c)
      default: addGradient(InlineArray<1, Int8>(repeating: 0), c, species, a, i, bGradient, k, s, target + c)
      }
    }
  }

  /// Channels from `c` on.
  @inline(__always)
  private func addGradient<let lanes: Int>(
    _ bundle: InlineArray<lanes, Int8>, _ c: Int, _ species: Int, _ a: Features<T>, _ i: Int,
    _ bGradient: Features<T>, _ k: Int, _ s: Scratch, _ dw: UnsafeMutablePointer<T>
  ) {
    let w = UnsafePointer(weights.pointer + (species &* weightCount &* channels &+ c))
    load(bundle, a, i, lmax, c, into: s.a.pointer)
    load(bundle, bGradient, k, outputLmax, c, into: s.b.pointer)
    couple(bundle, w, s)
    clear(bundle, s.dv, mixedComponents)
    cubicAdjointMixed.run(bundle, s.b.pointer, s.a.pointer, addingTo: s.dv.pointer)
    mixGradient(bundle, linear, s.a.pointer, s.b.pointer, addingTo: dw)
    mixGradient(bundle, quadratic, s.q.pointer, s.b.pointer, addingTo: dw)
    mixGradient(bundle, mixing, s.q.pointer, s.dv.pointer, addingTo: dw)
  }

  /// dw <- dw + x dy for every term.
  @inline(__always)
  private func mixGradient<let lanes: Int>(
    _: InlineArray<lanes, Int8>, _ terms: [WeightedTerm], _ x: UnsafePointer<T.Lanes>,
    _ dy: UnsafePointer<T.Lanes>, addingTo dw: UnsafeMutablePointer<T>
  ) {
    for t in terms {
      for v in 0..<lanes {
        let position = t.weight &* channels &+ v &* T.Lanes.scalarCount
        var sum = dw.lanes(position)
        for m in 0..<t.components {
          sum.addProduct(x[(t.source &+ m) &* lanes &+ v], dy[(t.target &+ m) &* lanes &+ v])
        }
        dw.setLanes(position, sum)
      }
    }
  }
}
