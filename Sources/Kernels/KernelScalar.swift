// The number types that kernels are written for: Float (mixed precision) and Double.
// A kernel is one generic source; its public entry points are specialised for both types.

/// A floating-point type with SIMD lanes, exponentials and matrix products.
public protocol KernelScalar: BinaryFloatingPoint, SIMDScalar, Codable, Sendable
where SIMD4Storage: BitwiseCopyable, SIMD8Storage: BitwiseCopyable, SIMD16Storage: BitwiseCopyable {
  /// 64 bytes of this type: one AVX-512 register, or several narrower ones.
  associatedtype Lanes: LaneVector where Lanes.Scalar == Self

  /// Half of `Lanes`: one AVX2 register.
  associatedtype HalfLanes: LaneVector where HalfLanes.Scalar == Self

  /// Rounded towards zero; the generic `Int.init` takes ten times as long.
  var wholePart: Int { get }

  /// Of the points of a mesh that an atom reaches along an axis: eight in single precision, sixteen in double, which asks
  /// for more.
  associatedtype Window: LaneVector where Window.Scalar == Self

  /// a b + c; kernels write `c.addingProduct(a, b)` (MultiplyAdd.swift).
  static func multiplyAdd(_ a: SIMD4<Self>, _ b: SIMD4<Self>, _ c: SIMD4<Self>) -> SIMD4<Self>
  static func multiplyAdd(_ a: SIMD8<Self>, _ b: SIMD8<Self>, _ c: SIMD8<Self>) -> SIMD8<Self>
  static func multiplyAdd(_ a: SIMD16<Self>, _ b: SIMD16<Self>, _ c: SIMD16<Self>) -> SIMD16<Self>

  /// Sum over lanes, halves first: a fixed order, and log2 of the lanes in depth.
  static func sum(_ lanes: Lanes) -> Self

  /// Sums over lanes of as many vectors as there are lanes: neighbouring lanes first, in a fixed order.
  static func sums(_ vectors: UnsafePointer<Lanes>) -> Lanes

  /// Transposes as many vectors as there are lanes: lane n of vector m goes to lane m of vector n.
  static func transpose(_ vectors: UnsafeMutablePointer<Lanes>)

  /// The even lanes of two vectors, and their odd ones.
  static func deal(_ a: Lanes, _ b: Lanes) -> (even: Lanes, odd: Lanes)

  /// exp of every lane.
  static func exp(_ x: Lanes) -> Lanes

  /// C <- alpha op(A) op(B) + beta C, row-major.
  ///
  /// op(A) is m x k, op(B) is k x n, C is m x n; op transposes where asked. `lda`, `ldb`, `ldc` are the row
  /// strides of A, B and C as they lie in memory. C is not read when `beta` is 0. The call runs on the
  /// calling thread alone: threads are the caller's (see `parallel`).
  static func gemm(
    transposeA: Bool, transposeB: Bool, m: Int, n: Int, k: Int, alpha: Self, a: UnsafePointer<Self>, lda: Int,
    b: UnsafePointer<Self>, ldb: Int, beta: Self, c: UnsafeMutablePointer<Self>, ldc: Int)
}

extension KernelScalar {
  /// Even lanes of neighbouring vectors to the front, odd ones behind: as often as their number can be halved, this
  /// transposes them.
  @inlinable @inline(__always)
  static func dealt<let count: Int>(_ v: InlineArray<count, Lanes>) -> InlineArray<count, Lanes> {
    var dealt = v
    for n in 0..<count / 2 {
      (dealt[n], dealt[n &+ count / 2]) = deal(v[2 &* n], v[2 &* n &+ 1])
    }
    return dealt
  }

  /// The polynomial with these coefficients, the highest power's first, at every lane of x.
  @inlinable @inline(__always)
  public static func polynomial<let count: Int>(_ coefficients: InlineArray<count, Self>, _ x: Lanes) -> Lanes
  {
    var sum = Lanes(repeating: coefficients[0])
    for k in 1..<count { sum = Lanes(repeating: coefficients[k]).addingProduct(sum, x) }
    return sum
  }

  /// sum_i a_i b_i, lane by lane: a plain loop may not reorder its sum and so cannot be vectorised.
  @inlinable @inline(__always)
  public static func dot(_ a: UnsafePointer<Self>, _ b: UnsafePointer<Self>, count: Int) -> Self {
    let width = Lanes.scalarCount
    let whole = count / width * width
    var sums = Lanes.zero
    for i in stride(from: 0, to: whole, by: width) {
      sums.addProduct(a.lanes(i), b.lanes(i))
    }
    var sum = Self.sum(sums)
    for i in whole..<count { sum += a[i] * b[i] }
    return sum
  }
}

extension Float: KernelScalar {
  public typealias Lanes = SIMD16<Float>
  public typealias Window = SIMD8<Float>
  public typealias HalfLanes = SIMD8<Float>

  @inlinable @inline(__always)
  public var wholePart: Int { Int(self) }

  @inlinable @inline(__always)
  public static func sum(_ lanes: SIMD16<Float>) -> Float { sum(lanes.lowHalf + lanes.highHalf) }

  @inlinable @inline(__always)
  public static func sum(_ eight: SIMD8<Float>) -> Float {
    let four = eight.lowHalf + eight.highHalf
    let two = four.lowHalf + four.highHalf
    return two.x + two.y
  }

  @inlinable @inline(__always)
  public static func deal(_ a: SIMD16<Float>, _ b: SIMD16<Float>) -> (even: SIMD16<Float>, odd: SIMD16<Float>)
  {
    (SIMD16(lowHalf: a.evenHalf, highHalf: b.evenHalf), SIMD16(lowHalf: a.oddHalf, highHalf: b.oddHalf))
  }

  @inlinable @inline(__always)
  public static func sums(_ v: UnsafePointer<SIMD16<Float>>) -> SIMD16<Float> {
    @inline(__always) func sum(_ a: SIMD16<Float>, _ b: SIMD16<Float>) -> SIMD16<Float> {
      let (even, odd) = deal(a, b)
      return even + odd
    }
    let two = InlineArray<8, SIMD16<Float>> { sum(v[2 &* $0], v[2 &* $0 &+ 1]) }
    let four = InlineArray<4, SIMD16<Float>> { sum(two[2 &* $0], two[2 &* $0 &+ 1]) }
    return sum(sum(four[0], four[1]), sum(four[2], four[3]))
  }

  @inlinable @inline(__always)
  public static func transpose(_ v: UnsafeMutablePointer<SIMD16<Float>>) {
    let tile = InlineArray<16, SIMD16<Float>> { v[$0] }
    let transposed = dealt(dealt(dealt(dealt(tile))))
    for n in 0..<16 { v[n] = transposed[n] }
  }

  public static func gemm(
    transposeA: Bool, transposeB: Bool, m: Int, n: Int, k: Int, alpha: Float, a: UnsafePointer<Float>,
    lda: Int, b: UnsafePointer<Float>, ldb: Int, beta: Float, c: UnsafeMutablePointer<Float>, ldc: Int
  ) {
    matrixProduct(
      transposeA: transposeA, transposeB: transposeB, m: m, n: n, k: k, alpha: alpha, a: a, lda: lda, b: b,
      ldb: ldb,
      beta: beta, c: c, ldc: ldc)
  }
}

extension Double: KernelScalar {
  public typealias Lanes = SIMD8<Double>
  public typealias Window = SIMD16<Double>
  public typealias HalfLanes = SIMD4<Double>

  @inlinable @inline(__always)
  public var wholePart: Int { Int(self) }

  @inlinable @inline(__always)
  public static func sum(_ lanes: SIMD8<Double>) -> Double {
    let four = lanes.lowHalf + lanes.highHalf
    let two = four.lowHalf + four.highHalf
    return two.x + two.y
  }

  @inlinable @inline(__always)
  public static func deal(_ a: SIMD8<Double>, _ b: SIMD8<Double>) -> (even: SIMD8<Double>, odd: SIMD8<Double>)
  {
    (SIMD8(lowHalf: a.evenHalf, highHalf: b.evenHalf), SIMD8(lowHalf: a.oddHalf, highHalf: b.oddHalf))
  }

  @inlinable @inline(__always)
  public static func sums(_ v: UnsafePointer<SIMD8<Double>>) -> SIMD8<Double> {
    @inline(__always) func sum(_ a: SIMD8<Double>, _ b: SIMD8<Double>) -> SIMD8<Double> {
      let (even, odd) = deal(a, b)
      return even + odd
    }
    let two = InlineArray<4, SIMD8<Double>> { sum(v[2 &* $0], v[2 &* $0 &+ 1]) }
    return sum(sum(two[0], two[1]), sum(two[2], two[3]))
  }

  @inlinable @inline(__always)
  public static func transpose(_ v: UnsafeMutablePointer<SIMD8<Double>>) {
    let tile = InlineArray<8, SIMD8<Double>> { v[$0] }
    let transposed = dealt(dealt(dealt(tile)))
    for n in 0..<8 { v[n] = transposed[n] }
  }

  public static func gemm(
    transposeA: Bool, transposeB: Bool, m: Int, n: Int, k: Int, alpha: Double, a: UnsafePointer<Double>,
    lda: Int, b: UnsafePointer<Double>, ldb: Int, beta: Double, c: UnsafeMutablePointer<Double>, ldc: Int
  ) {
    matrixProduct(
      transposeA: transposeA, transposeB: transposeB, m: m, n: n, k: k, alpha: alpha, a: a, lda: lda, b: b,
      ldb: ldb,
      beta: beta, c: c, ldc: ldc)
  }
}
