import Foundation
import Kernels
import Lattice
import Testing

@testable import Reciprocal

/// Three transforms side by side of strided data against the sum that defines them, then back in place.
private func checkTransforms<T: KernelScalar>(_: T.Type, tolerance: Double) {
  let (count, stride) = (3, 5)
  for length in [1, 2, 3, 4, 5, 8, 12, 15, 30, 36, 100] {
    let data = Workspace<T>(capacity: 2 * length * stride)
    let spectrum = Workspace<T>(capacity: 2 * length * count)
    let ((forward, inverse), wisdom) = FourierPlanner.plan(T.self, name: "test", wisdom: "") { plan in
      func shape(_ from: Int, _ to: Int) -> FourierShape {
        FourierShape(length: length, strides: (from, to), count: count, distances: (1, 1))
      }
      return (
        plan(shape(stride, count), .forward, data.pointer, spectrum.pointer),
        plan(shape(count, count), .inverse, spectrum.pointer, spectrum.pointer)
      )
    }
    #expect(wisdom.isEmpty)
    var random = UInt64(length)
    let original = (0..<2 * length * stride).map { _ in
      random = random &* 6_364_136_223_846_793_005 &+ 1
      return T(Int64(bitPattern: random) >> 40) / T(1 << 23)
    }
    data.pointer.update(from: original, count: original.count)
    forward.run(data.pointer, to: spectrum.pointer)
    #expect(Array(UnsafeBufferPointer(start: data.pointer, count: original.count)) == original)
    for c in 0..<count {
      for n in 0..<length {
        var (re, im) = (0.0, 0.0)
        for g in 0..<length {
          let angle = -2 * .pi * Double(n * g % length) / Double(length)
          let (a, b) = (Double(original[2 * (g * stride + c)]), Double(original[2 * (g * stride + c) + 1]))
          re += a * cos(angle) - b * sin(angle)
          im += a * sin(angle) + b * cos(angle)
        }
        #expect(abs(Double(spectrum.pointer[2 * (n * count + c)]) - re) < tolerance)
        #expect(abs(Double(spectrum.pointer[2 * (n * count + c) + 1]) - im) < tolerance)
      }
    }
    inverse.run(spectrum.pointer, to: spectrum.pointer)
    for g in 0..<length {
      for c in 0..<2 * count {
        let back = spectrum.pointer[2 * g * count + c] / T(length)
        #expect(abs(Double(back - original[2 * g * stride + c])) < tolerance)
      }
    }
  }
}

@Test func fourierTransformsAgreeWithTheirDefinition() {
  checkTransforms(Double.self, tolerance: 5e-14)
  checkTransforms(Float.self, tolerance: 1e-5)
}

@Test func efficientLengthsAreProductsOfTwoThreeAndFive() {
  #expect([1, 7, 13, 21, 31, 97].map(efficientLength) == [1, 8, 15, 24, 32, 100])
}

@Test func quickLengthsGoInOnePassWhereThatIsNear() {
  #expect([9, 15, 17, 20, 21, 25, 26, 50].map(quickLength) == [9, 15, 20, 20, 25, 25, 32, 50])
  #expect([33, 45, 52, 60, 65].map(quickLength) == [36, 48, 64, 64, 72])
  #expect((1...100).allSatisfy { quickLength(atLeast: $0) >= $0 })
}

/// Which of its ways FFTW takes is a matter of its wisdom alone: the machine's, a plan's, or none.
@Test(arguments: [1, 2]) func equalWisdomGivesEqualBits(threads: Int) throws {
  let problem = AttentionProblem(
    cell: Cell.triclinic[0], kernel: ReciprocalKernel(sigmas: [1.0]), atoms: 60, heads: 17, width: 34)
  func attention() -> PlannedAttention<Float> {
    problem.makeAttention(as: Float.self, method: .mesh, threads: threads)
  }
  let first = attention()
  let expected = problem.run(first)
  let plan = try #require(first.plan)
  let settled = try first.sum.settled(plan, atoms: 60)
  #expect(settled.wisdom?.contains("fftw") == true)
  let second = attention()
  second.wisdom = settled.wisdom
  let found = problem.run(second)
  #expect(found.u == expected.u && found.positionGradient == expected.positionGradient)
  // What is no wisdom is none.
  for wisdom in ["", "(fftw-3.3.5 fftwf_wisdom #x0 #x0 #x0 #x0\n)", "moon"] {
    let other = attention()
    other.wisdom = wisdom
    #expect(relativeDeviation(problem.run(other).u.map(Double.init), expected.u.map(Double.init)) < 1e-5)
  }
}
