// Which coupled pairs and triples make a basis of the symmetric contraction to degree L, and how MACE's couplings lie in it.
//
// MACE (arXiv 2206.07697, eq. 10-11) has one weight for every way to couple A_l1, A_l2 (and A_l3) to L, normalised as
//   sqrt((2 l12 + 1)(2 L + 1)) w3j(l1, l2, l12) w3j(l12, l3, L);
// once symmetrised they depend on each other (l_max 3, L = 0: 23 triples of rank 8). Bloch has independent ones
// (Model.Contraction). Written in them, n MACE weights of variance 1/n^2 give weight t the deviation |x_t| / n, where row t of
// X holds the coordinates of MACE's couplings. Couplings of natural parity alone are counted.

import Equivariant

struct ContractionBasis {
  let pairs: [Model.Contraction.Pair]
  let triples: [Model.Contraction.Triple]
  /// |x_t| of each, and n.
  let pairNorms: [Double]
  let tripleNorms: [Double]
  let pairCount: Int
  let tripleCount: Int

  /// - Parameter isScalarOnly: L = 0 is all that is wanted: even l12 then need the fewest products.
  init(lmax: Int, L: Int, isScalarOnly: Bool) {
    let all = Self.triples(lmax: lmax, L: L)
    // Small l12 are cheap and share their products between several L.
    let candidates = all.filter { $0.l1 <= $0.l2 }.sorted { a, b in
      func order(_ t: Model.Contraction.Triple) -> [Int] {
        [isScalarOnly ? t.l12 % 2 : 0, t.l12, t.l3, t.l1 == t.l2 ? 0 : 1, t.l1, t.l2]
      }
      return order(a).lexicographicallyPrecedes(order(b))
    }
    var basis = OrthogonalBasis()
    let triples = candidates.filter { basis.insert(Self.polynomial($0, L, lmax: lmax)) }
    self.init(
      pairs: Self.pairs(lmax: lmax, L: L).filter { $0.l1 <= $0.l2 }, triples: triples, basis: basis,
      lmax: lmax, L: L)
  }

  /// With the pairs and triples that a contraction has.
  init(of contraction: Model.Contraction, lmax: Int, L: Int) {
    var basis = OrthogonalBasis()
    let independent = contraction.triples.filter { basis.insert(Self.polynomial($0, L, lmax: lmax)) }
    self.init(
      pairs: contraction.pairs, triples: contraction.triples,
      basis: independent.count == contraction.triples.count ? basis : nil, lmax: lmax, L: L)
  }

  /// - Parameter basis: of the triples; nil where they depend on each other, and norms are those of couplings.
  private init(
    pairs: [Model.Contraction.Pair], triples: [Model.Contraction.Triple], basis: OrthogonalBasis?, lmax: Int,
    L: Int
  ) {
    (self.pairs, self.triples) = (pairs, triples)
    // (l1, l2) and (l2, l1) are the same polynomial.
    pairNorms = pairs.map { (Double(2 * L + 1) * ($0.l1 == $0.l2 ? 1 : 2)).squareRoot() }
    pairCount = Self.pairs(lmax: lmax, L: L).count
    let all = Self.triples(lmax: lmax, L: L)
    tripleCount = all.count
    var squares = [Double](repeating: 0, count: triples.count)
    func square(_ t: Model.Contraction.Triple) -> Double { Double((2 * t.l12 + 1) * (2 * L + 1)) }
    guard let basis else {
      tripleNorms = triples.map { square($0).squareRoot() }
      return
    }
    for triple in all where !triples.isEmpty {
      let coordinates = basis.coordinates(of: Self.polynomial(triple, L, lmax: lmax))
      for (t, x) in coordinates.enumerated() { squares[t] += square(triple) * x * x }
    }
    tripleNorms = squares.map { $0.squareRoot() }
  }

  private static func pairs(lmax: Int, L: Int) -> [Model.Contraction.Pair] {
    (0...lmax).flatMap { l1 in
      (0...lmax).filter { couples(l1, $0, L) }.map { Model.Contraction.Pair(l1: l1, l2: $0) }
    }
  }

  private static func triples(lmax: Int, L: Int) -> [Model.Contraction.Triple] {
    (0...2 * lmax).flatMap { l12 in
      (0...lmax).filter { couples(l12, $0, L) }.flatMap { l3 in
        pairs(lmax: lmax, L: l12).map { Model.Contraction.Triple(l1: $0.l1, l2: $0.l2, l12: l12, l3: l3) }
      }
    }
  }

  /// Whether l3 is in the product of l1 and l2, with natural parity.
  private static func couples(_ l1: Int, _ l2: Int, _ l3: Int) -> Bool {
    abs(l1 - l2) <= l3 && l3 <= l1 + l2 && (l1 + l2 + l3) % 2 == 0
  }

  /// The component M = -L of a triple's coupling: the coefficient of every monomial of (lmax + 1)^2 components.
  private static func polynomial(_ t: Model.Contraction.Triple, _ L: Int, lmax: Int) -> [Double] {
    let n = (lmax + 1) * (lmax + 1)
    var polynomial = [Double](repeating: 0, count: n * (n + 1) * (n + 2) / 6)
    let outer = Wigner3j(t.l12, t.l3, L).entries.filter { $0.m3 == 0 }
    for inner in Wigner3j(t.l1, t.l2, t.l12).entries {
      for e in outer where e.m1 == inner.m3 {
        let f = [t.l1 * t.l1 + inner.m1, t.l2 * t.l2 + inner.m2, t.l3 * t.l3 + e.m2].sorted()
        // Monomials in the order of their largest factor, then the next.
        let monomial = f[2] * (f[2] + 1) * (f[2] + 2) / 6 + f[1] * (f[1] + 1) / 2 + f[0]
        polynomial[monomial] += inner.value * e.value
      }
    }
    return polynomial
  }
}

/// Gram and Schmidt's basis of vectors, with the coordinates of its members in those that were inserted.
private struct OrthogonalBasis {
  /// Orthonormal, and each of them as a sum over the inserted vectors.
  private var members: [(vector: [Double], inserted: [Double])] = []

  private static func product(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// Takes a vector in unless it depends on those that are there.
  mutating func insert(_ vector: [Double]) -> Bool {
    let norm = Self.product(vector, vector).squareRoot()
    var (rest, inserted) = (vector, [Double](repeating: 0, count: members.count) + [1])
    // Twice is enough.
    for member in members + members {
      let overlap = Self.product(member.vector, rest)
      for n in rest.indices { rest[n] -= overlap * member.vector[n] }
      for n in member.inserted.indices { inserted[n] -= overlap * member.inserted[n] }
    }
    let length = Self.product(rest, rest).squareRoot()
    guard norm > 1e-8, length > 1e-6 * norm else { return false }
    members.append((rest.map { $0 / length }, inserted.map { $0 / length }))
    return true
  }

  /// Coordinates in the inserted vectors of one that depends on them.
  func coordinates(of vector: [Double]) -> [Double] {
    var coordinates = [Double](repeating: 0, count: members.count)
    for member in members {
      let overlap = Self.product(member.vector, vector)
      for n in member.inserted.indices { coordinates[n] += overlap * member.inserted[n] }
    }
    return coordinates
  }
}
