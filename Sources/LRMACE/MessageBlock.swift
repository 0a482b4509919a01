// Messages of a block of atoms before their linear layer: for each degree l, [atom][m][width], the width being what the
// linear layer sums over, so that it is one matrix product per degree.

import Kernels

struct MessageLayout {
  /// One more than the highest degree, which is at most 4.
  let degrees: Int
  /// Values summed over by the linear layer, for each degree.
  let widths: InlineArray<5, Int>
  /// Values per atom of all degrees below.
  let offsets: InlineArray<5, Int>
  /// Values per atom.
  let count: Int

  init(widths list: [Int]) {
    degrees = list.count
    var (widths, offsets) = (InlineArray<5, Int>(repeating: 0), InlineArray<5, Int>(repeating: 0))
    var count = 0
    for (l, width) in list.enumerated() {
      widths[l] = width
      offsets[l] = count
      count += (2 * l + 1) * width
    }
    (self.widths, self.offsets, self.count) = (widths, offsets, count)
  }
}

/// Messages, or their gradients.
struct MessageBlock<T: KernelScalar> {
  let base: UnsafeMutablePointer<T>
  let atoms: Int

  /// [atom][m][width] of degree `l`.
  @inline(__always)
  func degree(_ l: Int, _ layout: MessageLayout) -> UnsafeMutablePointer<T> {
    base + atoms &* layout.offsets[l]
  }

  /// [m][width] of one atom.
  @inline(__always)
  func row(_ l: Int, _ atom: Int, _ layout: MessageLayout) -> UnsafeMutablePointer<T> {
    degree(l, layout) + atom &* (2 &* l &+ 1) &* layout.widths[l]
  }
}

/// The edges of one centre.
struct Edges<T: KernelScalar> {
  let count: Int
  let neighbors: UnsafePointer<Int32>
  let lengths: UnsafePointer<T>
  /// [edge][harmonic], zeros up to whole lanes; lengths and the next rows may be read past the last edge to whole
  /// lanes, too.
  let harmonics: UnsafePointer<T>
  /// Values between the rows of two edges.
  let harmonicStride: Int

  /// Calls `body` with the position of every one of `elements`, ascending, and the edges from its atoms.
  @inline(__always)
  func forEachElement(_ elements: [Int], _ kinds: [Int], _ body: (_ k: Int, _ range: Range<Int>) -> Void) {
    var first = 0
    for (k, z) in elements.enumerated() {
      var end = first
      while end < count, kinds[Int(neighbors[end])] == z { end &+= 1 }
      body(k, first..<end)
      first = end
    }
  }
}

/// Scratch of one thread for the messages of a centre.
final class ConvolutionScratch<T: KernelScalar> {
  /// Where the edges lie in the radial table.
  let locations: Workspace<T.Lanes>
  /// Radial functions, [edge][function], and room for their slopes behind them.
  let radial: Workspace<T>
  /// Slopes of the radial functions of one edge.
  let slope: Workspace<T>
  /// Coupled harmonics t, [edge][padded entry], and dE/dt of one edge with channels in lanes.
  let tensor: Workspace<T>
  let tensorGradient: Workspace<T.Lanes>
  /// dE/dr of every edge and dE/dY of one, still to be summed over lanes.
  let lengthTerms: Workspace<T.Lanes>
  let harmonicTerms: Workspace<T.Lanes>
  /// dE/dD of one element, [function][harmonic], and its products with functions and slopes, [edge][harmonic].
  let gradient: Workspace<T>
  let products: Workspace<T>

  var bytes: Double {
    let numbers = radial.bytes + slope.bytes + tensor.bytes + gradient.bytes + products.bytes
    return numbers + locations.bytes + tensorGradient.bytes + lengthTerms.bytes + harmonicTerms.bytes
  }

  /// - Parameter harmonics: their number, padded to whole lanes.
  init(edges: Int, functions: Int, tensorCount: Int, harmonics: Int) {
    locations = Workspace(capacity: RadialTable<T>.locationCount(edges))
    radial = Workspace(capacity: 2 * edges * functions)
    slope = Workspace(capacity: functions)
    let entries = T.wholeLanes(tensorCount)
    tensor = Workspace(capacity: edges * entries)
    tensorGradient = Workspace(repeating: T.Lanes(repeating: 0), count: entries)
    lengthTerms = Workspace(capacity: T.wholeLanes(edges))
    harmonicTerms = Workspace(repeating: T.Lanes(repeating: 0), count: harmonics)
    gradient = Workspace(repeating: 0, count: functions * harmonics)
    products = Workspace(capacity: 2 * edges * harmonics)
  }

  /// Adds the sums of `lengthTerms` to dE/dr of the edges.
  @inline(__always)
  func addLengthTerms(count: Int, to gradient: UnsafeMutablePointer<T>) {
    for e in stride(from: 0, to: count, by: T.Lanes.scalarCount) {
      gradient.setLanes(e, gradient.lanes(e) + T.sums(lengthTerms.pointer + e))
    }
  }
}
