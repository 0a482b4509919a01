import Foundation
import Testing

@testable import Equivariant

private typealias Lane = SIMD2<Double>

private func harmonics(_ lmax: Int, _ v: SIMD3<Double>) -> [Double] {
  let u = v / (v * v).sum().squareRoot()
  var y = [Lane](repeating: .zero, count: (lmax + 1) * (lmax + 1))
  SphericalHarmonics(lmax: lmax).evaluate(
    (Lane(repeating: u.x), Lane(repeating: u.y), Lane(repeating: u.z)), into: &y)
  return y.map { $0[0] }
}

private let directions: [SIMD3<Double>] = [
  [0.3, -0.8, 0.5], [1, 0, 0], [0, 1, 0], [0, 0, 1], [-0.6, -0.1, -0.9], [0.02, 0.99, -0.01],
]

@Suite struct SphericalHarmonicsTests {
  @Test func lowDegreesFollowTheTextbookPolynomials() {
    for v in directions {
      let n = v / (v * v).sum().squareRoot()
      let (x, y, z) = (n.x, n.y, n.z)
      let expected = [
        1, 3.0.squareRoot() * x, 3.0.squareRoot() * y, 3.0.squareRoot() * z,
        15.0.squareRoot() * x * z, 15.0.squareRoot() * x * y,
        5.0.squareRoot() * (y * y - (x * x + z * z) / 2),
        15.0.squareRoot() * y * z, 15.0.squareRoot() / 2 * (z * z - x * x),
      ]
      for (a, b) in zip(harmonics(2, v), expected) { #expect(abs(a - b) < 1e-14) }
      // l = 3, m = 0 and m = 3 about y.
      let y3 = harmonics(3, v)
      #expect(abs(y3[12] - 7.0.squareRoot() * y * (2 * y * y - 3 * (x * x + z * z)) / 2) < 1e-13)
      #expect(abs(y3[15] - (35.0 / 8).squareRoot() * (z * z * z - 3 * z * x * x)) < 1e-13)
    }
  }

  @Test func additionTheoremHoldsUpToFour() {
    for a in directions {
      for b in directions {
        let (ya, yb) = (harmonics(4, a), harmonics(4, b))
        let t = (a * b).sum() / ((a * a).sum() * (b * b).sum()).squareRoot()
        let legendre = [
          1, t, (3 * t * t - 1) / 2, (5 * t * t * t - 3 * t) / 2, (35 * t * t * t * t - 30 * t * t + 3) / 8,
        ]
        for l in 0...4 {
          let sum = (l * l..<(l + 1) * (l + 1)).reduce(0) { $0 + ya[$1] * yb[$1] }
          #expect(abs(sum - Double(2 * l + 1) * legendre[l]) < 1e-12)
        }
      }
    }
  }

  @Test(arguments: 1...4) func adjointIsTheDerivative(lmax: Int) {
    let harm = SphericalHarmonics(lmax: lmax)
    let g = (0..<harm.count).map { sin(Double($0) * 1.7 + 0.3) }
    func energy(_ v: SIMD3<Double>) -> Double { zip(g, harmonics(lmax, v)).reduce(0) { $0 + $1.0 * $1.1 } }
    for v in directions.map({ $0 * 1.3 }) {
      let r = (v * v).sum().squareRoot()
      let u = v / r
      let lanes = g.map { Lane(repeating: $0) }
      let d = harm.adjoint(
        (Lane(repeating: u.x), Lane(repeating: u.y), Lane(repeating: u.z)),
        inverseLength: Lane(repeating: 1 / r),
        gradient: lanes)
      for (axis, component) in [d.x[0], d.y[0], d.z[0]].enumerated() {
        var (plus, minus) = (v, v)
        plus[axis] += 1e-5
        minus[axis] -= 1e-5
        #expect(abs(component - (energy(plus) - energy(minus)) / 2e-5) < 1e-8)
      }
    }
  }
}

@Suite struct Wigner3jTests {
  @Test func lowestTensorsAreDeltaAndLeviCivita() {
    for e in Wigner3j(1, 1, 0).entries {
      #expect(e.m1 == e.m2 && abs(e.value - (1.0 / 3).squareRoot()) < 1e-14)
    }
    let cross = Wigner3j(1, 1, 1).entries
    #expect(cross.count == 6)
    for e in cross {
      let even = [[0, 1, 2], [1, 2, 0], [2, 0, 1]].contains([e.m1, e.m2, e.m3])
      #expect(abs(e.value - (even ? 1 : -1) / 6.0.squareRoot()) < 1e-14)
    }
  }

  @Test func everyTensorIsNormalisedAndOrthogonal() {
    for l1 in 0...4 {
      for l2 in 0...4 {
        for l3 in abs(l1 - l2)...(l1 + l2) {
          var gram = [Double](repeating: 0, count: (2 * l3 + 1) * (2 * l3 + 1))
          let entries = Wigner3j(l1, l2, l3).entries
          for a in entries {
            for b in entries where a.m1 == b.m1 && a.m2 == b.m2 {
              gram[a.m3 * (2 * l3 + 1) + b.m3] += a.value * b.value
            }
          }
          for i in 0...(2 * l3) {
            for j in 0...(2 * l3) {
              #expect(abs(gram[i * (2 * l3 + 1) + j] - (i == j ? 1 / Double(2 * l3 + 1) : 0)) < 1e-12)
            }
          }
        }
      }
    }
  }

  @Test func couplingHarmonicsOfOneDirectionGivesHarmonics() {
    for v in directions {
      let y = harmonics(4, v)
      for l1 in 0...3 {
        for l2 in 0...3 {
          for l3 in stride(from: abs(l1 - l2), through: min(4, l1 + l2), by: 2) {
            var coupled = [Double](repeating: 0, count: 2 * l3 + 1)
            for e in Wigner3j(l1, l2, l3).entries {
              coupled[e.m3] += e.value * y[l1 * l1 + e.m1] * y[l2 * l2 + e.m2]
            }
            let scale =
              coupled.enumerated().reduce(0) { $0 + $1.element * y[l3 * l3 + $1.offset] } / Double(2 * l3 + 1)
            #expect(abs(scale) > 0.1)
            for m in 0...(2 * l3) { #expect(abs(coupled[m] - scale * y[l3 * l3 + m]) < 1e-12) }
          }
        }
      }
    }
  }
}
