import Foundation
import Kernels
import Testing

@testable import Reciprocal

/// Transforms of strided data against the sum that defines them, then back.
private func checkTransforms<T: KernelScalar, V: LaneVector>(
  _: V.Type, as _: T.Type, tolerance: Double
) where V.Scalar == T {
  let width = V.scalarCount
  for length in [1, 2, 3, 4, 5, 8, 12, 15, 30, 36, 100] {
    // Real parts, then imaginary parts, with a gap after every vector.
    let (stride, imaginary) = (width + 3, length * (width + 3))
    var random = UInt64(length)
    let original = (0..<2 * imaginary).map { _ in
      random = random &* 6_364_136_223_846_793_005 &+ 1
      return T(Int64(bitPattern: random) >> 40) / T(1 << 23)
    }
    var data = original
    let transform = FourierTransform<T>(length: length)
    var scratch = [T](repeating: 0, count: transform.scratchCount * width)
    var spectrum = [T](repeating: 0, count: 2 * length * width)
    transform.run(
      .forward, as: V.self, from: &data, imaginary: imaginary, stride: stride, to: &spectrum,
      imaginary: width,
      stride: 2 * width, scratch: &scratch)
    #expect(data == original)
    for lane in 0..<width {
      for n in 0..<length {
        var (re, im) = (0.0, 0.0)
        for g in 0..<length {
          let angle = -2 * .pi * Double(n * g % length) / Double(length)
          let (a, b) = (Double(data[g * stride + lane]), Double(data[imaginary + g * stride + lane]))
          re += a * cos(angle) - b * sin(angle)
          im += a * sin(angle) + b * cos(angle)
        }
        #expect(abs(Double(spectrum[2 * n * width + lane]) - re) < tolerance)
        #expect(abs(Double(spectrum[(2 * n + 1) * width + lane]) - im) < tolerance)
      }
    }
    // In place.
    spectrum.withUnsafeMutableBufferPointer { buffer in
      guard let place = buffer.baseAddress else { return }
      transform.run(
        .inverse, as: V.self, from: place, imaginary: width, stride: 2 * width, to: place, imaginary: width,
        stride: 2 * width, scratch: &scratch)
    }
    for g in 0..<length {
      for lane in 0..<width {
        let (re, im) = (spectrum[2 * g * width + lane], spectrum[(2 * g + 1) * width + lane])
        #expect(abs(Double(re / T(length) - data[g * stride + lane])) < tolerance)
        #expect(abs(Double(im / T(length) - data[imaginary + g * stride + lane])) < tolerance)
      }
    }
  }
}

@Test func fourierTransformsAgreeWithTheirDefinition() {
  checkTransforms(Double.Lanes.self, as: Double.self, tolerance: 5e-14)
  checkTransforms(SIMD4<Double>.self, as: Double.self, tolerance: 5e-14)
  checkTransforms(Float.Lanes.self, as: Float.self, tolerance: 1e-5)
}

@Test func efficientLengthsAreProductsOfTwoThreeAndFive() {
  #expect([1, 7, 13, 21, 31, 97].map(FourierTransform<Float>.efficientLength) == [1, 8, 15, 24, 32, 100])
}
