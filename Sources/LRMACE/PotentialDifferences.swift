// Differences of potential that atoms see around them, and the adjoint, a block of atoms at a time:
//   w_m = sum_j P(r_mj) (phi_j - phi_m)                                    all products column by column
//   with v = dE/dw:   dphi_m = sum_j P(r_mj) (v_j - v_m),   dE/dr of the edge m <- j = sum_d P'(r_mj) (phi_j - phi_m) v_m
// Every pair is an edge of both its atoms: the map is symmetric, and a block writes rows of its own alone.
// Shapes: w, phi, v [atom][D], padded; radial functions [edge][D].

import Kernels

final class PotentialDifferences<T: KernelScalar> {
  let radial: RadialTable<T>
  private let width: Int

  /// - Parameter width: D, padded.
  init(_ spline: RadialSpline, width: Int) {
    radial = RadialTable(spline, width: width)
    self.width = width
  }

  /// Writes w of the atoms of a block.
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func forward(
    _ block: AtomBlock, _ edges: MessageSources<T>, scratch: MessageScratch<T>,
    potential phi: UnsafePointer<T>,
    into w: UnsafeMutablePointer<T>
  ) {
    let width = width
    for i in block.atoms {
      let near = edges.geometry.edges(of: i)
      radial.evaluate(near, scratch: scratch)
      for c in stride(from: 0, to: width, by: T.Lanes.scalarCount) {
        let own = phi.lanes(i &* width &+ c)
        var sum = T.Lanes(repeating: 0)
        for e in 0..<near.count {
          let other = phi.lanes(Int(near.neighbors[e]) &* width &+ c)
          sum.addProduct(scratch.radial.pointer.lanes(e &* width &+ c), other - own)
        }
        w.setLanes(i &* width &+ c, sum)
      }
    }
  }

  /// Writes dphi of the atoms of a block and adds dE/dr of its edges.
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func adjoint(
    _ block: AtomBlock, _ edges: MessageSources<T>, scratch: MessageScratch<T>,
    potential phi: UnsafePointer<T>,
    gradient v: UnsafePointer<T>, into dphi: UnsafeMutablePointer<T>
  ) {
    let (width, rise) = (width, scratch.lengthTerms.pointer)
    for i in block.atoms {
      let near = edges.geometry.edges(of: i)
      let slopes = radial.evaluateWithSlopes(near, scratch: scratch)
      for e in 0..<near.count { rise[e] = T.Lanes(repeating: 0) }
      for c in stride(from: 0, to: width, by: T.Lanes.scalarCount) {
        let n = i &* width &+ c
        let (own, pull) = (phi.lanes(n), v.lanes(n))
        var sum = T.Lanes(repeating: 0)
        for e in 0..<near.count {
          let j = Int(near.neighbors[e]) &* width &+ c
          sum.addProduct(scratch.radial.pointer.lanes(e &* width &+ c), v.lanes(j) - pull)
          rise[e].addProduct(slopes.lanes(e &* width &+ c), (phi.lanes(j) - own) * pull)
        }
        dphi.setLanes(n, sum)
      }
      scratch.addLengthTerms(count: near.count, to: edges.geometry.lengthGradient(of: i))
    }
  }
}

// Gradients by the radial functions: dE/dP(r_mj) = (phi_j - phi_m) v_m.
extension PotentialDifferences {
  /// Adds those of the edges of a block to dE/d(coefficients).
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func addRadialGradient(
    _ block: AtomBlock, _ edges: MessageSources<T>, scratch: MessageScratch<T>,
    potential phi: UnsafePointer<T>,
    gradient v: UnsafePointer<T>, to coefficients: UnsafeMutablePointer<T>
  ) {
    radial.addAdjoint(block, edges, scratch: scratch, to: coefficients) { m, j in
      (phi.lanes(j) - phi.lanes(m)) * v.lanes(m)
    }
  }
}

// Columns of sources and potentials as radial functions of one path.
extension RadialTable {
  /// One spline, its functions padded to `width`.
  init(_ spline: RadialSpline, width: Int) {
    self.init([spline], channels: spline.coefficients.columns, paddedChannels: width)
  }

  /// Values of all functions for the edges of a centre, [edge][function], in `scratch.radial`.
  @inline(__always)
  func evaluate(_ edges: Edges<T>, scratch: MessageScratch<T>) {
    let (locations, values) = (scratch.locations.pointer, scratch.radial.pointer)
    locate(edges.lengths, count: edges.count, into: locations)
    for e in 0..<edges.count { evaluate(e, of: locations, path: 0, into: values + e &* functions) }
  }

  /// And their slopes behind them, whose beginning is returned.
  @inline(__always)
  func evaluateWithSlopes(_ edges: Edges<T>, scratch: MessageScratch<T>) -> UnsafePointer<T> {
    let (locations, values) = (scratch.locations.pointer, scratch.radial.pointer)
    let slopes = values + edges.count &* functions
    locate(edges.lengths, count: edges.count, into: locations)
    for e in 0..<edges.count {
      evaluate(e, of: locations, into: values + e &* functions, slope: slopes + e &* functions)
    }
    return UnsafePointer(slopes)
  }

  /// Adds dE/dR of the edges of a block to dE/d(coefficients): `gradient` takes the places of the receiver's and the giver's
  /// columns in [atom][function], a vector of lanes at a time.
  @inline(__always)
  func addAdjoint(
    _ block: AtomBlock, _ edges: MessageSources<T>, scratch: MessageScratch<T>,
    to coefficients: UnsafeMutablePointer<T>, gradient: (_ receiver: Int, _ giver: Int) -> T.Lanes
  ) {
    let (locations, dr) = (scratch.locations.pointer, scratch.slope.pointer)
    for i in block.atoms {
      let near = edges.geometry.edges(of: i)
      locate(near.lengths, count: near.count, into: locations)
      for e in 0..<near.count {
        for c in stride(from: 0, to: functions, by: T.Lanes.scalarCount) {
          dr.setLanes(c, gradient(i &* functions &+ c, Int(near.neighbors[e]) &* functions &+ c))
        }
        addAdjoint(e, of: locations, path: 0, gradient: dr, to: coefficients)
      }
    }
  }
}
