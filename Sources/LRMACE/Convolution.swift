// The messages of one layer and their adjoint, centre by centre (MACE, arXiv 2206.07697, eq. 8):
//   M_i,(p,m3),c = sum_j R_p,c(r_ij) sum_m1 t_p,m1,m3(ij) x_j,(l1,m1),c,
//   t_p,m1,m3(ij) = sum_m2 w3j(l1, l2, l3)[m1, m2, m3] Y_l2,m2(ij).
// Channels c are contiguous and in SIMD lanes; the accumulators of one path stay in registers while the edges of
// a centre pass by. The adjoint works channels first: per edge it needs only
//   s_m1,c = sum_m3 t_m1,m3 dM_m3,c   and   dt_m1,m3 = sum_c R_c x_m1,c dM_m3,c,
// so forces carry no Cartesian factor of three. Sums over lanes of channels wait until a whole register of them is due. From Y
// to t and back all edges of a centre go together, as one matrix product: edge by edge, a tenth of the adjoint was waiting.
//
// Shapes: x as Features; M of a block of atoms as MessageBlock, [atom][m3][path][channel] for each l3, so that the
// linear layer that follows (MessageLinear) is one matrix product per degree.

import Kernels
import LRMACEModel

/// Tensor-product paths of a layer with their coupling tables.
final class Convolution<T: KernelScalar>: MessageOperator {
  typealias Path = PathMessages.Path

  let channels: Int
  let paths: Workspace<Path>
  var pathCount: Int { paths.capacity }
  let tensorCount: Int
  /// w3j as a matrix from Y to t, [harmonic][padded entry], and from dE/dt to dE/dY, [entry][padded harmonic]. Few of
  /// their elements differ from zero, but whole lanes cost less than to pick those.
  private let coupling: Workspace<T>
  private let couplingAdjoint: Workspace<T>
  private let harmonicCount: Int
  let radial: RadialTable<T>
  let linear: MessageLinear<T>
  /// Of `linear`, whose copy every path of every edge would read: 5 % of the messages.
  let layout: MessageLayout

  /// - Parameters:
  ///   - elements: those of the system, of so many `species` of the model.
  ///   - channels: those of the model, padded to whole lanes.
  init(_ compiled: PathMessages, elements: [Int], species: Int, modelChannels: Int, channels: Int) {
    self.channels = channels
    radial = RadialTable(
      compiled.radial, elements: elements, species: species, channels: modelChannels, paddedChannels: channels
    )
    linear = MessageLinear(
      compiled.linear.map { centres in
        centres.map {
          PackedMatrix($0, rowBlock: modelChannels, paddedRowBlock: channels, paddedColumns: channels)
        }
      })
    layout = linear.layout
    paths = Workspace(compiled.paths)
    let matrix = compiled.coupling
    tensorCount = matrix.rows
    harmonicCount = matrix.columns
    let (height, width) = (T.wholeLanes(tensorCount), T.wholeLanes(harmonicCount))
    coupling = Workspace(repeating: 0, count: harmonicCount * height)
    couplingAdjoint = Workspace(repeating: 0, count: tensorCount * width)
    for k in 0..<tensorCount {
      for n in 0..<harmonicCount {
        coupling.pointer[n * height + k] = T(matrix[k, n])
        couplingAdjoint.pointer[k * width + n] = T(matrix[k, n])
      }
    }
  }

  static func room(_ compiled: PathMessages, channels: Int) -> MessageRoom {
    MessageRoom(
      functions: compiled.paths.count * channels, tensorCount: compiled.coupling.rows,
      messageCount: compiled.paths.reduce(0) { $0 + (2 * $1.l3 + 1) * channels })
  }

  /// A spline takes 11, and so does its slope.
  var operationsPerEdge: Int {
    var count = 33 * radial.functions + 6 * harmonicCount * tensorCount
    for p in 0..<pathCount {
      let (inputs, components) = (2 * paths.pointer[p].l1 + 1, 2 * paths.pointer[p].l3 + 1)
      count += inputs * (7 + 6 * components) * channels
    }
    return count
  }

  var matrixOperations: Int { linear.operations }

  /// This path's [m3] rows, `stride` apart, of one atom of a block.
  @inline(__always)
  func row(_ path: Path, _ block: MessageBlock<T>, _ atom: Int) -> (
    UnsafeMutablePointer<T>, stride: Int
  ) {
    (block.row(path.l3, atom, layout) + path.slot &* channels, layout.widths[path.l3])
  }

  /// t of the edges of a centre, [edge][padded entry].
  @inline(__always)
  func expandTensors(_ edges: Edges<T>, into t: UnsafeMutablePointer<T>) {
    let height = T.wholeLanes(tensorCount)
    T.gemm(
      transposeA: false, transposeB: false, m: edges.count, n: height, k: harmonicCount, alpha: 1,
      a: edges.harmonics, lda: edges.harmonicStride, b: coupling.pointer, ldb: height, beta: 0, c: t,
      ldc: height)
  }

  /// Adds dE/dY of the edges of a centre, given dE/dt, [edge][padded entry].
  @inline(__always)
  private func contractTensors(_ dt: UnsafePointer<T>, _ edges: Edges<T>, into dy: UnsafeMutablePointer<T>) {
    let width = T.wholeLanes(harmonicCount)
    T.gemm(
      transposeA: false, transposeB: false, m: edges.count, n: width, k: tensorCount, alpha: 1, a: dt,
      lda: T.wholeLanes(tensorCount), b: couplingAdjoint.pointer, ldb: width, beta: 1, c: dy,
      ldc: edges.harmonicStride)
  }

  /// dE/dt of one edge from its terms, still to be summed over lanes of channels.
  @inline(__always)
  private func sumTensorTerms(_ terms: UnsafePointer<T.Lanes>, into dt: UnsafeMutablePointer<T>) {
    for k in stride(from: 0, to: tensorCount, by: T.Lanes.scalarCount) {
      if tensorCount &- k > 4 {
        dt.setLanes(k, T.sums(terms + k))
      } else {
        for m in k..<tensorCount { dt[m] = T.sum(terms[m]) }
      }
    }
  }

  // MARK: - Forward

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func forward(
    _ block: AtomBlock, of sources: MessageSources<T>, scratch: MessageScratch<T>, clock: inout PartClock,
    into a: Features<T>
  ) {
    let m = MessageBlock<T>(base: scratch.messages.pointer, atoms: block.atoms.count)
    for i in block.atoms { forward(i, of: block, sources, scratch: scratch, messages: m) }
    clock.end(.convolution)
    linear.apply(block, centre: block.species, m, into: a)
    clock.end(.linear)
  }

  /// Messages of one centre of a block.
  func forward(
    _ i: Int, of block: AtomBlock, _ sources: MessageSources<T>, scratch: MessageScratch<T>,
    messages: MessageBlock<T>
  ) {
    let (edges, features) = (sources.geometry.edges(of: i), sources.features)
    let atom = i &- block.atoms.lowerBound
    radial.locate(
      edges, centre: block.species, species: sources.species, into: scratch.locations.pointer)
    expandTensors(edges, into: scratch.tensor.pointer)
    for p in 0..<pathCount {
      let path = paths.pointer[p]
      let x = UnsafePointer(features.degree(path.l1))
      let (out, stride) = row(path, messages, atom)
      switch path.l3 {
      case 0: accumulate(InlineArray<1, T>(repeating: 0), p, path, edges, x, scratch, out, stride)
      case 1: accumulate(InlineArray<3, T>(repeating: 0), p, path, edges, x, scratch, out, stride)
      case 2: accumulate(InlineArray<5, T>(repeating: 0), p, path, edges, x, scratch, out, stride)
      case 3: accumulate(InlineArray<7, T>(repeating: 0), p, path, edges, x, scratch, out, stride)
      default: accumulate(InlineArray<9, T>(repeating: 0), p, path, edges, x, scratch, out, stride)
      }
    }
  }

  /// One path of one centre; the unused first argument fixes the number of components, 2 l3 + 1. As many channels pass
  /// together as keep sums from waiting for one another, two lanes at least where registers hold them: they share what is
  /// read of t and of the splines' weights.
  @inline(__always)
  private func accumulate<let components: Int>(
    _ width: InlineArray<components, T>, _ p: Int, _ path: Path, _ edges: Edges<T>, _ x: UnsafePointer<T>,
    _ scratch: MessageScratch<T>, _ out: UnsafeMutablePointer<T>, _ stride: Int
  ) {
    var c = 0
    if components == 1 {
      while channels &- c >= 4 &* T.Lanes.scalarCount {
        accumulate(width, InlineArray<4, Int8>(repeating: 0), c, p, path, edges, x, scratch, out, stride)
        c &+= 4 &* T.Lanes.scalarCount
      }
    }
    if components == 3 || Registers.heldLanes >= 32 {
      while channels &- c >= 2 &* T.Lanes.scalarCount {
        accumulate(width, InlineArray<2, Int8>(repeating: 0), c, p, path, edges, x, scratch, out, stride)
        c &+= 2 &* T.Lanes.scalarCount
      }
    }
    while c < channels {
      accumulate(width, InlineArray<1, Int8>(repeating: 0), c, p, path, edges, x, scratch, out, stride)
      c &+= T.Lanes.scalarCount
    }
  }

  /// As many lanes of channels from `c` on as the second argument has elements. Where registers are few, the radial
  /// functions of all edges come before the sums, which need the registers: a fifth off the messages forward (128x0e, Zen 3).
  @inline(__always)
  private func accumulate<let components: Int, let lanes: Int>(
    _ width: InlineArray<components, T>, _: InlineArray<lanes, Int8>, _ c: Int, _ p: Int, _ path: Path,
    _ edges: Edges<T>, _ x: UnsafePointer<T>, _ scratch: MessageScratch<T>, _ out: UnsafeMutablePointer<T>,
    _ stride: Int
  ) {
    let locations = UnsafePointer(scratch.locations.pointer)
    let t = scratch.tensor.pointer
    if Registers.heldLanes >= 32 {
      accumulate(width, c, path, edges, x, t, out, stride) { e -> InlineArray<lanes, T.Lanes> in
        radial.values(e, of: locations, path: p, channel: c)
      }
      return
    }
    let values = scratch.radial.pointer
    let count = lanes &* T.Lanes.scalarCount
    for e in 0..<edges.count {
      let r: InlineArray<lanes, T.Lanes> = radial.values(e, of: locations, path: p, channel: c)
      for v in 0..<lanes { values.setLanes(e &* count &+ v &* T.Lanes.scalarCount, r[v]) }
    }
    if components < 7 {
      accumulate(width, c, path, edges, x, t, out, stride) { e in
        InlineArray<lanes, T.Lanes> { values.lanes(e &* count &+ $0 &* T.Lanes.scalarCount) }
      }
    } else {
      for half in Swift.stride(from: 0, to: count, by: T.HalfLanes.scalarCount) {
        accumulate(width, c &+ half, path, edges, x, t, out, stride) { e -> InlineArray<1, T.HalfLanes> in
          [values.vector(e &* count &+ half)]
        }
      }
    }
  }

  /// Vectors of channels from `c` on, whose radial functions `radial` gives.
  @inline(__always)
  private func accumulate<let components: Int, let vectors: Int, V: LaneVector>(
    _: InlineArray<components, T>, _ c: Int, _ path: Path, _ edges: Edges<T>, _ x: UnsafePointer<T>,
    _ t: UnsafePointer<T>, _ out: UnsafeMutablePointer<T>, _ stride: Int,
    radial: (Int) -> InlineArray<vectors, V>
  ) where V.Scalar == T {
    let inputs = 2 &* path.l1 &+ 1
    let width = V.scalarCount
    let zero = InlineArray<vectors, V>(repeating: V(repeating: 0))
    var sum = InlineArray<components, InlineArray<vectors, V>>(repeating: zero)
    for e in 0..<edges.count {
      let r = radial(e)
      let xj = x + (Int(edges.neighbors[e]) &* inputs &* channels &+ c)
      let te = t + (e &* T.wholeLanes(tensorCount) &+ path.tensor)
      for m1 in 0..<inputs {
        for v in 0..<vectors {
          let xv: V = xj.vector(m1 &* channels &+ v &* width)
          let rx = r[v] * xv
          for m in 0..<components {
            sum[m][v].addProduct(rx, V(repeating: te[m1 &* components &+ m]))
          }
        }
      }
    }
    for m in 0..<components {
      for v in 0..<vectors { out.setVector(m &* stride &+ c &+ v &* width, sum[m][v]) }
    }
  }

  // MARK: - Adjoint

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func adjoint(
    _ block: AtomBlock, of sources: MessageSources<T>, scratch: MessageScratch<T>, clock: inout PartClock,
    aGradient da: Features<T>, featureGradient dx: Features<T>
  ) {
    let dm = MessageBlock<T>(base: scratch.messages.pointer, atoms: block.atoms.count)
    linear.applyAdjoint(block, centre: block.species, da, into: dm)
    clock.end(.linear)
    for i in block.atoms {
      adjoint(i, of: block, sources, messagesGradient: dm, scratch: scratch, featureGradient: dx)
    }
    clock.end(.convolution)
  }

  /// Adjoint of `forward` for one centre, given the gradient of its messages: adds dE/dY and dE/dr of its edges, and dE/dx of
  /// the neighbours to `featureGradient`.
  private func adjoint(
    _ i: Int, of block: AtomBlock, _ sources: MessageSources<T>, messagesGradient: MessageBlock<T>,
    scratch: MessageScratch<T>, featureGradient: Features<T>
  ) {
    let (edges, features) = (sources.geometry.edges(of: i), sources.features)
    let atom = i &- block.atoms.lowerBound
    let r = scratch.radial.pointer
    let dr = scratch.slope.pointer
    let dt = scratch.tensorGradient.pointer
    let locations = scratch.locations.pointer
    radial.locate(edges, centre: block.species, species: sources.species, into: locations)
    expandTensors(edges, into: scratch.tensor.pointer)
    for e in 0..<edges.count {
      radial.evaluate(e, of: locations, into: r, slope: dr)
      let t = scratch.tensor.pointer + e &* T.wholeLanes(tensorCount)
      let j = Int(edges.neighbors[e])
      scratch.lengthTerms.pointer[e] = T.Lanes(repeating: 0)
      let slope = scratch.lengthTerms.pointer.numbers(e)
      for p in 0..<pathCount {
        let path = paths.pointer[p]
        let offset = j &* (2 &* path.l1 &+ 1) &* channels
        let x = UnsafePointer(features.degree(path.l1) + offset)
        let dx = featureGradient.degree(path.l1) + offset
        let (gradient, stride) = row(path, messagesGradient, atom)
        let dm = UnsafePointer(gradient)
        switch path.l3 {
        case 0: propagate(InlineArray<1, T>(repeating: 0), p, path, x, dx, r, dr, t, dt, dm, stride, slope)
        case 1: propagate(InlineArray<3, T>(repeating: 0), p, path, x, dx, r, dr, t, dt, dm, stride, slope)
        case 2: propagate(InlineArray<5, T>(repeating: 0), p, path, x, dx, r, dr, t, dt, dm, stride, slope)
        case 3: propagate(InlineArray<7, T>(repeating: 0), p, path, x, dx, r, dr, t, dt, dm, stride, slope)
        default: propagate(InlineArray<9, T>(repeating: 0), p, path, x, dx, r, dr, t, dt, dm, stride, slope)
        }
      }
      sumTensorTerms(dt, into: t)
    }
    contractTensors(scratch.tensor.pointer, edges, into: sources.geometry.harmonicsGradient(of: i))
    scratch.addLengthTerms(count: edges.count, to: sources.geometry.lengthGradient(of: i))
  }

  /// One path of one edge: adds dE/dr of the edge and writes dE/dt, both still to be summed over lanes. Where sums of
  /// whole lanes would not fit into the registers, the halves of all lanes pass one after the other: 4 % of the messages
  /// with AVX2.
  @inline(__always)
  private func propagate<let components: Int>(
    _ width: InlineArray<components, T>, _ p: Int, _ path: Path, _ x: UnsafePointer<T>,
    _ dx: UnsafeMutablePointer<T>, _ r: UnsafePointer<T>, _ dr: UnsafePointer<T>, _ t: UnsafePointer<T>,
    _ dt: UnsafeMutablePointer<T.Lanes>, _ dm: UnsafePointer<T>, _ stride: Int,
    _ slope: UnsafeMutablePointer<T>
  ) {
    if components == 1 || Registers.heldLanes >= 32 {
      propagate(width, T.Lanes.self, 0, p, path, x, dx, r, dr, t, dt, dm, stride, slope)
    } else {
      for half in Swift.stride(from: 0, to: T.Lanes.scalarCount, by: T.HalfLanes.scalarCount) {
        propagate(width, T.HalfLanes.self, half, p, path, x, dx, r, dr, t, dt, dm, stride, slope)
      }
    }
  }

  @inline(__always)
  private func propagate<let components: Int, V: LaneVector>(
    _: InlineArray<components, T>, _: V.Type, _ first: Int, _ p: Int, _ path: Path, _ x: UnsafePointer<T>,
    _ dx: UnsafeMutablePointer<T>, _ r: UnsafePointer<T>, _ dr: UnsafePointer<T>, _ t: UnsafePointer<T>,
    _ dt: UnsafeMutablePointer<T.Lanes>, _ dm: UnsafePointer<T>, _ stride: Int,
    _ slope: UnsafeMutablePointer<T>
  ) where V.Scalar == T {
    let rp = r + p &* channels
    let drp = dr + p &* channels
    let lanes = T.Lanes.scalarCount
    var rise: V = slope.vector(first)
    for m1 in 0..<(2 &* path.l1 &+ 1) {
      let tensor = path.tensor &+ m1 &* components
      // In locals: the compiler cannot tell that dx does not overlap them.
      let coupled = InlineArray<components, V> { V(repeating: t[tensor &+ $0]) }
      var sum = InlineArray<components, V>(repeating: V(repeating: 0))
      var c = first
      while c < channels {
        let rc: V = rp.vector(c)
        let xc: V = x.vector(m1 &* channels &+ c)
        let rx = rc * xc
        var s = V(repeating: 0)
        for m in 0..<components {
          let d: V = dm.vector(m &* stride &+ c)
          s.addProduct(d, coupled[m])
          sum[m].addProduct(rx, d)
        }
        rise.addProduct(drp.vector(c) * xc, s)
        let g: V = dx.vector(m1 &* channels &+ c)
        dx.setVector(m1 &* channels &+ c, g.addingProduct(rc, s))
        c &+= lanes
      }
      let target = dt.numbers(tensor) + first
      for m in 0..<components { target.setVector(m &* lanes, sum[m]) }
    }
    slope.setVector(first, rise)
  }
}
