// exp on SIMD lanes, to a unit or two in the last place. exp(x) = 2^n exp(r) with n the integer nearest to
// x / ln 2; for |r| <= ln 2 / 2 the Taylor series ends at the precision of the type. Adding 1.5 x 2^(mantissa
// bits) rounds to that integer and leaves it in the lowest bits of the sum, whence it goes into the exponent.

extension Float {
  public static func exp(_ x: SIMD16<Float>) -> SIMD16<Float> {
    let x = x.replacing(with: -87, where: x .< -87).replacing(with: 88, where: x .> 88)
    let shift = SIMD16<Float>(repeating: 0x1.8p23)
    let shifted = shift.addingProduct(x, SIMD16(repeating: 0x1.715476p0))
    let r = reduced(x, steps: shifted - shift, ln2: (0x1.62e4p-1, 0x1.7f7d1cp-20))
    let series = Self.polynomial([1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1, 1], r)
    let bits = unsafeBitCast(shifted, to: SIMD16<UInt32>.self) &<< 23
    return unsafeBitCast(unsafeBitCast(series, to: SIMD16<UInt32>.self) &+ bits, to: SIMD16<Float>.self)
  }
}

extension Double {
  public static func exp(_ x: SIMD8<Double>) -> SIMD8<Double> {
    let x = x.replacing(with: -708, where: x .< -708).replacing(with: 709, where: x .> 709)
    let shift = SIMD8<Double>(repeating: 0x1.8p52)
    let shifted = shift.addingProduct(x, SIMD8(repeating: 0x1.71547652b82fep0))
    let r = reduced(x, steps: shifted - shift, ln2: (0x1.62e42feep-1, 0x1.a39ef35793c76p-33))
    let series = Self.polynomial(
      [
        1.0 / 6_227_020_800, 1.0 / 479_001_600, 1.0 / 39_916_800, 1.0 / 3_628_800, 1.0 / 362_880,
        1.0 / 40_320,
        1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1, 1,
      ], r)
    let bits = unsafeBitCast(shifted, to: SIMD8<UInt64>.self) &<< 52
    return unsafeBitCast(unsafeBitCast(series, to: SIMD8<UInt64>.self) &+ bits, to: SIMD8<Double>.self)
  }
}

extension KernelScalar {
  /// x - n ln 2, with ln 2 in two parts, the first of them short enough for n ln 2 to be exact.
  @inline(__always)
  fileprivate static func reduced(_ x: Lanes, steps n: Lanes, ln2: (Self, Self)) -> Lanes {
    x.addingProduct(n, Lanes(repeating: -ln2.0)).addingProduct(n, Lanes(repeating: -ln2.1))
  }
}
