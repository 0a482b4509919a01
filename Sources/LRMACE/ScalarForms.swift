// A symmetric contraction to scalars alone (L = 0 of SymmetricContraction.swift) as polynomials of the components of A:
//   B = sum_t w_t P_t(A),   P_t homogeneous of degree d_t = 1, 2 or 3.
// The gradients of P_t are sums of products of two components of A, so that by Euler's theorem, sum_k A_k dP/dA_k = d P,
//   dB/dA_k = sum_d G_k,d,   G_k,d = sum over t of degree d of w_t dP_t/dA_k,   B = sum_k A_k sum_d G_k,d / d.
// All that a step needs of the contraction, the adjoint included, are the G: half of the products of the coupled pairs.

import Equivariant
import LRMACEModel

struct ScalarForms: Sendable {
  /// coefficient A_i A_j; an absent factor is component `one`.
  struct Product: Sendable {
    let i: Int
    let j: Int
    let coefficient: Double
  }

  /// w_t dP_t/dA_k.
  struct Term: Sendable {
    let weight: Int
    let products: [Product]
  }

  /// [component k][degree - 1]: the terms of G_k,d. Weights are those of ContractionPrograms.
  let gradients: [[[Term]]]

  /// - Parameter one: the component that is 1, behind those of A.
  init(_ contraction: Model.Contraction, one: Int) {
    var gradients = Array(repeating: [[Term]](repeating: [], count: 3), count: one)

    /// The gradient of a form given by its monomials, products of as many components as `degree` says.
    func add(_ degree: Int, weight: Int, _ monomials: [(factors: [Int], coefficient: Double)]) {
      for k in 0..<one {
        var products: [[Int]: Double] = [:]
        for (factors, coefficient) in monomials {
          for n in factors.indices where factors[n] == k {
            var others = factors
            others.remove(at: n)
            others += Array(repeating: one, count: 2 - others.count)
            products[others.sorted(), default: 0] += coefficient
          }
        }
        let list = products.filter { abs($0.value) > 1e-12 }.sorted {
          $0.key.lexicographicallyPrecedes($1.key)
        }
        guard !list.isEmpty else { continue }
        gradients[k][degree - 1].append(
          Term(
            weight: weight,
            products: list.map { Product(i: $0.key[0], j: $0.key[1], coefficient: $0.value) }))
      }
    }

    add(1, weight: 0, [([0], 1)])
    for (n, p) in contraction.pairs.enumerated() {
      add(
        2, weight: 1 + n,
        Wigner3j(p.l1, p.l2, 0).entries.map { ([p.l1 * p.l1 + $0.m1, p.l2 * p.l2 + $0.m2], $0.value) })
    }
    for (n, t) in contraction.triples.enumerated() {
      let pairs = Wigner3j(t.l1, t.l2, t.l12).entries
      add(
        3, weight: 1 + contraction.pairs.count + n,
        Wigner3j(t.l12, t.l3, 0).entries.flatMap { last in
          pairs.filter { $0.m3 == last.m1 }.map {
            (
              [t.l1 * t.l1 + $0.m1, t.l2 * t.l2 + $0.m2, t.l3 * t.l3 + last.m2], $0.value * last.value
            )
          }
        })
    }
    self.gradients = gradients
  }
}
