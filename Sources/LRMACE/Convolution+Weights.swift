// Gradients of the messages of a layer by its radial functions and its linear layer (equations in Convolution.swift):
//   dE/dR_p,c(r_ij) = sum_m1 x_j,m1,c sum_m3 t_m1,m3 dM_m3,c,   gathered on the coefficients of the spline (RadialTable)
//   dE/dlinear_l    = sum over atoms and m of M_l^T dA_l.
// Messages are formed anew: to keep those of all atoms would take as long as to compute them.

import Kernels

extension Convolution {
  /// Adds those of a block of atoms.
  ///
  /// - Parameters:
  ///   - da: dE/dA of the block alone.
  ///   - radialGradient: as `RadialTable.addAdjoint`.
  ///   - linearGradients: of each degree, then species of the centre, or one for all: as the packed matrices.
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func addWeightGradients(
    _ block: AtomBlock, of sources: MessageSources<T>, scratch: MessageScratch<T>, aGradient da: Features<T>,
    radialGradient: UnsafeMutablePointer<T>, linearGradients: [[UnsafeMutablePointer<T>]]
  ) {
    let count = block.atoms.count
    let m = MessageBlock<T>(base: scratch.messages.pointer, atoms: count)
    for i in block.atoms { forward(i, of: block, sources, scratch: scratch, messages: m) }
    for l in 0..<layout.degrees {
      let gradients = linearGradients[l]
      let width = layout.widths[l]
      T.gemm(
        transposeA: true, transposeB: false, m: width, n: channels, k: count &* (2 &* l &+ 1), alpha: 1,
        a: m.degree(l, layout), lda: width, b: da.degree(l), ldb: channels, beta: 1,
        c: gradients[gradients.count == 1 ? 0 : block.species], ldc: channels)
    }
    linear.applyAdjoint(block, centre: block.species, da, into: m)
    for i in block.atoms {
      addRadialGradients(i, of: block, sources, messagesGradient: m, scratch: scratch, to: radialGradient)
    }
  }

  private func addRadialGradients(
    _ i: Int, of block: AtomBlock, _ sources: MessageSources<T>, messagesGradient: MessageBlock<T>,
    scratch: MessageScratch<T>, to gradient: UnsafeMutablePointer<T>
  ) {
    let (edges, features) = (sources.geometry.edges(of: i), sources.features)
    let atom = i &- block.atoms.lowerBound
    let (dr, locations) = (scratch.slope.pointer, scratch.locations.pointer)
    radial.locate(edges, centre: block.species, species: sources.species, into: locations)
    expandTensors(edges, into: scratch.tensor.pointer)
    for e in 0..<edges.count {
      let t = scratch.tensor.pointer + e &* T.wholeLanes(tensorCount)
      let j = Int(edges.neighbors[e])
      for p in 0..<pathCount {
        let path = paths.pointer[p]
        let x = UnsafePointer(features.degree(path.l1) + j &* (2 &* path.l1 &+ 1) &* channels)
        let (dm, stride) = row(path, messagesGradient, atom)
        switch path.l3 {
        case 0: radialGradient(InlineArray<1, T>(repeating: 0), path, x, t, dm, stride, into: dr)
        case 1: radialGradient(InlineArray<3, T>(repeating: 0), path, x, t, dm, stride, into: dr)
        case 2: radialGradient(InlineArray<5, T>(repeating: 0), path, x, t, dm, stride, into: dr)
        case 3: radialGradient(InlineArray<7, T>(repeating: 0), path, x, t, dm, stride, into: dr)
        default: radialGradient(InlineArray<9, T>(repeating: 0), path, x, t, dm, stride, into: dr)
        }
        radial.addAdjoint(e, of: locations, path: p, gradient: dr, to: gradient)
      }
    }
  }

  /// dE/dR of one path of one edge, all channels.
  @inline(__always)
  private func radialGradient<let components: Int>(
    _: InlineArray<components, T>, _ path: Path, _ x: UnsafePointer<T>, _ t: UnsafePointer<T>,
    _ dm: UnsafePointer<T>, _ stride: Int, into dr: UnsafeMutablePointer<T>
  ) {
    for c in Swift.stride(from: 0, to: channels, by: T.Lanes.scalarCount) {
      let d = InlineArray<components, T.Lanes> { dm.lanes($0 &* stride &+ c) }
      var sum = T.Lanes(repeating: 0)
      for m1 in 0..<(2 &* path.l1 &+ 1) {
        var s = T.Lanes(repeating: 0)
        for m in 0..<components {
          s.addProduct(d[m], T.Lanes(repeating: t[path.tensor &+ m1 &* components &+ m]))
        }
        sum.addProduct(x.lanes(m1 &* channels &+ c), s)
      }
      dr.setLanes(c, sum)
    }
  }
}
