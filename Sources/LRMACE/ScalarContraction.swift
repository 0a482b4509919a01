// The symmetric contraction of a layer whose outputs are scalars: B and its gradient at once (equations in ScalarForms.swift),
// channels in SIMD lanes. The gradient takes the place of A, and the adjoint is a product:
//   dE/dA_k,c = dE/dB_c dB_c/dA_k,c.
// Every last layer of MACE is such a layer. The programs of SymmetricContraction, whose adjoint recomputes the coupled pairs
// and passes through them and back, take twice as long.

import Kernels

final class ScalarContraction<T: KernelScalar> {
  private struct Product {
    let i: Int32
    let j: Int32
    let coefficient: T
  }

  private struct Term {
    let weight: Int32
    /// One past its last product.
    let end: Int32
  }

  private let channels: Int
  private let lmax: Int
  private let components: Int
  private let products: Workspace<Product>
  private let terms: Workspace<Term>
  /// [component][degree - 1]: one past the last term.
  private let ends: Workspace<Int>

  init(_ forms: ScalarForms, lmax: Int, channels: Int) {
    self.channels = channels
    self.lmax = lmax
    components = forms.gradients.count
    var (products, terms, ends): ([Product], [Term], [Int]) = ([], [], [])
    for list in forms.gradients.joined() {
      for term in list {
        products += term.products.map {
          Product(i: Int32($0.i), j: Int32($0.j), coefficient: T($0.coefficient))
        }
        terms.append(Term(weight: Int32(term.weight), end: Int32(products.count)))
      }
      ends.append(terms.count)
    }
    (self.products, self.terms, self.ends) = (Workspace(products), Workspace(terms), Workspace(ends))
  }

  /// Floating-point operations of an atom, the adjoint included.
  var operations: Int { channels * (3 * products.capacity + 2 * terms.capacity + 13 * components) }

  /// B of as many lanes of channels from `c` on as the first argument has elements, and dB/dA in the place of A.
  ///
  /// - Parameters:
  ///   - w: weights of the atom's species, [weight][channel], from channel `c` on.
  ///   - x: room for [component][lane] and one component more.
  @inline(__always)
  func forward<let lanes: Int>(
    _: InlineArray<lanes, Int8>, _ c: Int, _ w: UnsafePointer<T>, _ a: Features<T>, _ i: Int,
    _ b: UnsafeMutablePointer<T>, _ x: UnsafeMutablePointer<T.Lanes>
  ) {
    let width = T.Lanes.scalarCount
    let zero = InlineArray<lanes, T.Lanes>(repeating: T.Lanes(repeating: 0))
    for v in 0..<lanes { x[components &* lanes &+ v] = T.Lanes(repeating: 1) }
    let (products, terms, ends) = (products.pointer, terms.pointer, ends.pointer)
    var (value, term, product) = (zero, 0, 0)
    for l in 0...lmax {
      for m in 0..<(2 &* l &+ 1) {
        let k = l &* l &+ m
        var gradient = zero
        for d in 0..<3 {
          var form = zero
          while term < ends[3 &* k &+ d] {
            var sum = zero
            let end = Int(terms[term].end)
            while product < end {
              let p = products[product]
              let coefficient = T.Lanes(repeating: p.coefficient)
              let (xi, xj) = (x + Int(p.i) &* lanes, x + Int(p.j) &* lanes)
              for v in 0..<lanes { sum[v].addProduct(xi[v] * coefficient, xj[v]) }
              product &+= 1
            }
            let weight = w + Int(terms[term].weight) &* channels
            for v in 0..<lanes { form[v].addProduct(weight.lanes(v &* width), sum[v]) }
            term &+= 1
          }
          let share = T.Lanes(repeating: 1 / T(d &+ 1))
          for v in 0..<lanes {
            value[v].addProduct(x[k &* lanes &+ v] * share, form[v])
            gradient[v] += form[v]
          }
        }
        let target = a.row(l, i) + (m &* channels &+ c)
        for v in 0..<lanes { target.setLanes(v &* width, gradient[v]) }
      }
    }
    for v in 0..<lanes { b.setLanes(c &+ v &* width, value[v]) }
  }

  /// dE/dA of one atom: `gradient` is what `forward` left of A.
  @inline(__always)
  func adjoint(
    gradient a: Features<T>, _ i: Int, bGradient: Features<T>, aGradient: Features<T>, _ k: Int
  ) {
    let db = bGradient.row(0, k)
    for l in 0...lmax {
      let (row, da) = (a.row(l, i), aGradient.row(l, k))
      for m in 0..<(2 &* l &+ 1) {
        (da + m &* channels).setProduct(row + m &* channels, db, count: channels)
      }
    }
  }
}
