// The messages of the first layer where neighbours are few: from the length and the two elements of an edge straight to
// A (SpeciesCoupling.swift),
//   A_i,lm,c = sum over neighbours j of T_l,c(r_ij) Y_lm(ij),   T_l,c = sum_b f_b folded[l][species of i][species of j]_b,c
// with T tabulated for every pair of elements. No linear layer follows, which elsewhere is most of the first layer's
// work in a molecule; an edge costs (lmax + 1) x channels functions in place of b.
//
// Shapes: A and dE/dA as Features.

import Kernels

final class PairConvolution<T: KernelScalar>: MessageOperator {
  /// Values of one table row: degrees x channels.
  private var functions: Int { radial.functions }
  private let degrees: Int
  private let channels: Int
  private let radial: RadialTable<T>

  /// - Parameters:
  ///   - elements: those of the system, ascending.
  ///   - channels: those of the model, padded to whole lanes.
  init(_ coupling: SpeciesCoupling, elements: [Int], modelChannels: Int, channels: Int) {
    self.channels = channels
    degrees = coupling.degrees
    let pairs = elements.flatMap { s in elements.map { z in (s: s, z: z) } }
    radial = RadialTable(
      pairs.map { coupling.pairFunctions(centre: $0.s, neighbor: $0.z) }, species: coupling.species,
      pairs: pairs.map { [$0] }, channels: modelChannels, paddedChannels: channels)
  }

  /// Multiplications per atom, the adjoint included, each counted as one and a half: those by table rows wait for them
  /// (measured in liquid water, where both ways then take the same time at equal cost).
  static func cost(_ coupling: SpeciesCoupling, channels: Int, elements: Int, edges: Double) -> Double {
    let (degrees, functions) = (coupling.degrees, coupling.degrees * channels)
    let knots = coupling.radial.intervals + 5
    let tables = elements * elements * knots * functions * MemoryLayout<T>.stride
    guard tables <= Self.largestTables else { return .infinity }
    return 1.5 * edges * Double(18 * functions + 3 * degrees * degrees * channels)
  }

  static func room(_ coupling: SpeciesCoupling, channels: Int) -> MessageRoom {
    MessageRoom(functions: coupling.degrees * channels)
  }

  /// A spline takes 11, and so does its slope.
  var operationsPerEdge: Int { 35 * functions + 6 * degrees * degrees * channels }

  var matrixOperations: Int { 0 }

  /// Bytes; far more than that caches do not hold.
  private static var largestTables: Int { 64 << 20 }

  // MARK: - Forward

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func forward(
    _ block: AtomBlock, of sources: MessageSources<T>, scratch: MessageScratch<T>, clock: inout PartClock,
    into a: Features<T>
  ) {
    let (locations, values) = (scratch.locations.pointer, scratch.radial.pointer)
    for i in block.atoms {
      let edges = sources.geometry.edges(of: i)
      radial.locate(edges, centre: block.species, species: sources.species, into: locations)
      for l in 0..<degrees {
        for e in 0..<edges.count {
          radial.evaluate(e, of: locations, path: l, into: values + e &* channels)
        }
        switch l {
        case 0: accumulate(InlineArray<1, T>(repeating: 0), l, edges, values, a.row(l, i))
        case 1: accumulate(InlineArray<3, T>(repeating: 0), l, edges, values, a.row(l, i))
        case 2: accumulate(InlineArray<5, T>(repeating: 0), l, edges, values, a.row(l, i))
        case 3: accumulate(InlineArray<7, T>(repeating: 0), l, edges, values, a.row(l, i))
        default: accumulate(InlineArray<9, T>(repeating: 0), l, edges, values, a.row(l, i))
        }
      }
    }
    clock.end(.convolution)
  }

  /// One degree of one atom; the unused first argument fixes the number of components, 2 l + 1.
  @inline(__always)
  private func accumulate<let components: Int>(
    _: InlineArray<components, T>, _ l: Int, _ edges: Edges<T>, _ values: UnsafePointer<T>,
    _ a: UnsafeMutablePointer<T>
  ) {
    for c in stride(from: 0, to: channels, by: T.Lanes.scalarCount) {
      var sum = InlineArray<components, T.Lanes>(repeating: T.Lanes(repeating: 0))
      for e in 0..<edges.count {
        let f = values.lanes(e &* channels &+ c)
        let y = edges.harmonics + (e &* edges.harmonicStride &+ l &* l)
        for m in 0..<components { sum[m].addProduct(f, T.Lanes(repeating: y[m])) }
      }
      for m in 0..<components { a.setLanes(m &* channels &+ c, sum[m]) }
    }
  }

  // MARK: - Adjoint

  /// dE/dY_lm = sum_c T_l,c dE/dA_lm,c,   dE/dr = sum_l,c T'_l,c sum_m Y_lm dE/dA_lm,c.
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func adjoint(
    _ block: AtomBlock, of sources: MessageSources<T>, scratch: MessageScratch<T>, clock: inout PartClock,
    aGradient da: Features<T>, featureGradient _: Features<T>
  ) {
    let locations = scratch.locations.pointer
    for i in block.atoms {
      let edges = sources.geometry.edges(of: i)
      let dy = sources.geometry.harmonicsGradient(of: i)
      let atom = i &- block.atoms.lowerBound
      radial.locate(edges, centre: block.species, species: sources.species, into: locations)
      for e in 0..<edges.count {
        radial.evaluate(e, of: locations, into: scratch.radial.pointer, slope: scratch.slope.pointer)
        let y = edges.harmonics + e &* edges.harmonicStride
        scratch.lengthTerms.pointer[e] = T.Lanes(repeating: 0)
        for l in 0..<degrees {
          let d = UnsafePointer(da.row(l, atom))
          switch l {
          case 0: propagate(InlineArray<1, T>(repeating: 0), l, e, y, d, scratch)
          case 1: propagate(InlineArray<3, T>(repeating: 0), l, e, y, d, scratch)
          case 2: propagate(InlineArray<5, T>(repeating: 0), l, e, y, d, scratch)
          case 3: propagate(InlineArray<7, T>(repeating: 0), l, e, y, d, scratch)
          default: propagate(InlineArray<9, T>(repeating: 0), l, e, y, d, scratch)
          }
        }
        let row = dy + e &* edges.harmonicStride
        for n in stride(from: 0, to: degrees &* degrees, by: T.Lanes.scalarCount) {
          row.setLanes(n, row.lanes(n) + T.sums(scratch.harmonicTerms.pointer + n))
        }
      }
      scratch.addLengthTerms(count: edges.count, to: sources.geometry.lengthGradient(of: i))
    }
    clock.end(.convolution)
  }

  /// One degree of edge `e`: adds dE/dr and writes dE/dY, both still to be summed over lanes. Where sums of whole lanes would
  /// not fit into the registers, the halves of all lanes pass one after the other.
  @inline(__always)
  private func propagate<let components: Int>(
    _ width: InlineArray<components, T>, _ l: Int, _ e: Int, _ y: UnsafePointer<T>, _ da: UnsafePointer<T>,
    _ scratch: MessageScratch<T>
  ) {
    if components == 1 || Registers.heldLanes >= 32 {
      propagate(width, T.Lanes.self, 0, l, e, y, da, scratch)
    } else {
      for half in stride(from: 0, to: T.Lanes.scalarCount, by: T.HalfLanes.scalarCount) {
        propagate(width, T.HalfLanes.self, half, l, e, y, da, scratch)
      }
    }
  }

  @inline(__always)
  private func propagate<let components: Int, V: LaneVector>(
    _: InlineArray<components, T>, _: V.Type, _ first: Int, _ l: Int, _ e: Int, _ y: UnsafePointer<T>,
    _ da: UnsafePointer<T>, _ scratch: MessageScratch<T>
  ) where V.Scalar == T {
    let lanes = T.Lanes.scalarCount
    let values = UnsafePointer(scratch.radial.pointer) + l &* channels
    let slopes = UnsafePointer(scratch.slope.pointer) + l &* channels
    let slope = scratch.lengthTerms.pointer.numbers(e) + first
    var rise: V = slope.vector(0)
    var sum = InlineArray<components, V>(repeating: V(repeating: 0))
    for c in stride(from: first, to: channels, by: lanes) {
      let f: V = values.vector(c)
      var s = V(repeating: 0)
      for m in 0..<components {
        let d: V = da.vector(m &* channels &+ c)
        sum[m].addProduct(f, d)
        s.addProduct(d, V(repeating: y[l &* l &+ m]))
      }
      rise.addProduct(slopes.vector(c), s)
    }
    slope.setVector(0, rise)
    let target = scratch.harmonicTerms.pointer.numbers(l &* l) + first
    for m in 0..<components { target.setVector(m &* lanes, sum[m]) }
  }
}
