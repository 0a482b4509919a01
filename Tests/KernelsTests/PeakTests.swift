// What the machine gives, and what the kernels make of it. Timings depend on what else runs: only where asked for.

import Dispatch
import Foundation
import Testing

@testable import Kernels

private let areTimingsAsked = ProcessInfo.processInfo.environment["BLOCH_BENCHMARK"] != nil

@Suite(.serialized, .enabled(if: areTimingsAsked, "timings: BLOCH_BENCHMARK=1, on a quiet machine"))
struct PeakTests {
  /// Operations per second of the fastest of many products.
  private func rate<T: KernelScalar>(_: T.Type, m: Int, n: Int, k: Int) -> Double {
    let (a, b) = (Workspace<T>(repeating: 0.5, count: m * k), Workspace<T>(repeating: 0.25, count: k * n))
    let c = Workspace<T>(repeating: 0, count: m * n)
    let repeats = max(1, 20_000_000 / (m * n * k))
    var best = UInt64.max
    for _ in 0..<30 {
      let begin = DispatchTime.now().uptimeNanoseconds
      for _ in 0..<repeats {
        T.gemm(
          transposeA: false, transposeB: false, m: m, n: n, k: k, alpha: 1, a: a.pointer, lda: k,
          b: b.pointer, ldb: n, beta: 0, c: c.pointer, ldc: n)
      }
      best = min(best, DispatchTime.now().uptimeNanoseconds - begin)
    }
    return 2 * Double(m * n * k * repeats) / (Double(best) * 1e-9)
  }

  private func check<T: KernelScalar>(_: T.Type, m: Int, n: Int, k: Int) {
    let share = rate(T.self, m: m, n: n, k: k) / T.peakOperationsPerSecond()
    print("\(m) x \(n) x \(k), \(T.self): \(Int(100 * share)) % of the peak")
    // More than all of it would mean that the peak is measured too low, far less that it is too high.
    #expect(share > 0.6 && share < 1.05)
  }

  @Test(arguments: [(12, 128, 128), (84, 128, 128), (192, 128, 512), (12, 512, 128)])
  func matrixProductsReachThreeFifthsOfThePeak(m: Int, n: Int, k: Int) {
    check(Float.self, m: m, n: n, k: k)
    check(Double.self, m: m, n: n, k: k)
  }
}
