import Kernels
import Testing

/// op(A) op(B) in double precision, by its definition.
private func naive<T: KernelScalar>(
  _ transposeA: Bool, _ transposeB: Bool, _ m: Int, _ n: Int, _ k: Int, _ a: [T], _ lda: Int, _ b: [T],
  _ ldb: Int
) -> [Double] {
  var c = [Double](repeating: 0, count: m * n)
  for i in 0..<m {
    for j in 0..<n {
      for l in 0..<k {
        c[i * n + j] +=
          Double(transposeA ? a[l * lda + i] : a[i * lda + l])
          * Double(transposeB ? b[j * ldb + l] : b[l * ldb + j])
      }
    }
  }
  return c
}

/// Every way through the tiles: ragged rows and columns, panels in place and packed, several panels deep.
private func largestDeviation<T: KernelScalar>(_: T.Type) -> Double {
  var worst = 0.0
  for (transposeA, transposeB) in [(false, false), (false, true), (true, false), (true, true)] {
    for m in [1, 2, 3, 5, 6, 13] {
      for n in [1, 8, 16, 24, 33, 48, 64, 100] {
        for (k, gap) in [(1, 0), (7, 3), (128, 600), (300, 5)] {
          let (lda, ldb, ldc) = ((transposeA ? m : k) + 2, (transposeB ? k : n) + gap, n + 3)
          let a = (0..<(transposeA ? k : m) * lda).map { T(($0 * 7919) % 101) / 101 - 0.5 }
          let b = (0..<(transposeB ? n : k) * ldb).map { T(($0 * 104_729) % 97) / 97 - 0.5 }
          let exact = naive(transposeA, transposeB, m, n, k, a, lda, b, ldb)
          for (alpha, beta) in [(T(1), T(0)), (T(1), T(1)), (T(-0.5), T(2))] {
            let before = (0..<m * ldc).map { T($0 % 11) }
            var c = before
            T.gemm(
              transposeA: transposeA, transposeB: transposeB, m: m, n: n, k: k, alpha: alpha, a: a, lda: lda,
              b: b,
              ldb: ldb, beta: beta, c: &c, ldc: ldc)
            for i in 0..<m {
              for j in 0..<ldc {
                let expected =
                  j < n
                  ? Double(alpha) * exact[i * n + j] + Double(beta) * Double(before[i * ldc + j])
                  : Double(before[i * ldc + j])
                worst = max(worst, abs(Double(c[i * ldc + j]) - expected))
              }
            }
          }
        }
      }
    }
  }
  return worst
}

@Test func matrixProductsAgreeWithTheirDefinition() {
  #expect(largestDeviation(Float.self) < 2e-5)
  #expect(largestDeviation(Double.self) < 1e-13)
}

@Test func productWithoutAnInnerDimensionOnlyScales() {
  var c: [Float] = [1, 2, 3, .nan]
  Float.gemm(
    transposeA: false, transposeB: false, m: 1, n: 3, k: 0, alpha: 1, a: [0], lda: 1, b: [0], ldb: 3, beta: 2,
    c: &c,
    ldc: 3)
  #expect(c.prefix(3) == [2, 4, 6])
}
