// The messages of the first layer where neighbours are many: channels leave the sum over neighbours
// (SpeciesCoupling.swift),
//   D_i,(z,b),lm = sum over neighbours j of element z of f_b(r_ij) Y_lm(ij),      A_i,l = D_i,l . folded[l][species of i]
// An edge costs b x (lmax + 1)^2 multiplications, whatever the number of channels.
//
// Shapes: D of a block as MessageBlock with (z, b) in place of (path, channel). Neighbours come grouped by element.

import Equivariant
import Kernels
import LRMACEModel

final class SpeciesConvolution<T: KernelScalar>: MessageOperator {
  private let radial: RadialTable<T>
  /// [l][element of the centre], rows (z, b), elements among those of the system.
  private let folded: MessageLinear<T>
  /// Of `folded`, beside it as in `Convolution`.
  private let layout: MessageLayout
  private let elements: [Int]
  private let channels: Int
  /// Radial functions, padded to whole lanes.
  private var functions: Int { radial.functions }
  /// Those of D, padded to half lanes; rows of all elements' are padded to whole lanes.
  private let width: Int

  /// - Parameters:
  ///   - elements: those of the system, ascending.
  ///   - channels: those of the model, padded to whole lanes.
  init(_ coupling: SpeciesCoupling, elements: [Int], channels: Int) {
    self.elements = elements
    self.channels = channels
    let count = coupling.functions
    let (width, rows) = Self.widths(coupling, elements: elements.count)
    self.width = width
    radial = RadialTable(
      coupling.radial, elements: elements, species: coupling.species, channels: count,
      paddedChannels: T.wholeLanes(count))
    let centres = coupling.isShared ? Array(elements.prefix(1)) : elements
    folded = MessageLinear(
      (0..<coupling.degrees).map { l in
        centres.map { s in
          let blocks = elements.map { coupling.folded(l, centre: s, neighbor: $0).padded(rows: width) }
          let matrix = Matrix(stacked: blocks).padded(rows: rows)
          return PackedMatrix(matrix, rowBlock: rows, paddedRowBlock: rows, paddedColumns: channels)
        }
      })
    layout = folded.layout
  }

  /// Functions of an element in D, and of all elements.
  private static func widths(_ coupling: SpeciesCoupling, elements: Int) -> (one: Int, all: Int) {
    let half = T.HalfLanes.scalarCount
    let one = (coupling.functions + half - 1) / half * half
    return (one, T.wholeLanes(elements * one))
  }

  /// Multiplications per atom, its linear layer and the adjoint included.
  static func cost(_ coupling: SpeciesCoupling, channels: Int, elements: Int, edges: Double) -> Double {
    let harmonics = coupling.degrees * coupling.degrees
    let linear = 2 * harmonics * widths(coupling, elements: elements).all * channels
    return Double(linear) + edges * Double(T.wholeLanes(coupling.functions) * (18 + 3 * harmonics))
  }

  static func room(_ coupling: SpeciesCoupling, elements: Int) -> MessageRoom {
    MessageRoom(
      functions: T.wholeLanes(coupling.functions),
      messageCount: coupling.degrees * coupling.degrees * widths(coupling, elements: elements).all)
  }

  /// A spline takes 11, and so does its slope.
  var operationsPerEdge: Int { functions * (33 + 6 * layout.degrees * layout.degrees) }

  var matrixOperations: Int { folded.operations }

  /// Position of a block's element among the centres.
  private func centre(_ block: AtomBlock) -> Int { elements.firstIndex(of: block.species) ?? 0 }

  // MARK: - Forward

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func forward(
    _ block: AtomBlock, of sources: MessageSources<T>, scratch: MessageScratch<T>, clock: inout PartClock,
    into a: Features<T>
  ) {
    let d = MessageBlock<T>(base: scratch.messages.pointer, atoms: block.atoms.count)
    for i in block.atoms {
      forward(i, of: block, sources, scratch: scratch, messages: d)
    }
    clock.end(.convolution)
    folded.apply(block, centre: centre(block), d, into: a)
    clock.end(.linear)
  }

  /// D of one centre of a block.
  private func forward(
    _ i: Int, of block: AtomBlock, _ sources: MessageSources<T>, scratch: MessageScratch<T>,
    messages: MessageBlock<T>
  ) {
    let (edges, atom) = (sources.geometry.edges(of: i), i &- block.atoms.lowerBound)
    let locations = scratch.locations.pointer
    radial.locate(edges, centre: block.species, species: sources.species, into: locations)
    for e in 0..<edges.count {
      radial.evaluate(e, of: locations, path: 0, into: scratch.radial.pointer + e &* functions)
    }
    clearPadding(messages, atom)
    edges.forEachElement(elements, sources.species) { z, range in
      // All degrees at once where the registers hold so many sums.
      if Registers.heldLanes >= 32 {
        switch layout.degrees {
        case 1: accumulate(InlineArray<1, T>(repeating: 0), 0..<1, edges, range, z, scratch, messages, atom)
        case 2: accumulate(InlineArray<4, T>(repeating: 0), 0..<2, edges, range, z, scratch, messages, atom)
        case 3: accumulate(InlineArray<9, T>(repeating: 0), 0..<3, edges, range, z, scratch, messages, atom)
        case 4: accumulate(InlineArray<16, T>(repeating: 0), 0..<4, edges, range, z, scratch, messages, atom)
        default: accumulate(InlineArray<25, T>(repeating: 0), 0..<5, edges, range, z, scratch, messages, atom)
        }
      } else {
        for l in 0..<layout.degrees {
          switch l {
          case 0: accumulate(InlineArray<1, T>(repeating: 0), 0..<1, edges, range, z, scratch, messages, atom)
          case 1: accumulate(InlineArray<3, T>(repeating: 0), 1..<2, edges, range, z, scratch, messages, atom)
          case 2: accumulate(InlineArray<5, T>(repeating: 0), 2..<3, edges, range, z, scratch, messages, atom)
          case 3: accumulate(InlineArray<7, T>(repeating: 0), 3..<4, edges, range, z, scratch, messages, atom)
          default:
            accumulate(InlineArray<9, T>(repeating: 0), 4..<5, edges, range, z, scratch, messages, atom)
          }
        }
      }
    }
  }

  /// Zeros behind the functions of all elements: what scratch holds there might be no number, which a row of zeros does not take away.
  @inline(__always)
  private func clearPadding(_ messages: MessageBlock<T>, _ atom: Int) {
    let used = elements.count &* width
    for l in 0..<layout.degrees where layout.widths[l] > used {
      for m in 0..<(2 &* l &+ 1) {
        let row = messages.row(l, atom, layout) + (m &* layout.widths[l] &+ used)
        row.update(repeating: 0, count: layout.widths[l] &- used)
      }
    }
  }

  /// Some degrees of the neighbours of one element; the unused first argument fixes the number of their harmonics.
  @inline(__always)
  private func accumulate<let harmonics: Int>(
    _ count: InlineArray<harmonics, T>, _ degrees: Range<Int>, _ edges: Edges<T>, _ range: Range<Int>,
    _ z: Int, _ scratch: MessageScratch<T>, _ messages: MessageBlock<T>, _ atom: Int
  ) {
    var b = 0
    while b &+ T.Lanes.scalarCount <= width {
      accumulate(count, T.Lanes.self, b, degrees, edges, range, z, scratch, messages, atom)
      b &+= T.Lanes.scalarCount
    }
    if b < width {
      accumulate(count, T.HalfLanes.self, b, degrees, edges, range, z, scratch, messages, atom)
    }
  }

  /// A vector of functions from `b` on.
  @inline(__always)
  private func accumulate<let harmonics: Int, V: LaneVector>(
    _: InlineArray<harmonics, T>, _: V.Type, _ b: Int, _ degrees: Range<Int>, _ edges: Edges<T>,
    _ range: Range<Int>, _ z: Int, _ scratch: MessageScratch<T>, _ messages: MessageBlock<T>, _ atom: Int
  ) where V.Scalar == T {
    let values = UnsafePointer(scratch.radial.pointer)
    let first = degrees.lowerBound &* degrees.lowerBound
    var sum = InlineArray<harmonics, V>(repeating: V(repeating: 0))
    for e in range {
      let f: V = values.vector(e &* functions &+ b)
      let y = edges.harmonics + (e &* edges.harmonicStride &+ first)
      for n in 0..<harmonics { sum[n].addProduct(f, V(repeating: y[n])) }
    }
    for l in degrees {
      let row = messages.row(l, atom, layout) + (z &* width &+ b)
      for m in 0..<(2 &* l &+ 1) { row.setVector(m &* layout.widths[l], sum[l &* l &- first &+ m]) }
    }
  }

  // MARK: - Adjoint

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func adjoint(
    _ block: AtomBlock, of sources: MessageSources<T>, scratch: MessageScratch<T>, clock: inout PartClock,
    aGradient da: Features<T>, featureGradient _: Features<T>
  ) {
    let dd = MessageBlock<T>(base: scratch.messages.pointer, atoms: block.atoms.count)
    folded.applyAdjoint(block, centre: centre(block), da, into: dd)
    clock.end(.linear)
    for i in block.atoms { adjoint(i, of: block, sources, messagesGradient: dd, scratch: scratch) }
    clock.end(.convolution)
  }

  /// Adds dE/dY and dE/dr of the edges of one centre, given dE/dD.
  ///
  /// With g_b,n = dE/dD_b,n of the neighbour's element, dE/dY_n = sum_b f_b g_b,n and dE/dr = sum_n Y_n sum_b f'_b g_b,n:
  /// one matrix product for the neighbours of an element, harmonics n in lanes.
  private func adjoint(
    _ i: Int, of block: AtomBlock, _ sources: MessageSources<T>, messagesGradient: MessageBlock<T>,
    scratch: MessageScratch<T>
  ) {
    let (edges, atom) = (sources.geometry.edges(of: i), i &- block.atoms.lowerBound)
    let harmonicsGradient = sources.geometry.harmonicsGradient(of: i)
    let harmonics = layout.degrees &* layout.degrees
    let padded = T.wholeLanes(harmonics)
    let lanes = T.Lanes.scalarCount
    let gradient = scratch.gradient.pointer
    let locations = scratch.locations.pointer
    radial.locate(edges, centre: block.species, species: sources.species, into: locations)
    edges.forEachElement(elements, sources.species) { z, range in
      SphericalHarmonics.withComponents(of: T.Lanes.self) { tile in
        for b in stride(from: 0, to: functions, by: lanes) {
          for l in 0..<layout.degrees {
            let row = UnsafePointer(messagesGradient.row(l, atom, layout) + (z &* width &+ b))
            for m in 0..<(2 &* l &+ 1) {
              load(row + m &* layout.widths[l], isHalf: b &+ lanes > width, to: tile + (l &* l &+ m))
            }
          }
          for n in harmonics..<padded { tile[n] = T.Lanes(repeating: 0) }
          for n in stride(from: 0, to: padded, by: lanes) {
            T.transpose(tile + n)
            for k in 0..<lanes { gradient.setLanes((b &+ k) &* padded &+ n, tile[n &+ k]) }
          }
        }
      }
      let values = scratch.radial.pointer
      let slopes = values + range.count &* functions
      for e in range {
        let row = (e &- range.lowerBound) &* functions
        radial.evaluate(e, of: locations, into: values + row, slope: slopes + row)
      }
      let products = scratch.products.pointer
      T.gemm(
        transposeA: false, transposeB: false, m: 2 &* range.count, n: padded, k: width, alpha: 1, a: values,
        lda: functions, b: gradient, ldb: padded, beta: 0, c: products, ldc: padded)
      for e in range {
        let y = edges.harmonics + e &* edges.harmonicStride
        let dy = harmonicsGradient + e &* edges.harmonicStride
        let product = products + (e &- range.lowerBound) &* padded
        var term = T.Lanes(repeating: 0)
        for n in stride(from: 0, to: padded, by: lanes) {
          dy.setLanes(n, dy.lanes(n) + product.lanes(n))
          term.addProduct(y.lanes(n), product.lanes(range.count &* padded &+ n))
        }
        scratch.lengthTerms.pointer[e] = term
      }
    }
    scratch.addLengthTerms(count: edges.count, to: sources.geometry.lengthGradient(of: i))
  }

  /// Lanes of a row of dE/dD, of which there may be only half; zeros behind them.
  @inline(__always)
  private func load(_ row: UnsafePointer<T>, isHalf: Bool, to target: UnsafeMutablePointer<T.Lanes>) {
    if isHalf {
      let half: T.HalfLanes = row.vector(0)
      target.pointee = .zero
      target.numbers(0).setVector(0, half)
    } else {
      target.pointee = row.lanes(0)
    }
  }
}
