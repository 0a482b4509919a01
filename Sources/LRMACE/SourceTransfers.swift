// What neighbours hand to each other, and the adjoint, a block of atoms at a time:
//   X_n += sum_j R(r_nj) (a_n b_j - a_j b_n)                               all products column by column
//   with g = dE/dX:
//   da_n = sum_j R(r_nj) b_j (g_n - g_j),   db_n = -sum_j R(r_nj) a_j (g_n - g_j)
//   dE/dr of the edge n <- j = sum_d R'(r_nj) (a_n b_j - a_j b_n) g_n
// Every pair is an edge of both its atoms, so that the adjoint gathers as the forward pass does: a block writes rows of its
// own alone. `FeatureTransfers` are those of later layers; in the first, a_n b_j - a_j b_n is a table of pairs of elements.
// Shapes: X, a, b and gradients [atom][D], padded; radial functions [edge][D].

import Kernels
import LRMACEModel

protocol SourceTransfers<Scalar>: AnyObject {
  associatedtype Scalar: KernelScalar

  /// Adds to X of the atoms of a block.
  func forward(
    _ block: AtomBlock, _ edges: MessageSources<Scalar>, scratch: MessageScratch<Scalar>,
    into x: UnsafeMutablePointer<Scalar>)

  /// da and db of the atoms of a block where there are any; adds dE/dr of its edges.
  func adjoint(
    _ block: AtomBlock, _ edges: MessageSources<Scalar>, scratch: MessageScratch<Scalar>,
    gradient g: UnsafePointer<Scalar>)
}

final class FeatureTransfers<T: KernelScalar>: SourceTransfers {
  let radial: RadialTable<T>
  /// a and b, and their gradients.
  private let projection: SourceProjection<T>
  private var width: Int { projection.width }

  init(_ spline: RadialSpline, projection: SourceProjection<T>) {
    radial = RadialTable(spline, width: projection.width)
    self.projection = projection
  }

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func forward(
    _ block: AtomBlock, _ edges: MessageSources<T>, scratch: MessageScratch<T>,
    into x: UnsafeMutablePointer<T>
  ) {
    let (a, b, width) = (projection.a.pointer, projection.b.pointer, width)
    for i in block.atoms {
      let near = edges.geometry.edges(of: i)
      radial.evaluate(near, scratch: scratch)
      for c in stride(from: 0, to: width, by: T.Lanes.scalarCount) {
        var (fromA, fromB) = (T.Lanes(repeating: 0), T.Lanes(repeating: 0))
        for e in 0..<near.count {
          let f = scratch.radial.pointer.lanes(e &* width &+ c)
          let j = Int(near.neighbors[e]) &* width &+ c
          fromA.addProduct(f, a.lanes(j))
          fromB.addProduct(f, b.lanes(j))
        }
        let n = i &* width &+ c
        x.setLanes(n, x.lanes(n) + (a.lanes(n) * fromB - b.lanes(n) * fromA))
      }
    }
  }

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func adjoint(
    _ block: AtomBlock, _ edges: MessageSources<T>, scratch: MessageScratch<T>, gradient g: UnsafePointer<T>
  ) {
    let (a, b, width) = (projection.a.pointer, projection.b.pointer, width)
    let rise = scratch.lengthTerms.pointer
    for i in block.atoms {
      let near = edges.geometry.edges(of: i)
      let slopes = radial.evaluateWithSlopes(near, scratch: scratch)
      for e in 0..<near.count { rise[e] = T.Lanes(repeating: 0) }
      for c in stride(from: 0, to: width, by: T.Lanes.scalarCount) {
        let n = i &* width &+ c
        let (an, bn, gn) = (a.lanes(n), b.lanes(n), g.lanes(n))
        var (da, db) = (T.Lanes(repeating: 0), T.Lanes(repeating: 0))
        for e in 0..<near.count {
          let j = Int(near.neighbors[e]) &* width &+ c
          let (aj, bj) = (a.lanes(j), b.lanes(j))
          let pull = scratch.radial.pointer.lanes(e &* width &+ c) * (gn - g.lanes(j))
          da.addProduct(pull, bj)
          db.addProduct(pull, aj)
          rise[e].addProduct(slopes.lanes(e &* width &+ c), (an * bj - aj * bn) * gn)
        }
        projection.da.pointer.setLanes(n, da)
        projection.db.pointer.setLanes(n, -db)
      }
      scratch.addLengthTerms(count: near.count, to: edges.geometry.lengthGradient(of: i))
    }
  }
}

extension FeatureTransfers {
  /// Adds dE/dR of the edges of a block, (a_n b_j - a_j b_n) g_n, to dE/d(coefficients).
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func addRadialGradient(
    _ block: AtomBlock, _ edges: MessageSources<T>, scratch: MessageScratch<T>, gradient g: UnsafePointer<T>,
    to coefficients: UnsafeMutablePointer<T>
  ) {
    let (a, b) = (projection.a.pointer, projection.b.pointer)
    radial.addAdjoint(block, edges, scratch: scratch, to: coefficients) { n, j in
      (a.lanes(n) * b.lanes(j) - a.lanes(j) * b.lanes(n)) * g.lanes(n)
    }
  }
}

final class ElementTransfers<T: KernelScalar>: SourceTransfers {
  let radial: RadialTable<T>
  /// [receiver][giver][D].
  private let exchange: Workspace<T>
  private let elements: Int
  private let width: Int

  init(_ spline: RadialSpline, _ coupling: CompiledSources.Elements, width: Int) {
    radial = RadialTable(spline, width: width)
    elements = coupling.exchange.count
    self.width = width
    exchange = Workspace(coupling.exchange.flatMap { $0.padded(columns: width).values.map { T($0) } })
  }

  private func exchange(_ receiver: Int, _ giver: Int) -> UnsafePointer<T> {
    UnsafePointer(exchange.pointer + (receiver &* elements &+ giver) &* width)
  }

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func forward(
    _ block: AtomBlock, _ edges: MessageSources<T>, scratch: MessageScratch<T>,
    into x: UnsafeMutablePointer<T>
  ) {
    let width = width
    for i in block.atoms {
      let near = edges.geometry.edges(of: i)
      radial.locate(near.lengths, count: near.count, into: scratch.locations.pointer)
      near.forEachElement(edges.elements, edges.species) { k, range in
        let giver = edges.elements[k]
        guard giver != block.species else { return }
        let factor = exchange(block.species, giver)
        for e in range {
          radial.evaluate(
            e, of: scratch.locations.pointer, path: 0, into: scratch.radial.pointer + e &* width)
        }
        for c in stride(from: 0, to: width, by: T.Lanes.scalarCount) {
          var sum = T.Lanes(repeating: 0)
          for e in range { sum += scratch.radial.pointer.lanes(e &* width &+ c) }
          let n = i &* width &+ c
          x.setLanes(n, x.lanes(n) + factor.lanes(c) * sum)
        }
      }
    }
  }

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func adjoint(
    _ block: AtomBlock, _ edges: MessageSources<T>, scratch: MessageScratch<T>, gradient g: UnsafePointer<T>
  ) {
    let (width, rise) = (width, scratch.lengthTerms.pointer)
    for i in block.atoms {
      let near = edges.geometry.edges(of: i)
      radial.locate(near.lengths, count: near.count, into: scratch.locations.pointer)
      for e in 0..<near.count { rise[e] = T.Lanes(repeating: 0) }
      near.forEachElement(edges.elements, edges.species) { k, range in
        let giver = edges.elements[k]
        guard giver != block.species else { return }
        let factor = exchange(block.species, giver)
        for e in range {
          radial.evaluate(
            e, of: scratch.locations.pointer, into: scratch.radial.pointer, slope: scratch.slope.pointer)
          for c in stride(from: 0, to: width, by: T.Lanes.scalarCount) {
            rise[e].addProduct(scratch.slope.pointer.lanes(c), factor.lanes(c) * g.lanes(i &* width &+ c))
          }
        }
      }
      scratch.addLengthTerms(count: near.count, to: edges.geometry.lengthGradient(of: i))
    }
  }
}
