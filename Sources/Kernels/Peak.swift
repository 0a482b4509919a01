// What a kernel can be measured against: the multiply-adds per second of one core on numbers that never leave its
// registers, in as many chains as hide that each waits for its last result.

import Dispatch

extension KernelScalar {
  /// Floating-point operations per second, a multiply-add counted as two: the best of some runs, a few milliseconds in all.
  @_specialize(where Self == Float)
  @_specialize(where Self == Double)
  public static func peakOperationsPerSecond() -> Double {
    if Registers.heldLanes >= 32 { return rate(InlineArray<10, Int8>(repeating: 0)) }
    if Registers.heldLanes >= 8 { return rate(InlineArray<5, Int8>(repeating: 0)) }
    return rate(InlineArray<2, Int8>(repeating: 0))
  }

  /// The first argument fixes the number of chains for the compiler. Chains that it can tell to be equal it would compute
  /// once: they begin with different numbers, which it finds in memory.
  @inline(__always)
  private static func rate<let chains: Int>(_: InlineArray<chains, Int8>) -> Double {
    let steps = 20_000
    let (factor, addend) = (Lanes(repeating: 0.75), Lanes(repeating: 0.25))
    let starts = Workspace((0..<chains).map { Lanes(repeating: 1 + Self($0) / 8) })
    var values = InlineArray<chains, Lanes>(repeating: addend)
    var best = UInt64.max
    for _ in 0..<20 {
      for n in 0..<chains { values[n] = starts.pointer[n] }
      let begin = DispatchTime.now().uptimeNanoseconds
      for _ in 0..<steps {
        for n in 0..<chains { values[n] = addend.addingProduct(values[n], factor) }
      }
      // The loop is no dead code: what all chains come to, 1, is looked at.
      var sum = addend
      for n in 0..<chains { sum += values[n] }
      guard sum[0] > 1 else { return 0 }
      best = min(best, DispatchTime.now().uptimeNanoseconds - begin)
    }
    return Double(2 * steps * chains * Lanes.scalarCount) / (Double(best) * 1e-9)
  }
}
