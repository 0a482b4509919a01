// Complex Fourier transforms along one axis, many at a time, by FFTW3 (doi:10.1109/JPROC.2004.840301):
//
//   forward   F(n) = sum_g f(g) exp(-2 pi i n g / M)
//   inverse   f(g) = sum_n F(n) exp(+2 pi i n g / M)        no factor 1/M
//
// A complex number is its real part and, next to it, its imaginary part. FFTW times many ways to compute a transform and
// takes the fastest; each rounds in its own way. What it has chosen is its "wisdom": with the same wisdom and on the same
// kind of processor the bits are the same. `FourierPlanner` keeps it.

import CFFTW
import Foundation
import Kernels

/// Strides and numbers of complex numbers, as FFTW counts them.
struct FourierShape {
  /// M.
  var length: Int
  /// From an element to the next, of the input and of the output.
  var strides: (from: Int, to: Int)
  /// How many transforms, and from the first element of one to that of the next.
  var count: Int
  var distances: (from: Int, to: Int)
}

enum FourierDirection: Int32 {
  case forward = -1
  case inverse = 1
}

/// A planned transform. It may run on many threads at a time.
final class FourierTransform<T: KernelScalar> {
  private let plan: OpaquePointer

  /// Plans on the memory of `from` and `to`, which is overwritten. `run` takes memory of the same alignment, equal
  /// pointers where these are equal. Only within `FourierPlanner.plan`.
  fileprivate init(
    _ shape: FourierShape, _ direction: FourierDirection, from: UnsafeMutablePointer<T>,
    to: UnsafeMutablePointer<T>
  ) {
    func dimension(_ count: Int, _ strides: (from: Int, to: Int)) -> fftw_iodim64 {
      fftw_iodim64(n: count, is: strides.from, os: strides.to)
    }
    var axis = dimension(shape.length, shape.strides)
    var many = dimension(shape.count, shape.distances)
    let (from, to) = (UnsafeMutableRawPointer(from), UnsafeMutableRawPointer(to))
    let plan =
      T.self == Float.self
      ? fftwf_plan_guru64_dft(
        1, &axis, 1, &many, from.assumingMemoryBound(to: fftwf_complex.self),
        to.assumingMemoryBound(to: fftwf_complex.self), direction.rawValue, FFTW_MEASURE)
      : fftw_plan_guru64_dft(
        1, &axis, 1, &many, from.assumingMemoryBound(to: fftw_complex.self),
        to.assumingMemoryBound(to: fftw_complex.self), direction.rawValue, FFTW_MEASURE)
    // FFTW has a way for every length.
    guard let plan else { preconditionFailure("no Fourier transform of \(shape)") }
    self.plan = plan
  }

  deinit {
    FourierPlanner.alone {
      if T.self == Float.self { fftwf_destroy_plan(plan) } else { fftw_destroy_plan(plan) }
    }
  }

  @inline(__always)
  func run(_ from: UnsafeMutablePointer<T>, to: UnsafeMutablePointer<T>) {
    let (from, to) = (UnsafeMutableRawPointer(from), UnsafeMutableRawPointer(to))
    if T.self == Float.self {
      fftwf_execute_dft(
        plan, from.assumingMemoryBound(to: fftwf_complex.self),
        to.assumingMemoryBound(to: fftwf_complex.self))
    } else {
      fftw_execute_dft(
        plan, from.assumingMemoryBound(to: fftw_complex.self), to.assumingMemoryBound(to: fftw_complex.self))
    }
  }
}

/// Lengths for which FFTW has code of one pass.
private let shortLengths: Set<Int> = Set(1...16).union([20, 25, 32, 64])

/// What a number of a transform of this length costs, the memory's part of a mesh's work included, in units of `meshCost`. Of transforms
/// side by side those of one pass take 0.3 to 0.5 ns for each complex number, others whose length is a multiple of four 0.9 to 1.3,
/// the rest 1.3 to 2.1 (one core, AVX-512, single precision).
func transformCost(length: Int) -> Double {
  shortLengths.contains(length) ? 1_800 : length % 4 == 0 ? 3_300 : 4_900
}

/// Of the products of 2, 3 and 5 from `count` to a quarter more that which makes the quickest cube; the first where there is none, and
/// of those that no mesh has.
func quickLength(atLeast count: Int) -> Int {
  func cost(_ length: Int) -> Double {
    let points = Double(length) * Double(length) * Double(length)
    return points * transformCost(length: length)
  }
  var (length, quickest) = (efficientLength(atLeast: count), efficientLength(atLeast: count))
  while length <= count + count / 4, length < 4_096 {
    if cost(length) < cost(quickest) { quickest = length }
    length = efficientLength(atLeast: length + 1)
  }
  return quickest
}

/// The next length from `count` upwards that is a product of 2, 3 and 5, the quickest for FFTW.
func efficientLength(atLeast count: Int) -> Int {
  var length = max(1, count)
  while [2, 3, 5].reduce(into: length, { rest, prime in while rest % prime == 0 { rest /= prime } }) != 1 {
    length += 1
  }
  return length
}

// MARK: - Planning

extension FourierPlanner {
  /// Plans transforms with `wisdom`, or where there is none with what an earlier run kept under `name`.
  ///
  /// - Returns: what `body` returns, and the wisdom of its transforms: `wisdom` itself if it was given.
  static func plan<T: KernelScalar, Result>(
    _: T.Type, name: String, wisdom: String?,
    _ body: (
      _ transform: (
        FourierShape, FourierDirection, UnsafeMutablePointer<T>, UnsafeMutablePointer<T>
      ) -> FourierTransform<T>
    ) -> Result
  ) -> (Result, wisdom: String) {
    let isSingle = T.self == Float.self
    return alone {
      let known = wisdom ?? keptWisdom(name)
      // Only what these transforms need is then exported.
      if isSingle { fftwf_forget_wisdom() } else { fftw_forget_wisdom() }
      let isTaken =
        known.map {
          (isSingle ? fftwf_import_wisdom_from_string($0) : fftw_import_wisdom_from_string($0)) == 1
        } ?? false
      let result = body { FourierTransform($0, $1, from: $2, to: $3) }
      if let wisdom { return (result, wisdom) }
      if let known, isTaken { return (result, known) }
      let text = isSingle ? fftwf_export_wisdom_to_string() : fftw_export_wisdom_to_string()
      defer { free(text) }
      let found = text.map { String(cString: $0) } ?? ""
      keep(found, name)
      return (result, found)
    }
  }
}
