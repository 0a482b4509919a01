// Symmetric contraction: polynomials B_L of the messages A, up to third order, equivariant under rotations
// (MACE, arXiv 2206.07697, eq. 10-11), in the basis of coupled pairs (Model.Contraction):
//   Q_a = sum A A              Q(l1, l2; l12): coupled pairs, no weights, shared by all outputs
//   V_b = sum_terms w3 Q_a     one for each (l12, l3, L)
//   B_L = w1 A_L + sum w2 Q(l1, l2; L) + sum w3j V A_l3.
// Each arrow is bilinear with constant coefficients: one sparse program, z_k = sum coefficient x_i y_j, run with
// channels in SIMD lanes; its adjoint is again such a program. Weights depend on the element and the channel.

import Kernels

/// z_k = (or +=) sum over entries of coefficient * x_i * y_j, entries grouped by k.
struct BilinearProgram<T: KernelScalar> {
  private struct Entry {
    let i: Int32
    let j: Int32
    let coefficient: T
  }

  private let offsets: [Int32]
  private let entries: [Entry]
  var entryCount: Int { entries.count }

  init(_ terms: BilinearTerms) {
    offsets = terms.offsets.map { Int32($0) }
    entries = terms.entries.map {
      Entry(i: Int32($0.i), j: Int32($0.j), coefficient: T($0.coefficient))
    }
  }

  /// Adds to `z` as many lanes of channels for every k as the unused first argument has elements.
  @inline(__always)
  func run<let lanes: Int>(
    _: InlineArray<lanes, Int8>, _ x: UnsafePointer<T.Lanes>, _ y: UnsafePointer<T.Lanes>,
    addingTo z: UnsafeMutablePointer<T.Lanes>
  ) {
    entries.withUnsafeBufferPointer { entries in
      offsets.withUnsafeBufferPointer { offsets in
        for k in 0..<(offsets.count &- 1) {
          var sum = InlineArray<lanes, T.Lanes> { z[k &* lanes &+ $0] }
          for n in Int(offsets[k])..<Int(offsets[k &+ 1]) {
            let e = entries[n]
            let coefficient = T.Lanes(repeating: e.coefficient)
            let (xi, yj) = (x + Int(e.i) &* lanes, y + Int(e.j) &* lanes)
            for v in 0..<lanes { sum[v].addProduct(xi[v] * coefficient, yj[v]) }
          }
          for v in 0..<lanes { z[k &* lanes &+ v] = sum[v] }
        }
      }
    }
  }
}

/// The contractions of one layer, all outputs L together.
final class SymmetricContraction<T: KernelScalar> {
  typealias WeightedTerm = ContractionPrograms.WeightedTerm

  let channels: Int
  let lmax: Int
  let outputLmax: Int
  let inputs: Int
  let pairComponents: Int
  let mixedComponents: Int
  let outputs: Int

  private let pairs: BilinearProgram<T>  // Q from (A, A)
  let mixing: [WeightedTerm]  // V from w3, Q
  private let cubic: BilinearProgram<T>  // B from (V, A)
  let quadratic: [WeightedTerm]  // B from w2, Q
  let linear: [WeightedTerm]  // B from w1, A

  private let pairsAdjoint: BilinearProgram<T>  // dA from (dQ, A)
  let cubicAdjointMixed: BilinearProgram<T>  // dV from (dB, A)
  private let cubicAdjointInput: BilinearProgram<T>  // dA from (dB, V)

  private let rounding: ContractionRounding<T>?
  /// In place of the programs where outputs are scalars.
  private let scalars: ScalarContraction<T>?

  /// [species][weight][channel].
  let weights: Workspace<T>
  let weightCount: Int

  /// - Parameter channels: padded to whole lanes.
  init(_ programs: ContractionPrograms, channels: Int) {
    self.channels = channels
    lmax = programs.lmax
    outputLmax = programs.outputLmax
    inputs = programs.inputs
    pairComponents = programs.pairComponents
    mixedComponents = programs.mixedComponents
    outputs = programs.outputs
    pairs = BilinearProgram(programs.pairs)
    mixing = programs.mixing
    cubic = BilinearProgram(programs.cubic)
    quadratic = programs.quadratic
    linear = programs.linear
    pairsAdjoint = BilinearProgram(programs.pairsAdjoint)
    cubicAdjointMixed = BilinearProgram(programs.cubicAdjointMixed)
    cubicAdjointInput = BilinearProgram(programs.cubicAdjointInput)
    rounding = programs.rounding.map { ContractionRounding($0, channels: channels) }
    scalars = programs.scalars.map {
      ScalarContraction($0, weights: programs.weights, lmax: programs.lmax, channels: channels)
    }
    weightCount = programs.weights[0].rows
    weights = Workspace(repeating: 0, count: programs.weights.count * weightCount * channels)
    for (s, matrix) in programs.weights.enumerated() {
      for w in 0..<weightCount {
        let row = weights.pointer + (s * weightCount + w) * channels
        for c in 0..<matrix.columns { row[c] = T(matrix[w, c]) }
      }
    }
  }

  /// Floating-point operations of an atom, the adjoint included, without the rounding terms.
  var operations: Int {
    if let scalars { return scalars.operations }
    let programs = [pairs, pairs, cubic, pairsAdjoint, cubicAdjointMixed, cubicAdjointInput]
    let terms = [mixing, mixing, mixing, quadratic, quadratic, linear, linear]
    let sums = terms.joined().reduce(0) { $0 + $1.components }
    return channels * (3 * programs.reduce(0) { $0 + $1.entryCount } + 2 * sums)
  }

  /// Most lanes of channels that pass through the programs together: each entry is read once for all of them, and
  /// their sums do not wait for one another.
  private static var bundle: Int { 4 }

  /// Scratch of one thread: [component][lane of channels].
  final class Scratch {
    /// With room for a last component 1, an absent factor of the rounding terms.
    let a: Workspace<T.Lanes>
    let q: Workspace<T.Lanes>
    let v: Workspace<T.Lanes>
    let b: Workspace<T.Lanes>
    let da: Workspace<T.Lanes>
    let dq: Workspace<T.Lanes>
    let dv: Workspace<T.Lanes>

    var bytes: Double { [a, q, v, b, da, dq, dv].reduce(0) { $0 + $1.bytes } }

    init(_ c: SymmetricContraction) {
      func lanes(_ count: Int) -> Workspace<T.Lanes> { Workspace(capacity: count * bundle) }
      a = Workspace(capacity: (c.inputs + 1) * max(bundle, ScalarContraction<T>.bundle))
      q = lanes(c.pairComponents)
      v = lanes(c.mixedComponents)
      b = lanes(c.outputs)
      da = lanes(c.inputs + 1)
      dq = lanes(c.pairComponents)
      dv = lanes(c.mixedComponents)
    }
  }

  /// y <- y + w x for every term; `lanes` as in `BilinearProgram.run`.
  @inline(__always)
  private func mix<let lanes: Int>(
    _: InlineArray<lanes, Int8>, _ terms: [WeightedTerm], _ w: UnsafePointer<T>, _ x: UnsafePointer<T.Lanes>,
    addingTo y: UnsafeMutablePointer<T.Lanes>
  ) {
    for t in terms {
      for v in 0..<lanes {
        let weight = w.lanes(t.weight &* channels &+ v &* T.Lanes.scalarCount)
        for m in 0..<t.components {
          y[(t.target &+ m) &* lanes &+ v].addProduct(weight, x[(t.source &+ m) &* lanes &+ v])
        }
      }
    }
  }

  @inline(__always)
  private func mixAdjoint<let lanes: Int>(
    _: InlineArray<lanes, Int8>, _ terms: [WeightedTerm], _ w: UnsafePointer<T>, _ dy: UnsafePointer<T.Lanes>,
    addingTo dx: UnsafeMutablePointer<T.Lanes>
  ) {
    for t in terms {
      for v in 0..<lanes {
        let weight = w.lanes(t.weight &* channels &+ v &* T.Lanes.scalarCount)
        for m in 0..<t.components {
          dx[(t.source &+ m) &* lanes &+ v].addProduct(weight, dy[(t.target &+ m) &* lanes &+ v])
        }
      }
    }
  }

  /// Q and V.
  @inline(__always)
  func couple<let lanes: Int>(
    _ bundle: InlineArray<lanes, Int8>, _ w: UnsafePointer<T>, _ s: Scratch
  ) {
    clear(bundle, s.q, pairComponents)
    clear(bundle, s.v, mixedComponents)
    pairs.run(bundle, s.a.pointer, s.a.pointer, addingTo: s.q.pointer)
    mix(bundle, mixing, w, s.q.pointer, addingTo: s.v.pointer)
  }

  @inline(__always)
  func clear<let lanes: Int>(
    _: InlineArray<lanes, Int8>, _ memory: Workspace<T.Lanes>, _ components: Int
  ) {
    memory.fill(T.Lanes(repeating: 0), count: components &* lanes)
  }

  /// All components of one atom, channels from `c` on.
  @inline(__always)
  func load<let lanes: Int>(
    _: InlineArray<lanes, Int8>, _ x: Features<T>, _ atom: Int, _ lmax: Int, _ c: Int,
    into y: UnsafeMutablePointer<T.Lanes>
  ) {
    for l in 0...lmax {
      let xl = x.row(l, atom) + c
      for m in 0..<(2 &* l &+ 1) {
        for v in 0..<lanes {
          y[(l &* l &+ m) &* lanes &+ v] = xl.lanes(m &* channels &+ v &* T.Lanes.scalarCount)
        }
      }
    }
  }

  @inline(__always)
  private func store<let lanes: Int>(
    _: InlineArray<lanes, Int8>, _ y: UnsafePointer<T.Lanes>, _ x: Features<T>, _ atom: Int, _ lmax: Int,
    _ c: Int
  ) {
    for l in 0...lmax {
      let xl = x.row(l, atom) + c
      for m in 0..<(2 &* l &+ 1) {
        for v in 0..<lanes {
          xl.setLanes(m &* channels &+ v &* T.Lanes.scalarCount, y[(l &* l &+ m) &* lanes &+ v])
        }
      }
    }
  }

  /// Whether dB/dA takes the place of A.
  var replacesMessages: Bool { scalars != nil }

  /// B of neighbouring atoms of one species: the first of `atoms` becomes atom 0 of `b`. Of a scalar B, dB/dA takes the place
  /// of A.
  func forward(
    species: Int, a: Features<T>, _ atoms: Range<Int>, b: Features<T>, scratch s: Scratch
  ) {
    if let scalars { return scalars.forward(species: species, a: a, atoms, b: b, s.a.pointer.numbers(0)) }
    for i in atoms {
      let k = i &- atoms.lowerBound
      forEachBundle { c, lanes in
        switch lanes {
        case 4: forward(InlineArray<4, Int8>(repeating: 0), c, species, a, i, b, k, s)
        case 2: forward(InlineArray<2, Int8>(repeating: 0), c, species, a, i, b, k, s)
        default: forward(InlineArray<1, Int8>(repeating: 0), c, species, a, i, b, k, s)
        }
      }
    }
  }

  /// Calls `body` with the first channel of every bundle and its number of lanes: 4, 2 or 1.
  @inline(__always)
  func forEachBundle(_ body: (_ c: Int, _ lanes: Int) -> Void) {
    var c = 0
    while c < channels {
      let left = (channels &- c) / T.Lanes.scalarCount
      let lanes = left >= Self.bundle ? Self.bundle : left >= 2 ? 2 : 1
      body(c, lanes)
      c &+= lanes &* T.Lanes.scalarCount
    }
  }

  /// Channels from `c` on.
  @inline(__always)
  private func forward<let lanes: Int>(
    _ bundle: InlineArray<lanes, Int8>, _ c: Int, _ species: Int, _ a: Features<T>, _ i: Int,
    _ b: Features<T>,
    _ k: Int, _ s: Scratch
  ) {
    let w = UnsafePointer(weights.pointer + (species &* weightCount &* channels &+ c))
    load(bundle, a, i, lmax, c, into: s.a.pointer)
    couple(bundle, w, s)
    clear(bundle, s.b, outputs)
    mix(bundle, linear, w, s.a.pointer, addingTo: s.b.pointer)
    mix(bundle, quadratic, w, s.q.pointer, addingTo: s.b.pointer)
    cubic.run(bundle, s.v.pointer, s.a.pointer, addingTo: s.b.pointer)
    rounding?.forward(bundle, species: species, channel: c, a: s.a.pointer, addingTo: s.b.pointer)
    store(bundle, s.b.pointer, b, k, outputLmax, c)
  }

  /// dE/dA of neighbouring atoms from dE/dB; recomputes the coupled pairs. `a` is as `forward` left it, gradients are those of
  /// atoms from 0 on.
  func adjoint(
    species: Int, a: Features<T>, _ atoms: Range<Int>, bGradient: Features<T>, aGradient: Features<T>,
    scratch s: Scratch
  ) {
    if let scalars {
      return scalars.adjoint(gradient: a, atoms, bGradient: bGradient, aGradient: aGradient)
    }
    for i in atoms {
      let k = i &- atoms.lowerBound
      forEachBundle { c, lanes in
        switch lanes {
        case 4: adjoint(InlineArray<4, Int8>(repeating: 0), c, species, a, i, bGradient, aGradient, k, s)
        case 2: adjoint(InlineArray<2, Int8>(repeating: 0), c, species, a, i, bGradient, aGradient, k, s)
        default: adjoint(InlineArray<1, Int8>(repeating: 0), c, species, a, i, bGradient, aGradient, k, s)
        }
      }
    }
  }

  /// Channels from `c` on.
  @inline(__always)
  private func adjoint<let lanes: Int>(
    _ bundle: InlineArray<lanes, Int8>, _ c: Int, _ species: Int, _ a: Features<T>, _ i: Int,
    _ bGradient: Features<T>, _ aGradient: Features<T>, _ k: Int, _ s: Scratch
  ) {
    let w = UnsafePointer(weights.pointer + (species &* weightCount &* channels &+ c))
    load(bundle, a, i, lmax, c, into: s.a.pointer)
    load(bundle, bGradient, k, outputLmax, c, into: s.b.pointer)
    couple(bundle, w, s)
    clear(bundle, s.da, inputs)
    clear(bundle, s.dq, pairComponents)
    clear(bundle, s.dv, mixedComponents)
    mixAdjoint(bundle, linear, w, s.b.pointer, addingTo: s.da.pointer)
    mixAdjoint(bundle, quadratic, w, s.b.pointer, addingTo: s.dq.pointer)
    cubicAdjointMixed.run(bundle, s.b.pointer, s.a.pointer, addingTo: s.dv.pointer)
    cubicAdjointInput.run(bundle, s.b.pointer, s.v.pointer, addingTo: s.da.pointer)
    mixAdjoint(bundle, mixing, w, s.dv.pointer, addingTo: s.dq.pointer)
    pairsAdjoint.run(bundle, s.dq.pointer, s.a.pointer, addingTo: s.da.pointer)
    rounding?.adjoint(
      bundle, species: species, channel: c, a: s.a.pointer, bGradient: s.b.pointer, addingTo: s.da.pointer)
    store(bundle, s.da.pointer, aGradient, k, lmax, c)
  }
}
