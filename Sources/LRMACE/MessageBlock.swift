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
