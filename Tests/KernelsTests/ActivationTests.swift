import Foundation
import Kernels
import Testing

@Suite struct ActivationTests {
  /// More than whole lanes of either precision.
  private let points = (0..<37).map { 0.61 * Double($0) - 9 }
  private let scale = 0.75

  /// In place, with the slope beside it.
  private func applied<T: KernelScalar>(
    _: T.Type, _ body: (UnsafeMutablePointer<T>, UnsafeMutablePointer<T>, Int) -> Void
  ) -> [(value: Double, slope: Double)] {
    let (x, slope) = (Workspace(points.map { T($0) }), Workspace<T>(capacity: points.count))
    body(x.pointer, slope.pointer, points.count)
    return points.indices.map { (Double(x.pointer[$0]), Double(slope.pointer[$0])) }
  }

  @Test func derivativesAreThoseOfTheValues() {
    let h = 1e-4
    for x in points {
      let (below, at, above) = (silu(x - h), silu(x), silu(x + h))
      #expect(abs((above.value - below.value) / (2 * h) - at.first) < 1e-8)
      #expect(abs((above.first - below.first) / (2 * h) - at.second) < 1e-8)
      #expect(abs((softplus(x + h).value - softplus(x - h).value) / (2 * h) - softplus(x).first) < 1e-8)
    }
    #expect(silu(0).first == 0.5 && softplus(0).value == log(2.0))
    #expect(softplus(1000).value == 1000 && softplus(-1000).value == 0)
  }

  @Test func lanesAndTheRestBehindThemAreTheSameFunction() {
    for tolerance in [1e-6, 1e-14] {
      let isSingle = tolerance > 1e-10
      let found =
        isSingle
        ? applied(Float.self) { $0.applySilu(slope: $1, count: $2, scale: Float(scale)) }
        : applied(Double.self) { $0.applySilu(slope: $1, count: $2, scale: scale) }
      let soft =
        isSingle
        ? applied(Float.self) { $0.applySoftplus(slope: $1, count: $2, scale: Float(scale)) }
        : applied(Double.self) { $0.applySoftplus(slope: $1, count: $2, scale: scale) }
      for (n, x) in points.enumerated() {
        let size = tolerance * (1 + abs(x))
        #expect(abs(found[n].value - scale * silu(x).value) < size)
        #expect(abs(found[n].slope - scale * silu(x).first) < size)
        #expect(abs(soft[n].value - scale * softplus(x).value) < size)
        #expect(abs(soft[n].slope - scale * softplus(x).first) < size)
      }
    }
  }
}
