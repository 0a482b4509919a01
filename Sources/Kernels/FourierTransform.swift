// Fourier transforms of real meshes by FFTW3 (single and double precision), several fields at a time:
//
//   forward   F(n) = sum_g f(g) exp(-2 pi i n.g / M)        M = (M1, M2, M3), 0 <= n3 <= M3/2
//   inverse   f(g) = sum_n F(n) exp(+2 pi i n.g / M)        over all n; no factor 1/(M1 M2 M3)
//
// Plans are estimated, never measured: a measured plan differs from run to run and breaks bitwise restart.

import CFFTW
import Foundation

/// What a number type lends to `FourierTransform`; FFTW's two libraries behind one set of names.
public protocol FourierScalar {
  static func planForward(
    size: [Int32], fields: Int32, stride: Int32, real: UnsafeMutablePointer<Self>,
    spectrum: UnsafeMutablePointer<Self>
  ) -> OpaquePointer?
  static func planInverse(
    size: [Int32], fields: Int32, stride: Int32, real: UnsafeMutablePointer<Self>,
    spectrum: UnsafeMutablePointer<Self>
  ) -> OpaquePointer?
  static func executeForward(
    _ plan: OpaquePointer, real: UnsafeMutablePointer<Self>, spectrum: UnsafeMutablePointer<Self>)
  static func executeInverse(
    _ plan: OpaquePointer, real: UnsafeMutablePointer<Self>, spectrum: UnsafeMutablePointer<Self>)
  static func destroy(plan: OpaquePointer)
}

/// Transforms `fields` interleaved fields on a mesh.
///
/// Element g of field c lies at `((g1 M2 + g2) M3 + g3) stride + c`; complex element n at twice
/// `((n1 M2 + n2) (M3/2 + 1) + n3) stride + c`, real part first. Transforms may run at once on several
/// threads.
public final class FourierTransform<T: KernelScalar> {
  public let size: SIMD3<Int>
  public let fields: Int
  private let forwardPlan: OpaquePointer
  private let inversePlan: OpaquePointer

  public init(size: SIMD3<Int>, fields: Int, stride: Int) {
    precondition(size.min() > 0 && fields > 0 && stride >= fields)
    self.size = size
    self.fields = fields
    let sizes = [Int32(size.x), Int32(size.y), Int32(size.z)]
    // An estimated plan never touches the arrays, but FFTW wants to see some.
    let real = Workspace<T>(capacity: size.x * size.y * size.z * stride)
    let spectrum = Workspace<T>(capacity: size.x * size.y * (size.z / 2 + 1) * stride * 2)
    (forwardPlan, inversePlan) = planLock.withLock {
      guard
        let forward = T.planForward(
          size: sizes, fields: Int32(fields), stride: Int32(stride), real: real.pointer,
          spectrum: spectrum.pointer),
        let inverse = T.planInverse(
          size: sizes, fields: Int32(fields), stride: Int32(stride), real: real.pointer,
          spectrum: spectrum.pointer)
      else { preconditionFailure("FFTW has no plan for a mesh of \(size)") }
      return (forward, inverse)
    }
  }

  deinit {
    planLock.withLock {
      T.destroy(plan: forwardPlan)
      T.destroy(plan: inversePlan)
    }
  }

  /// `real` is left as it was.
  public func forward(real: UnsafeMutablePointer<T>, spectrum: UnsafeMutablePointer<T>) {
    T.executeForward(forwardPlan, real: real, spectrum: spectrum)
  }

  /// `spectrum` is destroyed.
  public func inverse(spectrum: UnsafeMutablePointer<T>, real: UnsafeMutablePointer<T>) {
    T.executeInverse(inversePlan, real: real, spectrum: spectrum)
  }

  /// The next size from `count` upwards that is even and a product of 2, 3, 5 and 7 only: FFTW is fast there.
  public static func efficientSize(atLeast count: Int) -> Int {
    var size = max(2, count + count % 2)
    while !isSmooth(size) { size += 2 }
    return size
  }

  private static func isSmooth(_ size: Int) -> Bool {
    [2, 3, 5, 7].reduce(into: size) { rest, prime in
      while rest % prime == 0 { rest /= prime }
    } == 1
  }
}

/// FFTW plans and unplans on one thread at a time.
private let planLock = NSLock()

/// Arrays of later calls may start anywhere within a row of fields.
private let planFlags = UInt32(FFTW_ESTIMATE) | UInt32(FFTW_UNALIGNED)

extension Float: FourierScalar {
  public static func planForward(
    size: [Int32], fields: Int32, stride: Int32, real: UnsafeMutablePointer<Float>,
    spectrum: UnsafeMutablePointer<Float>
  ) -> OpaquePointer? {
    fftwf_plan_many_dft_r2c(
      3, size, fields, real, nil, stride, 1, complexPairs(spectrum), nil, stride, 1, planFlags)
  }

  public static func planInverse(
    size: [Int32], fields: Int32, stride: Int32, real: UnsafeMutablePointer<Float>,
    spectrum: UnsafeMutablePointer<Float>
  ) -> OpaquePointer? {
    fftwf_plan_many_dft_c2r(
      3, size, fields, complexPairs(spectrum), nil, stride, 1, real, nil, stride, 1, planFlags)
  }

  public static func executeForward(
    _ plan: OpaquePointer, real: UnsafeMutablePointer<Float>, spectrum: UnsafeMutablePointer<Float>
  ) {
    fftwf_execute_dft_r2c(plan, real, complexPairs(spectrum))
  }

  public static func executeInverse(
    _ plan: OpaquePointer, real: UnsafeMutablePointer<Float>, spectrum: UnsafeMutablePointer<Float>
  ) {
    fftwf_execute_dft_c2r(plan, complexPairs(spectrum), real)
  }

  public static func destroy(plan: OpaquePointer) { fftwf_destroy_plan(plan) }
}

extension Double: FourierScalar {
  public static func planForward(
    size: [Int32], fields: Int32, stride: Int32, real: UnsafeMutablePointer<Double>,
    spectrum: UnsafeMutablePointer<Double>
  ) -> OpaquePointer? {
    fftw_plan_many_dft_r2c(
      3, size, fields, real, nil, stride, 1, complexPairs(spectrum), nil, stride, 1, planFlags)
  }

  public static func planInverse(
    size: [Int32], fields: Int32, stride: Int32, real: UnsafeMutablePointer<Double>,
    spectrum: UnsafeMutablePointer<Double>
  ) -> OpaquePointer? {
    fftw_plan_many_dft_c2r(
      3, size, fields, complexPairs(spectrum), nil, stride, 1, real, nil, stride, 1, planFlags)
  }

  public static func executeForward(
    _ plan: OpaquePointer, real: UnsafeMutablePointer<Double>, spectrum: UnsafeMutablePointer<Double>
  ) {
    fftw_execute_dft_r2c(plan, real, complexPairs(spectrum))
  }

  public static func executeInverse(
    _ plan: OpaquePointer, real: UnsafeMutablePointer<Double>, spectrum: UnsafeMutablePointer<Double>
  ) {
    fftw_execute_dft_c2r(plan, complexPairs(spectrum), real)
  }

  public static func destroy(plan: OpaquePointer) { fftw_destroy_plan(plan) }
}

/// FFTW's complex number is an array of two.
private func complexPairs<T>(_ pointer: UnsafeMutablePointer<T>) -> UnsafeMutablePointer<(T, T)> {
  UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: (T, T).self)
}
