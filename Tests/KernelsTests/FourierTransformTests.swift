import Foundation
import Kernels
import Testing

private func checkTransforms<T: KernelScalar>(_: T.Type, tolerance: Double) {
  let size = SIMD3(4, 6, 5)
  let (fields, stride) = (2, 3)
  let count = size.x * size.y * size.z
  var real = (0..<count * stride).map { T(($0 * 7919) % 101) / 101 - 0.5 }
  let half = size.z / 2 + 1
  var spectrum = [T](repeating: 0, count: 2 * size.x * size.y * half * stride)
  let transform = FourierTransform<T>(size: size, fields: fields, stride: stride)
  let original = real
  transform.forward(real: &real, spectrum: &spectrum)
  #expect(real == original)
  for field in 0..<fields {
    for n in [SIMD3(0, 0, 0), SIMD3(1, 0, 2), SIMD3(3, 5, 1), SIMD3(2, 4, 0)] {
      var (cosine, sine) = (0.0, 0.0)
      for g in 0..<count {
        let (x, y, z) = (g / (size.y * size.z), g / size.z % size.y, g % size.z)
        let turns =
          Double(n.x * x) / Double(size.x) + Double(n.y * y) / Double(size.y) + Double(n.z * z)
          / Double(size.z)
        cosine += Double(original[g * stride + field]) * cos(2 * .pi * turns)
        sine -= Double(original[g * stride + field]) * sin(2 * .pi * turns)
      }
      let index = 2 * (((n.x * size.y + n.y) * half + n.z) * stride + field)
      #expect(abs(Double(spectrum[index]) - cosine) < tolerance)
      #expect(abs(Double(spectrum[index + 1]) - sine) < tolerance)
    }
  }
  transform.inverse(spectrum: &spectrum, real: &real)
  for g in 0..<count * stride where g % stride < fields {
    #expect(abs(Double(real[g]) / Double(count) - Double(original[g])) < tolerance)
  }
}

@Test func fourierTransformsAgreeWithTheirDefinition() {
  checkTransforms(Double.self, tolerance: 1e-13)
  checkTransforms(Float.self, tolerance: 2e-5)
}

@Test func efficientSizesAreEvenAndSmooth() {
  #expect([1, 7, 13, 21, 31, 97].map(FourierTransform<Float>.efficientSize) == [2, 8, 14, 24, 32, 98])
}
