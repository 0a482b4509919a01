// The number types that kernels are written for: Float (mixed precision) and Double.
// A kernel is one generic source; its public entry points are specialised for both types.

import CBLAS

/// A floating-point type with SIMD lanes, matrix products and Fourier transforms.
public protocol KernelScalar: BinaryFloatingPoint, SIMDScalar, FourierScalar, Codable, Sendable {
  /// 64 bytes of this type: one AVX-512 register, or several narrower ones.
  associatedtype Lanes: SIMD, Sendable where Lanes.Scalar == Self

  /// C <- alpha op(A) op(B) + beta C, row-major.
  ///
  /// op(A) is m x k, op(B) is k x n, C is m x n; op transposes where asked. `lda`, `ldb`, `ldc` are the row
  /// strides of A, B and C as they lie in memory. C is not read when `beta` is 0. The call runs on the
  /// calling thread alone: threads are the caller's (see `parallel`).
  static func gemm(
    transposeA: Bool, transposeB: Bool, m: Int, n: Int, k: Int, alpha: Self, a: UnsafePointer<Self>, lda: Int,
    b: UnsafePointer<Self>, ldb: Int, beta: Self, c: UnsafeMutablePointer<Self>, ldc: Int)
}

extension Float: KernelScalar {
  public typealias Lanes = SIMD16<Float>

  @inlinable
  public static func gemm(
    transposeA: Bool, transposeB: Bool, m: Int, n: Int, k: Int, alpha: Float, a: UnsafePointer<Float>,
    lda: Int, b: UnsafePointer<Float>, ldb: Int, beta: Float, c: UnsafeMutablePointer<Float>, ldc: Int
  ) {
    SingleThreadedBLAS.prepare()
    cblas_sgemm(
      CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
      BLASInteger(m), BLASInteger(n), BLASInteger(k), alpha, a, BLASInteger(lda), b, BLASInteger(ldb),
      beta, c, BLASInteger(ldc))
  }
}

extension Double: KernelScalar {
  public typealias Lanes = SIMD8<Double>

  @inlinable
  public static func gemm(
    transposeA: Bool, transposeB: Bool, m: Int, n: Int, k: Int, alpha: Double, a: UnsafePointer<Double>,
    lda: Int, b: UnsafePointer<Double>, ldb: Int, beta: Double, c: UnsafeMutablePointer<Double>, ldc: Int
  ) {
    SingleThreadedBLAS.prepare()
    cblas_dgemm(
      CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
      BLASInteger(m), BLASInteger(n), BLASInteger(k), alpha, a, BLASInteger(lda), b, BLASInteger(ldb),
      beta, c, BLASInteger(ldc))
  }
}

public typealias BLASInteger = blasint

/// OpenBLAS would start threads of its own under ours; it is told once not to.
public enum SingleThreadedBLAS {
  private static let once: Void = openblas_set_num_threads(1)

  public static func prepare() { once }
}
