// Messages over the density of neighbours, and the adjoint (MACE's density interaction blocks):
//   A_i <- A_i / (1 + rho_i),     rho_i = sum_j D(r_ij),     D = tanh((b(r) . density)^2)
//   dA_i <- dA_i / (1 + rho_i),   dE/drho_i = -A_i . dA_i,   dE/dr_ij += dE/drho_i D'(r_ij)
// with A_i as it leaves and dA_i as it goes on. Densities are summed in double precision. Where the contraction puts its
// gradient in the place of A (ScalarContraction), A_i is kept here.
//
// Shapes: A as Features; D is tabulated like the radial functions of the messages, one function of a vector of lanes.

import Kernels
import LRMACEModel

final class DensityNormalization<T: KernelScalar> {
  let radial: RadialTable<T>
  /// 1 / (1 + rho) and dE/drho of every atom.
  private let factors = Workspace<T>()
  private let pulls = Workspace<T>()
  private let kept = Workspace<T>()
  private let keepsMessages: Bool
  private let lmax: Int

  /// - Parameters:
  ///   - elements: those of the system, of so many `species` of the model.
  ///   - lmax: highest degree of A.
  ///   - keepsMessages: whether A is not there any more in `adjoint`.
  init(_ functions: RadialFunctions, elements: [Int], species: Int, lmax: Int, keepsMessages: Bool) {
    (self.lmax, self.keepsMessages) = (lmax, keepsMessages)
    radial = RadialTable(
      functions, elements: elements, species: species, channels: 1, paddedChannels: T.Lanes.scalarCount)
  }

  static var room: MessageRoom { MessageRoom(functions: T.Lanes.scalarCount) }

  /// A spline and its slope.
  var operationsPerEdge: Int { 33 }

  func reserve(atoms: Int, channels: Int) {
    factors.reserve(atoms)
    pulls.reserve(atoms)
    if keepsMessages { kept.reserve(Features<T>.count(atoms: atoms, channels: channels, lmax: lmax)) }
  }

  /// A of all atoms in `adjoint`.
  private func messages(_ a: Features<T>) -> Features<T> {
    keepsMessages ? Features(base: kept.pointer, atoms: a.atoms, channels: a.channels) : a
  }

  /// Rescales A of the atoms of a block.
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func forward(
    _ block: AtomBlock, of sources: MessageSources<T>, scratch: MessageScratch<T>, _ a: Features<T>
  ) {
    let (locations, value, messages) = (scratch.locations.pointer, scratch.radial.pointer, messages(a))
    for i in block.atoms {
      let edges = sources.geometry.edges(of: i)
      radial.locate(edges, centre: block.species, species: sources.species, into: locations)
      var density = 0.0
      for e in 0..<edges.count {
        radial.evaluate(e, of: locations, path: 0, into: value)
        density += Double(value[0])
      }
      let factor = T(1 / (1 + density))
      factors.pointer[i] = factor
      for l in 0...lmax {
        let count = (2 &* l &+ 1) &* a.channels
        Self.scale(a.row(l, i), by: factor, count: count)
        if keepsMessages { messages.row(l, i).update(from: a.row(l, i), count: count) }
      }
    }
  }

  /// Rescales dA of the atoms of a block, given A of all atoms as it is now, and adds dE/dr of its edges.
  ///
  /// - Parameter da: dE/dA of the block alone.
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func adjoint(
    _ block: AtomBlock, of sources: MessageSources<T>, scratch: MessageScratch<T>, _ a: Features<T>,
    aGradient da: Features<T>
  ) {
    let locations = scratch.locations.pointer
    let (value, slope, messages) = (scratch.radial.pointer, scratch.slope.pointer, messages(a))
    for i in block.atoms {
      let atom = i &- block.atoms.lowerBound
      var product = T.Lanes(repeating: 0)
      for l in 0...lmax {
        let (row, gradient) = (messages.row(l, i), da.row(l, atom))
        let count = (2 &* l &+ 1) &* a.channels
        Self.scale(gradient, by: factors.pointer[i], count: count)
        for n in stride(from: 0, to: count, by: T.Lanes.scalarCount) {
          product.addProduct(row.lanes(n), gradient.lanes(n))
        }
      }
      let pull = -T.sum(product)
      pulls.pointer[i] = pull
      let edges = sources.geometry.edges(of: i)
      let lengthGradient = sources.geometry.lengthGradient(of: i)
      radial.locate(edges, centre: block.species, species: sources.species, into: locations)
      for e in 0..<edges.count {
        radial.evaluate(e, of: locations, into: value, slope: slope)
        lengthGradient[e] += pull * slope[0]
      }
    }
  }

  /// Adds dE/dD of the edges of a block, dE/drho of its centres, to dE/d(coefficients).
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func addWeightGradients(
    _ block: AtomBlock, of sources: MessageSources<T>, scratch: MessageScratch<T>,
    to coefficients: UnsafeMutablePointer<T>
  ) {
    let (locations, gradient) = (scratch.locations.pointer, scratch.slope.pointer)
    gradient.setLanes(0, T.Lanes(repeating: 0))
    for i in block.atoms {
      let edges = sources.geometry.edges(of: i)
      radial.locate(edges, centre: block.species, species: sources.species, into: locations)
      gradient[0] = pulls.pointer[i]
      for e in 0..<edges.count {
        radial.addAdjoint(e, of: locations, path: 0, gradient: gradient, to: coefficients)
      }
    }
  }

  /// Channels come in whole lanes.
  @inline(__always)
  private static func scale(_ row: UnsafeMutablePointer<T>, by factor: T, count: Int) {
    for n in stride(from: 0, to: count, by: T.Lanes.scalarCount) {
      row.setLanes(n, row.lanes(n) * T.Lanes(repeating: factor))
    }
  }
}
