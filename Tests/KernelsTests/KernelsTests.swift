import Kernels
import Testing

/// C <- alpha op(A) op(B) + beta C by its definition.
private func naiveProduct<T: KernelScalar>(
  transposeA: Bool, transposeB: Bool, m: Int, n: Int, k: Int, alpha: T, a: [T], b: [T], beta: T, c: [T]
) -> [T] {
  var result = c
  for i in 0..<m {
    for j in 0..<n {
      var sum = T.zero
      for l in 0..<k {
        sum += (transposeA ? a[l * m + i] : a[i * k + l]) * (transposeB ? b[j * k + l] : b[l * n + j])
      }
      result[i * n + j] = alpha * sum + beta * c[i * n + j]
    }
  }
  return result
}

private func checkProducts<T: KernelScalar>(_: T.Type, tolerance: T) {
  let (m, n, k) = (5, 7, 3)
  let a = (0..<m * k).map { T($0 % 11) - 4 }
  let b = (0..<k * n).map { T($0 % 7) - 2.5 }
  let c = (0..<m * n).map { T($0 % 5) }
  for (transposeA, transposeB) in [(false, false), (false, true), (true, false), (true, true)] {
    var fast = c
    T.gemm(
      transposeA: transposeA, transposeB: transposeB, m: m, n: n, k: k, alpha: 0.5, a: a,
      lda: transposeA ? m : k, b: b, ldb: transposeB ? k : n, beta: 2, c: &fast, ldc: n)
    let slow = naiveProduct(
      transposeA: transposeA, transposeB: transposeB, m: m, n: n, k: k, alpha: 0.5, a: a, b: b, beta: 2, c: c)
    #expect(zip(fast, slow).allSatisfy { abs($0 - $1) <= tolerance })
  }
}

@Test func matrixProductsAgreeWithTheirDefinition() {
  checkProducts(Float.self, tolerance: 1e-5)
  checkProducts(Double.self, tolerance: 1e-13)
}

@Test(arguments: [1, 2, 3, 8]) func partitionsCoverEveryIndexOnceInOrder(threads: Int) {
  for count in [0, 1, 7, 64] {
    let parts = (0..<threads).map { partition(of: count, thread: $0, threads: threads) }
    #expect(parts.flatMap { Array($0) } == Array(0..<count))
  }
}

@Test(arguments: [1, 4]) func denormalsAreZeroInsideAParallelBodyOnly(threads: Int) {
  let tiny = Double.leastNormalMagnitude
  var halves = [Double](repeating: -1, count: threads)
  halves.withUnsafeMutableBufferPointer { halves in
    nonisolated(unsafe) let out = halves
    parallel(threads: threads, count: threads) { _, range in
      for i in range { out[i] = tiny / Double(2 + i) }
    }
  }
  #expect(halves.allSatisfy { $0 == 0 })
  #expect(tiny / Double(threads + 1) > 0)
}
