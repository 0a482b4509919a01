// c + a b on SIMD lanes: one rounding where the processor has an instruction for it, two where not (CProcessor.h).
// These take the place of the standard library's methods of the same names wherever numbers are those of a kernel.

import CProcessor

/// A vector of a kernel's numbers.
public protocol LaneVector: SIMD, Sendable, BitwiseCopyable where Scalar: KernelScalar {
  /// self + a b.
  func addingProduct(_ a: Self, _ b: Self) -> Self
}

extension LaneVector {
  @inlinable @inline(__always)
  public mutating func addProduct(_ a: Self, _ b: Self) { self = addingProduct(a, b) }
}

extension SIMD4: LaneVector where Scalar: KernelScalar {
  @inlinable @inline(__always)
  public func addingProduct(_ a: Self, _ b: Self) -> Self { Scalar.multiplyAdd(a, b, self) }
}

extension SIMD8: LaneVector where Scalar: KernelScalar {
  @inlinable @inline(__always)
  public func addingProduct(_ a: Self, _ b: Self) -> Self { Scalar.multiplyAdd(a, b, self) }
}

extension SIMD16: LaneVector where Scalar: KernelScalar {
  @inlinable @inline(__always)
  public func addingProduct(_ a: Self, _ b: Self) -> Self { Scalar.multiplyAdd(a, b, self) }
}

extension Float {
  @inlinable @inline(__always)
  public static func multiplyAdd(
    _ a: SIMD4<Float>, _ b: SIMD4<Float>, _ c: SIMD4<Float>
  ) -> SIMD4<Float> { bloch_float4_multiply_add(a, b, c) }

  @inlinable @inline(__always)
  public static func multiplyAdd(
    _ a: SIMD8<Float>, _ b: SIMD8<Float>, _ c: SIMD8<Float>
  ) -> SIMD8<Float> { bloch_float8_multiply_add(a, b, c) }

  @inlinable @inline(__always)
  public static func multiplyAdd(
    _ a: SIMD16<Float>, _ b: SIMD16<Float>, _ c: SIMD16<Float>
  ) -> SIMD16<Float> { bloch_float16_multiply_add(a, b, c) }
}

extension Double {
  @inlinable @inline(__always)
  public static func multiplyAdd(
    _ a: SIMD4<Double>, _ b: SIMD4<Double>, _ c: SIMD4<Double>
  ) -> SIMD4<Double> { bloch_double4_multiply_add(a, b, c) }

  @inlinable @inline(__always)
  public static func multiplyAdd(
    _ a: SIMD8<Double>, _ b: SIMD8<Double>, _ c: SIMD8<Double>
  ) -> SIMD8<Double> { bloch_double8_multiply_add(a, b, c) }

  @inlinable @inline(__always)
  public static func multiplyAdd(
    _ a: SIMD16<Double>, _ b: SIMD16<Double>, _ c: SIMD16<Double>
  ) -> SIMD16<Double> { bloch_double16_multiply_add(a, b, c) }
}
