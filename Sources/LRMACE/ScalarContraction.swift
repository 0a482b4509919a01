// The symmetric contraction of a layer whose outputs are scalars: B and its gradient at once (equations in ScalarForms.swift),
// channels in SIMD lanes. The gradient takes the place of A, and the adjoint is a product:
//   dE/dA_k,c = dE/dB_c dB_c/dA_k,c.
// Every last layer of MACE is such a layer. The programs of SymmetricContraction, whose adjoint recomputes the coupled pairs
// and passes through them and back, take three times as long.
//
// What an element's weights make of the forms' coefficients is worked out beforehand, in double precision:
//   G_k,d,c = sum_n C_n,c A_i(n),c A_j(n),c,   C_n,c = coefficient_n w_t(n),c.
// Atoms of one element pass together and share what is read of C.

import Kernels
import LRMACEModel

final class ScalarContraction<T: KernelScalar> {
  private struct Product {
    let i: Int32
    let j: Int32
  }

  private let channels: Int
  private let lmax: Int
  private let components: Int
  private let products: Workspace<Product>
  /// [component][degree - 1]: one past the last product.
  private let ends: Workspace<Int>
  /// C: [species][vector of channels][product][lane].
  private let coefficients: Workspace<T>

  /// Most atoms that pass together: as many as keep sums from waiting for one another.
  static var bundle: Int { 6 }
  /// Lanes of the vectors that pass: as many as a register has, since sums of all atoms stay in the registers.
  private static var width: Int {
    Registers.heldLanes >= 32 ? T.Lanes.scalarCount : T.HalfLanes.scalarCount
  }

  /// - Parameters:
  ///   - weights: [species]: [weight, channel].
  ///   - channels: padded to whole lanes.
  init(_ forms: ScalarForms, weights: [Matrix], lmax: Int, channels: Int) {
    self.channels = channels
    self.lmax = lmax
    components = forms.gradients.count
    var (products, ends): ([(ScalarForms.Product, weight: Int)], [Int]) = ([], [])
    for terms in forms.gradients.joined() {
      for term in terms { products += term.products.map { ($0, term.weight) } }
      ends.append(products.count)
    }
    let (count, width) = (products.count, Self.width)
    coefficients = Workspace(repeating: 0, count: weights.count * count * channels)
    for (s, matrix) in weights.enumerated() {
      for c in 0..<matrix.columns {
        let first = s * channels + c / width * width
        for (n, (product, weight)) in products.enumerated() {
          coefficients.pointer[first * count + n * width + c % width] = T(
            product.coefficient * matrix[weight, c])
        }
      }
    }
    self.products = Workspace(products.map { Product(i: Int32($0.0.i), j: Int32($0.0.j)) })
    self.ends = Workspace(ends)
  }

  /// Floating-point operations of an atom, the adjoint included.
  var operations: Int { channels * (3 * products.capacity + 13 * components) }

  /// B of neighbouring atoms of one species, and dB/dA in the place of A: the first of `atoms` becomes atom 0 of `b`.
  ///
  /// - Parameter x: room for [component][atom][lane] and one component more, of as many atoms as may pass together.
  func forward(
    species: Int, a: Features<T>, _ atoms: Range<Int>, b: Features<T>, _ x: UnsafeMutablePointer<T>
  ) {
    if Self.width == T.Lanes.scalarCount {
      forward(T.Lanes.self, species, a, atoms, b, x)
    } else {
      forward(T.HalfLanes.self, species, a, atoms, b, x)
    }
  }

  @inline(__always)
  private func forward<V: LaneVector>(
    _ type: V.Type, _ species: Int, _ a: Features<T>, _ atoms: Range<Int>, _ b: Features<T>,
    _ x: UnsafeMutablePointer<T>
  ) where V.Scalar == T {
    for c in stride(from: 0, to: channels, by: V.scalarCount) {
      let w = UnsafePointer(coefficients.pointer + (species &* channels &+ c) &* products.capacity)
      var i = atoms.lowerBound
      while i < atoms.upperBound {
        let (left, k) = (atoms.upperBound &- i, i &- atoms.lowerBound)
        if left >= Self.bundle {
          forward(type, InlineArray<6, Int8>(repeating: 0), c, w, a, i, b, k, x)
          i &+= Self.bundle
        } else if left >= 2 {
          forward(type, InlineArray<2, Int8>(repeating: 0), c, w, a, i, b, k, x)
          i &+= 2
        } else {
          forward(type, InlineArray<1, Int8>(repeating: 0), c, w, a, i, b, k, x)
          i &+= 1
        }
      }
    }
  }

  /// A vector of channels from `c` on of as many atoms as the unused second argument has elements: from atom `i` of A, and from
  /// atom `k` of B.
  @inline(__always)
  private func forward<let count: Int, V: LaneVector>(
    _: V.Type, _: InlineArray<count, Int8>, _ c: Int, _ w: UnsafePointer<T>, _ a: Features<T>, _ i: Int,
    _ b: Features<T>, _ k: Int, _ x: UnsafeMutablePointer<T>
  ) where V.Scalar == T {
    let width = V.scalarCount
    let zero = InlineArray<count, V>(repeating: V(repeating: 0))
    for l in 0...lmax {
      for v in 0..<count {
        let row = a.row(l, i &+ v) + c
        for m in 0..<(2 &* l &+ 1) {
          let component: V = row.vector(m &* channels)
          x.setVector(((l &* l &+ m) &* count &+ v) &* width, component)
        }
      }
    }
    for v in 0..<count { x.setVector((components &* count &+ v) &* width, V(repeating: 1)) }
    let (products, ends) = (products.pointer, ends.pointer)
    let shares: InlineArray<3, T> = [1, 1 / 2, 1 / 3]
    var (value, n) = (zero, 0)
    for l in 0...lmax {
      for m in 0..<(2 &* l &+ 1) {
        let component = l &* l &+ m
        var gradient = zero
        for d in 0..<3 {
          var form = zero
          let end = ends[3 &* component &+ d]
          while n < end {
            let coefficient: V = w.vector(n &* width)
            let xi = x + Int(products[n].i) &* (count &* width)
            let xj = x + Int(products[n].j) &* (count &* width)
            for v in 0..<count {
              let (left, right): (V, V) = (xi.vector(v &* width), xj.vector(v &* width))
              form[v].addProduct(left * coefficient, right)
            }
            n &+= 1
          }
          let share = V(repeating: shares[d])
          for v in 0..<count {
            let xk: V = x.vector((component &* count &+ v) &* width)
            value[v].addProduct(xk * share, form[v])
            gradient[v] += form[v]
          }
        }
        for v in 0..<count { a.row(l, i &+ v).setVector(m &* channels &+ c, gradient[v]) }
      }
    }
    for v in 0..<count { b.row(0, k &+ v).setVector(c, value[v]) }
  }

  /// dE/dA of atoms: `gradient` is what `forward` left of A.
  func adjoint(
    gradient a: Features<T>, _ atoms: Range<Int>, bGradient: Features<T>, aGradient: Features<T>
  ) {
    for i in atoms {
      let k = i &- atoms.lowerBound
      let db = bGradient.row(0, k)
      for l in 0...lmax {
        let (row, da) = (a.row(l, i), aGradient.row(l, k))
        for m in 0..<(2 &* l &+ 1) {
          (da + m &* channels).setProduct(row + m &* channels, db, count: channels)
        }
      }
    }
  }
}
