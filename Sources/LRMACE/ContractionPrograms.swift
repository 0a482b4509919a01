// The symmetric contraction as sparse programs (equations in SymmetricContraction.swift): which products of components make
// the coupled pairs Q, the mixed pairs V and the outputs B, and the transposed programs of the adjoint.
//
// A component of A or B is l^2 + l + m; those of Q and V follow one another in the order in which they are first needed.

import Equivariant
import LRMACEModel

/// z_k = sum over its entries of coefficient * x_i * y_j, entries grouped by k.
struct BilinearTerms: Sendable {
  struct Entry: Sendable {
    let i: Int
    let j: Int
    var coefficient: Double
  }

  /// [k]: first entry of each group, and the end of the last.
  private(set) var offsets = [0]
  private(set) var entries: [Entry] = []

  /// Terms with the same factors become one.
  init(targets: Int, terms: [(k: Int, i: Int, j: Int, value: Double)]) {
    var merged = [[Entry]](repeating: [], count: targets)
    for t in terms {
      if let n = merged[t.k].firstIndex(where: { $0.i == t.i && $0.j == t.j }) {
        merged[t.k][n].coefficient += t.value
      } else {
        merged[t.k].append(Entry(i: t.i, j: t.j, coefficient: t.value))
      }
    }
    for group in merged {
      entries += group.filter { abs($0.coefficient) > 1e-12 }
      offsets.append(entries.count)
    }
  }
}

/// The contractions of one layer, all outputs L together.
struct ContractionPrograms: Sendable {
  /// target[k] += weight[w] * source[k], for 2 l + 1 consecutive components.
  struct WeightedTerm: BitwiseCopyable {
    let target: Int
    let source: Int
    let weight: Int
    let components: Int
  }

  let lmax: Int
  let outputLmax: Int
  /// Components of A, of all coupled pairs, of all V, and of all outputs.
  let inputs: Int
  let pairComponents: Int
  let mixedComponents: Int
  let outputs: Int

  let pairs: BilinearTerms  // Q from (A, A)
  let mixing: [WeightedTerm]  // V from w3, Q
  let cubic: BilinearTerms  // B from (V, A)
  let quadratic: [WeightedTerm]  // B from w2, Q
  let linear: [WeightedTerm]  // B from w1, A

  let pairsAdjoint: BilinearTerms  // dA from (dQ, A)
  let cubicAdjointMixed: BilinearTerms  // dV from (dB, A)
  let cubicAdjointInput: BilinearTerms  // dA from (dB, V)

  /// [species]: [weight, channel].
  private(set) var weights: [Matrix]

  /// Nil where there is none, and in single precision, which cannot see it.
  let rounding: ContractionMonomials?

  /// Of a layer whose outputs are scalars, unless there is rounding.
  let scalars: ScalarForms?

  /// - Parameter keepsMessages: A must be there after B, for gradients by weights.
  init(
    _ contractions: [Model.Contraction], lmax: Int, species: Int, channels: Int, keepsRounding: Bool,
    keepsMessages: Bool
  ) {
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
    var weightCount = 0
    func nextWeight() -> Int {
      weightCount += 1
      return weightCount - 1
    }
    for (L, contraction) in contractions.enumerated() {
      if L <= lmax {
        linear.append(WeightedTerm(target: L * L, source: L * L, weight: nextWeight(), components: 2 * L + 1))
      }
      for pair in contraction.pairs {
        let source = pairOffset(pair.l1, pair.l2, L)
        quadratic.append(
          WeightedTerm(target: L * L, source: source, weight: nextWeight(), components: 2 * L + 1))
      }
      for triple in contraction.triples {
        let source = pairOffset(triple.l1, triple.l2, triple.l12)
        let target = mixedOffset(triple.l12, triple.l3, L)
        mixing.append(
          WeightedTerm(target: target, source: source, weight: nextWeight(), components: 2 * triple.l12 + 1))
      }
    }
    self.mixing = mixing
    self.quadratic = quadratic
    self.linear = linear
    pairComponents = pairCount
    mixedComponents = mixedCount
    pairs = BilinearTerms(targets: pairCount, terms: pairTerms)
    cubic = BilinearTerms(targets: outputs, terms: cubicTerms)
    pairsAdjoint = BilinearTerms(
      targets: inputs,
      terms: pairTerms.flatMap {
        [(k: $0.i, i: $0.k, j: $0.j, value: $0.value), ($0.j, $0.k, $0.i, $0.value)]
      })
    cubicAdjointMixed = BilinearTerms(
      targets: mixedCount, terms: cubicTerms.map { (k: $0.i, i: $0.k, j: $0.j, value: $0.value) })
    cubicAdjointInput = BilinearTerms(
      targets: inputs, terms: cubicTerms.map { (k: $0.j, i: $0.k, j: $0.i, value: $0.value) })
    rounding =
      keepsRounding
      ? ContractionMonomials(contractions, one: inputs, species: species, channels: channels) : nil
    scalars =
      contractions.count == 1 && rounding == nil && !keepsMessages
      ? ScalarForms(contractions[0], one: inputs) : nil
    weights = Self.weights(contractions, lmax: lmax, species: species, channels: channels)
  }

  /// The same programs with the weights of other contractions to the same terms.
  func with(weightsOf contractions: [Model.Contraction]) -> ContractionPrograms {
    var programs = self
    programs.weights = Self.weights(
      contractions, lmax: lmax, species: weights.count, channels: weights[0].columns)
    return programs
  }

  /// In the order in which programs number them.
  private static func weights(
    _ contractions: [Model.Contraction], lmax: Int, species: Int, channels: Int
  ) -> [Matrix] {
    (0..<species).map { s in
      var values: [Double] = []
      for (L, contraction) in contractions.enumerated() {
        if L <= lmax { values += contraction.weights1.values[(s * channels)..<((s + 1) * channels)] }
        if !contraction.pairs.isEmpty { values += contraction.weights2[s].values }
        if !contraction.triples.isEmpty { values += contraction.weights3[s].values }
      }
      return Matrix(rows: values.count / channels, columns: channels, values: values)
    }
  }
}
