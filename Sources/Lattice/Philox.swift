// Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
// easy as 1, 2, 3", SC11, doi 10.1145/2063384.2063405. A bijection of 128-bit counters chosen by a 64-bit
// key: random numbers are a pure function of (key, counter), there is no state to save and no order to keep.

enum Philox {
  /// Ten rounds on `counter` under `key`: four words of 32 random bits.
  static func block(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
    var c = counter
    var k = key
    for _ in 0..<10 {
      let a = UInt64(c.x) &* 0xD251_1F53
      let b = UInt64(c.z) &* 0xCD9E_8D57
      c = SIMD4(
        UInt32(truncatingIfNeeded: b >> 32) ^ c.y ^ k.x, UInt32(truncatingIfNeeded: b),
        UInt32(truncatingIfNeeded: a >> 32) ^ c.w ^ k.y, UInt32(truncatingIfNeeded: a))
      k &+= SIMD2(0x9E37_79B9, 0xBB67_AE85)  // golden ratio and sqrt(3) - 1: Weyl sequences of the key
    }
    return c
  }
}
