// What a kernel can be measured against: the multiply-adds per second of one core on numbers that never leave its
// registers, in as many chains as hide that each waits for its last result.

import Dispatch

extension KernelScalar {
  /// Floating-point operations per second, a multiply-add counted as two: the best of some runs, a few milliseconds in all.
  @_specialize(where Self == Float)
  @_specialize(where Self == Double)
  public static func peakOperationsPerSecond() -> Double {
    if Registers.heldLanes >= 32 { return rate(InlineArray<10, Lanes>(repeating: Lanes(repeating: 1))) }
    if Registers.heldLanes >= 8 { return rate(InlineArray<5, Lanes>(repeating: Lanes(repeating: 1))) }
    return rate(InlineArray<2, Lanes>(repeating: Lanes(repeating: 1)))
  }

  @inline(__always)
  private static func rate<let chains: Int>(_ start: InlineArray<chains, Lanes>) -> Double {
    let steps = 20_000
    let (factor, addend) = (Lanes(repeating: 0.75), Lanes(repeating: 0.25))
    var values = start
    var best = UInt64.max
    for _ in 0..<20 {
      let begin = DispatchTime.now().uptimeNanoseconds
      for _ in 0..<steps {
        for n in 0..<chains { values[n] = addend.addingProduct(values[n], factor) }
      }
      // The loop is no dead code: its result, 1, is looked at.
      guard values[0][0] > 0 else { return 0 }
      best = min(best, DispatchTime.now().uptimeNanoseconds - begin)
    }
    return Double(2 * steps * chains * Lanes.scalarCount) / (Double(best) * 1e-9)
  }
}
