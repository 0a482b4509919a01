// c + a b on SIMD lanes: one rounding where the processor has an instruction for it, two where not (CProcessor.h).
// These take the place of the standard library's methods of the same names wherever lanes are those of a kernel.

import CProcessor

extension SIMD where Scalar: KernelScalar, Self == Scalar.Lanes {
  @inlinable @inline(__always)
  public func addingProduct(_ a: Self, _ b: Self) -> Self { Scalar.multiplyAdd(a, b, self) }

  @inlinable @inline(__always)
  public mutating func addProduct(_ a: Self, _ b: Self) { self = Scalar.multiplyAdd(a, b, self) }
}

extension SIMD8 where Scalar: KernelScalar {
  @inlinable @inline(__always)
  public func addingProduct(_ a: Self, _ b: Self) -> Self { Scalar.multiplyAdd(a, b, self) }

  @inlinable @inline(__always)
  public mutating func addProduct(_ a: Self, _ b: Self) { self = Scalar.multiplyAdd(a, b, self) }
}

extension Float {
  @inlinable @inline(__always)
  public static func multiplyAdd(
    _ a: SIMD16<Float>, _ b: SIMD16<Float>, _ c: SIMD16<Float>
  ) -> SIMD16<Float> { bloch_float16_multiply_add(a, b, c) }

  @inlinable @inline(__always)
  public static func multiplyAdd(
    _ a: SIMD8<Float>, _ b: SIMD8<Float>, _ c: SIMD8<Float>
  ) -> SIMD8<Float> { bloch_float8_multiply_add(a, b, c) }
}

extension Double {
  @inlinable @inline(__always)
  public static func multiplyAdd(
    _ a: SIMD8<Double>, _ b: SIMD8<Double>, _ c: SIMD8<Double>
  ) -> SIMD8<Double> { bloch_double8_multiply_add(a, b, c) }
}
