// Symmetric contraction: polynomials B_L of the messages A, up to third order, equivariant under rotations
// (MACE, arXiv 2206.07697, eq. 10-11), in the basis of coupled pairs (Model.Contraction):
//   Q_a = sum A A              Q(l1, l2; l12): coupled pairs, no weights, shared by all outputs
//   V_b = sum_terms w3 Q_a     one for each (l12, l3, L)
//   B_L = w1 A_L + sum w2 Q(l1, l2; L) + sum w3j V A_l3.
// Each arrow is bilinear with constant coefficients: one sparse program, z_k = sum coefficient x_i y_j, run with
// channels in SIMD lanes; its adjoint is again such a program. Weights depend on the element and the channel.

import Equivariant
import Kernels
import LRMACEModel

/// z_k = (or +=) sum over entries of coefficient * x_i * y_j, entries grouped by k.
struct BilinearProgram<T: KernelScalar> {
  struct Entry {
    let i: Int32
    let j: Int32
    let coefficient: T
  }

  private(set) var offsets: [Int32] = [0]
  private(set) var entries: [Entry] = []

  init(targets: Int, terms: [(k: Int, i: Int, j: Int, value: Double)]) {
    var merged = [[(i: Int, j: Int, value: Double)]](repeating: [], count: targets)
    for t in terms {
      if let n = merged[t.k].firstIndex(where: { $0.i == t.i && $0.j == t.j }) {
        merged[t.k][n].value += t.value
      } else {
        merged[t.k].append((t.i, t.j, t.value))
      }
    }
    for group in merged {
      for e in group where abs(e.value) > 1e-12 {
        entries.append(Entry(i: Int32(e.i), j: Int32(e.j), coefficient: T(e.value)))
      }
      offsets.append(Int32(entries.count))
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
  /// target[k] += weight[w] * source[i], for 2 l + 1 consecutive components.
  private struct WeightedTerm {
    let target: Int
    let source: Int
    let weight: Int
    let components: Int
  }

  let channels: Int
  let lmax: Int
  let outputLmax: Int
  /// Components of A, of all coupled pairs, of all V, and of all outputs.
  private let inputs: Int
  private let pairComponents: Int
  private let mixedComponents: Int
  private let outputs: Int

  private let pairs: BilinearProgram<T>  // Q from (A, A)
  private let mixing: [WeightedTerm]  // V from w3, Q
  private let cubic: BilinearProgram<T>  // B from (V, A)
  private let quadratic: [WeightedTerm]  // B from w2, Q
  private let linear: [WeightedTerm]  // B from w1, A

  private let pairsAdjoint: BilinearProgram<T>  // dA from (dQ, A)
  private let cubicAdjointMixed: BilinearProgram<T>  // dV from (dB, A)
  private let cubicAdjointInput: BilinearProgram<T>  // dA from (dB, V)

  /// Nil in single precision, which cannot see it.
  private let rounding: ContractionRounding<T>?

  /// [species][weight][channel].
  private let weights: Workspace<T>
  private let weightCount: Int

  init(_ contractions: [Model.Contraction], lmax: Int, species: Int, channels: Int, paddedChannels: Int) {
    self.channels = paddedChannels
    self.lmax = lmax
    outputLmax = contractions.count - 1
    inputs = (lmax + 1) * (lmax + 1)
    outputs = contractions.count * contractions.count

    // Keys: [l1, l2, l12] and [l12, l3, L].
    var pairOffsets: [[Int]: Int] = [:]
    var mixedOffsets: [[Int]: Int] = [:]
    var pairTerms: [(k: Int, i: Int, j: Int, value: Double)] = []
    var cubicTerms: [(k: Int, i: Int, j: Int, value: Double)] = []
    var (pairCount, mixedCount) = (0, 0)

    func pairOffset(_ l1: Int, _ l2: Int, _ l12: Int) -> Int {
      let key = [l1, l2, l12]
      if let known = pairOffsets[key] { return known }
      let offset = pairCount
      for e in Wigner3j(l1, l2, l12).entries {
        let (a, b) = (l1 * l1 + e.m1, l2 * l2 + e.m2)
        pairTerms.append((offset + e.m3, min(a, b), max(a, b), e.value))
      }
      pairOffsets[key] = offset
      pairCount += 2 * l12 + 1
      return offset
    }
    func mixedOffset(_ l12: Int, _ l3: Int, _ L: Int) -> Int {
      let key = [l12, l3, L]
      if let known = mixedOffsets[key] { return known }
      let offset = mixedCount
      for e in Wigner3j(l12, l3, L).entries {
        cubicTerms.append((L * L + e.m3, offset + e.m1, l3 * l3 + e.m2, e.value))
      }
      mixedOffsets[key] = offset
      mixedCount += 2 * l12 + 1
      return offset
    }

    var (mixing, quadratic, linear): ([WeightedTerm], [WeightedTerm], [WeightedTerm]) = ([], [], [])
    var rows: [(Int) -> ArraySlice<Double>] = []  // weight -> its channels for a species
    for (L, contraction) in contractions.enumerated() {
      if L <= lmax {
        linear.append(WeightedTerm(target: L * L, source: L * L, weight: rows.count, components: 2 * L + 1))
        rows.append { s in contraction.weights1.values[(s * channels)..<((s + 1) * channels)] }
      }
      for (n, pair) in contraction.pairs.enumerated() {
        let source = pairOffset(pair.l1, pair.l2, L)
        quadratic.append(
          WeightedTerm(target: L * L, source: source, weight: rows.count, components: 2 * L + 1))
        rows.append { s in contraction.weights2[s].values[(n * channels)..<((n + 1) * channels)] }
      }
      for (n, triple) in contraction.triples.enumerated() {
        let source = pairOffset(triple.l1, triple.l2, triple.l12)
        let target = mixedOffset(triple.l12, triple.l3, L)
        mixing.append(
          WeightedTerm(target: target, source: source, weight: rows.count, components: 2 * triple.l12 + 1))
        rows.append { s in contraction.weights3[s].values[(n * channels)..<((n + 1) * channels)] }
      }
    }
    self.mixing = mixing
    self.quadratic = quadratic
    self.linear = linear
    pairComponents = pairCount
    mixedComponents = mixedCount
    pairs = BilinearProgram(targets: pairCount, terms: pairTerms)
    cubic = BilinearProgram(targets: outputs, terms: cubicTerms)
    pairsAdjoint = BilinearProgram(
      targets: inputs,
      terms: pairTerms.flatMap {
        [(k: $0.i, i: $0.k, j: $0.j, value: $0.value), ($0.j, $0.k, $0.i, $0.value)]
      })
    cubicAdjointMixed = BilinearProgram(
      targets: mixedCount, terms: cubicTerms.map { (k: $0.i, i: $0.k, j: $0.j, value: $0.value) })
    cubicAdjointInput = BilinearProgram(
      targets: inputs, terms: cubicTerms.map { (k: $0.j, i: $0.k, j: $0.i, value: $0.value) })

    rounding =
      T.self == Double.self
      ? ContractionRounding(
        contractions, one: inputs, species: species, channels: channels, paddedChannels: paddedChannels) : nil

    weightCount = rows.count
    weights = Workspace<T>(repeating: 0, count: species * rows.count * paddedChannels)
    for s in 0..<species {
      for (w, row) in rows.enumerated() {
        for (c, value) in row(s).enumerated() {
          weights.pointer[(s * rows.count + w) * paddedChannels + c] = T(value)
        }
      }
    }
  }

  /// Floating-point operations of an atom, the adjoint included, without the rounding terms.
  var operations: Int {
    let programs = [pairs, pairs, cubic, pairsAdjoint, cubicAdjointMixed, cubicAdjointInput]
    let terms = [mixing, mixing, mixing, quadratic, quadratic, linear, linear]
    let sums = terms.joined().reduce(0) { $0 + $1.components }
    return channels * (3 * programs.reduce(0) { $0 + $1.entries.count } + 2 * sums)
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
      a = lanes(c.inputs + 1)
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
  private func couple<let lanes: Int>(
    _ bundle: InlineArray<lanes, Int8>, _ w: UnsafePointer<T>, _ s: Scratch
  ) {
    clear(bundle, s.q, pairComponents)
    clear(bundle, s.v, mixedComponents)
    pairs.run(bundle, s.a.pointer, s.a.pointer, addingTo: s.q.pointer)
    mix(bundle, mixing, w, s.q.pointer, addingTo: s.v.pointer)
  }

  @inline(__always)
  private func clear<let lanes: Int>(
    _: InlineArray<lanes, Int8>, _ memory: Workspace<T.Lanes>, _ components: Int
  ) {
    memory.fill(T.Lanes(repeating: 0), count: components &* lanes)
  }

  /// All components of one atom, channels from `c` on.
  @inline(__always)
  private func load<let lanes: Int>(
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

  /// B of one atom: atom `i` of `a` becomes atom `k` of `b`.
  func forward(species: Int, a: Features<T>, _ i: Int, b: Features<T>, _ k: Int, scratch s: Scratch) {
    forEachBundle { c, lanes in
      switch lanes {
      case 4: forward(InlineArray<4, Int8>(repeating: 0), c, species, a, i, b, k, s)
      case 2: forward(InlineArray<2, Int8>(repeating: 0), c, species, a, i, b, k, s)
      default: forward(InlineArray<1, Int8>(repeating: 0), c, species, a, i, b, k, s)
      }
    }
  }

  /// Calls `body` with the first channel of every bundle and its number of lanes: 4, 2 or 1.
  @inline(__always)
  private func forEachBundle(_ body: (_ c: Int, _ lanes: Int) -> Void) {
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

  /// dE/dA of one atom from dE/dB; recomputes the coupled pairs. Gradients are those of atom `k` of their blocks.
  func adjoint(
    species: Int, a: Features<T>, _ i: Int, bGradient: Features<T>, aGradient: Features<T>, _ k: Int,
    scratch s: Scratch
  ) {
    forEachBundle { c, lanes in
      switch lanes {
      case 4: adjoint(InlineArray<4, Int8>(repeating: 0), c, species, a, i, bGradient, aGradient, k, s)
      case 2: adjoint(InlineArray<2, Int8>(repeating: 0), c, species, a, i, bGradient, aGradient, k, s)
      default: adjoint(InlineArray<1, Int8>(repeating: 0), c, species, a, i, bGradient, aGradient, k, s)
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
