// Symmetric contraction: polynomials B_L of the messages A, up to third order, equivariant under rotations
// (MACE, arXiv 2206.07697, eq. 10-11), in the basis of coupled pairs (Model.Contraction):
//   Q_a = sum A A              Q(l1, l2; l12): coupled pairs, no weights, shared by all outputs
//   V_b = sum_terms w3 Q_a     one for each (l12, l3, L)
//   B_L = w1 A_L + sum w2 Q(l1, l2; L) + sum w3j V A_l3.
// Each arrow is bilinear with constant coefficients: one sparse program, z_k = sum coefficient x_i y_j, run with
// channels in SIMD lanes; its adjoint is again such a program. Weights depend on the element and the channel.

import Equivariant
import Kernels

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

  /// Adds to `z` one lane of channels for every k.
  @inline(__always)
  func run(
    _ x: UnsafePointer<T.Lanes>, _ y: UnsafePointer<T.Lanes>, addingTo z: UnsafeMutablePointer<T.Lanes>
  ) {
    entries.withUnsafeBufferPointer { entries in
      offsets.withUnsafeBufferPointer { offsets in
        for k in 0..<(offsets.count &- 1) {
          var sum = z[k]
          for n in Int(offsets[k])..<Int(offsets[k &+ 1]) {
            let e = entries[n]
            sum.addProduct(x[Int(e.i)] * T.Lanes(repeating: e.coefficient), y[Int(e.j)])
          }
          z[k] = sum
        }
      }
    }
  }
}

/// The contractions of one layer, all outputs L together.
struct SymmetricContraction<T: KernelScalar> {
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

  /// Scratch of one thread: one lane of channels for every component.
  final class Scratch {
    /// With a last component 1, an absent factor of the rounding terms.
    let a: Workspace<T.Lanes>
    let q: Workspace<T.Lanes>
    let v: Workspace<T.Lanes>
    let b: Workspace<T.Lanes>
    let da: Workspace<T.Lanes>
    let dq: Workspace<T.Lanes>
    let dv: Workspace<T.Lanes>

    init(_ c: SymmetricContraction) {
      func lanes(_ count: Int) -> Workspace<T.Lanes> {
        Workspace(capacity: count)
      }
      a = lanes(c.inputs + 1)
      a.pointer[c.inputs] = T.Lanes(repeating: 1)
      q = lanes(c.pairComponents)
      v = lanes(c.mixedComponents)
      b = lanes(c.outputs)
      da = lanes(c.inputs + 1)
      dq = lanes(c.pairComponents)
      dv = lanes(c.mixedComponents)
    }
  }

  @inline(__always)
  private func mix(
    _ terms: [WeightedTerm], _ w: UnsafePointer<T>, _ x: UnsafePointer<T.Lanes>,
    addingTo y: UnsafeMutablePointer<T.Lanes>
  ) {
    for t in terms {
      let weight = w.lanes(t.weight &* channels)
      for m in 0..<t.components { y[t.target &+ m].addProduct(weight, x[t.source &+ m]) }
    }
  }

  @inline(__always)
  private func mixAdjoint(
    _ terms: [WeightedTerm], _ w: UnsafePointer<T>, _ dy: UnsafePointer<T.Lanes>,
    addingTo dx: UnsafeMutablePointer<T.Lanes>
  ) {
    for t in terms {
      let weight = w.lanes(t.weight &* channels)
      for m in 0..<t.components { dx[t.source &+ m].addProduct(weight, dy[t.target &+ m]) }
    }
  }

  /// Q and V of one lane of channels.
  @inline(__always)
  private func couple(_ w: UnsafePointer<T>, _ s: Scratch) {
    let zero = T.Lanes(repeating: 0)
    s.q.fill(zero, count: pairComponents)
    s.v.fill(zero, count: mixedComponents)
    pairs.run(s.a.pointer, s.a.pointer, addingTo: s.q.pointer)
    mix(mixing, w, s.q.pointer, addingTo: s.v.pointer)
  }

  /// One lane of channels of all components of one atom.
  @inline(__always)
  private func load(
    _ x: Features<T>, _ atom: Int, _ lmax: Int, _ c: Int, into y: UnsafeMutablePointer<T.Lanes>
  ) {
    for l in 0...lmax {
      let xl = x.degree(l) + (atom &* (2 &* l &+ 1) &* channels &+ c)
      for m in 0..<(2 &* l &+ 1) { y[l &* l &+ m] = xl.lanes(m &* channels) }
    }
  }

  @inline(__always)
  private func store(_ y: UnsafePointer<T.Lanes>, _ x: Features<T>, _ atom: Int, _ lmax: Int, _ c: Int) {
    for l in 0...lmax {
      let xl = x.degree(l) + (atom &* (2 &* l &+ 1) &* channels &+ c)
      for m in 0..<(2 &* l &+ 1) { xl.setLanes(m &* channels, y[l &* l &+ m]) }
    }
  }

  /// B of one atom: atom `i` of `a` becomes atom `k` of `b`.
  func forward(species: Int, a: Features<T>, _ i: Int, b: Features<T>, _ k: Int, scratch s: Scratch) {
    var c = 0
    while c < channels {
      let w = UnsafePointer(weights.pointer + (species &* weightCount &* channels &+ c))
      load(a, i, lmax, c, into: s.a.pointer)
      couple(w, s)
      let zero = T.Lanes(repeating: 0)
      s.b.fill(zero, count: outputs)
      mix(linear, w, s.a.pointer, addingTo: s.b.pointer)
      mix(quadratic, w, s.q.pointer, addingTo: s.b.pointer)
      cubic.run(s.v.pointer, s.a.pointer, addingTo: s.b.pointer)
      rounding?.forward(species: species, channel: c, a: s.a.pointer, addingTo: s.b.pointer)
      store(s.b.pointer, b, k, outputLmax, c)
      c &+= T.Lanes.scalarCount
    }
  }

  /// dE/dA of one atom from dE/dB; recomputes the coupled pairs. Gradients are those of atom `k` of their blocks.
  func adjoint(
    species: Int, a: Features<T>, _ i: Int, bGradient: Features<T>, aGradient: Features<T>, _ k: Int,
    scratch s: Scratch
  ) {
    var c = 0
    while c < channels {
      let w = UnsafePointer(weights.pointer + (species &* weightCount &* channels &+ c))
      load(a, i, lmax, c, into: s.a.pointer)
      load(bGradient, k, outputLmax, c, into: s.b.pointer)
      couple(w, s)
      let zero = T.Lanes(repeating: 0)
      s.da.fill(zero, count: inputs)
      s.dq.fill(zero, count: pairComponents)
      s.dv.fill(zero, count: mixedComponents)
      mixAdjoint(linear, w, s.b.pointer, addingTo: s.da.pointer)
      mixAdjoint(quadratic, w, s.b.pointer, addingTo: s.dq.pointer)
      cubicAdjointMixed.run(s.b.pointer, s.a.pointer, addingTo: s.dv.pointer)
      cubicAdjointInput.run(s.b.pointer, s.v.pointer, addingTo: s.da.pointer)
      mixAdjoint(mixing, w, s.dv.pointer, addingTo: s.dq.pointer)
      pairsAdjoint.run(s.dq.pointer, s.a.pointer, addingTo: s.da.pointer)
      rounding?.adjoint(
        species: species, channel: c, a: s.a.pointer, bGradient: s.b.pointer, addingTo: s.da.pointer)
      store(s.da.pointer, aGradient, k, lmax, c)
      c &+= T.Lanes.scalarCount
    }
  }
}
