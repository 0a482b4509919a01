import Foundation
import Kernels
import Testing

@Test func exponentialsOfLanesAreThoseOfFoundation() {
  for step in stride(from: -80.0, through: 80, by: 0.37) {
    let single = Float.exp(SIMD16(repeating: Float(step)))
    let reference = exp(Double(Float(step)))
    for lane in 0..<16 { #expect(abs(Double(single[lane]) / reference - 1) <= 2 * Double(Float.ulpOfOne)) }
    let double = Double.exp(SIMD8(repeating: 8 * step))
    for lane in 0..<8 { #expect(abs(double[lane] / exp(8 * step) - 1) <= 2 * Double.ulpOfOne) }
  }
  let lanes = SIMD8<Double>(-1, 0, 1, -0.5, 0.5, 2, -3, 10)
  for lane in 0..<8 { #expect(abs(Double.exp(lanes)[lane] / exp(lanes[lane]) - 1) <= 2 * Double.ulpOfOne) }
}

@Test func exponentialsBeyondTheRangeOfTheTypeStayFinite() {
  #expect(Float.exp(SIMD16(repeating: 1000)).max().isFinite && Float.exp(SIMD16(repeating: -1000)).min() > 0)
  #expect(Double.exp(SIMD8(repeating: 1e4)).max().isFinite && Double.exp(SIMD8(repeating: -1e4)).min() > 0)
}
