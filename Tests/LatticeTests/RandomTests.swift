import Testing

@testable import Lattice

@Suite struct RandomTests {
  /// kat_vectors of Random123 1.14 (https://github.com/DEShawResearch/random123), "philox4x32 10".
  @Test func philoxGivesThePublishedAnswers() {
    #expect(
      Philox.block(counter: .zero, key: .zero) == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
    #expect(
      Philox.block(counter: .init(repeating: .max), key: .init(repeating: .max))
        == [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd])
    #expect(
      Philox.block(
        counter: [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], key: [0xa409_3822, 0x299f_31d0])
        == [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1])
  }

  @Test func numbersAreAFunctionOfTheirAddress() {
    let generator = CounterRNG(seed: 42)
    let u = generator.uniforms(step: 7, atom: 3, stream: 1)
    #expect(u == CounterRNG(seed: 42).uniforms(step: 7, atom: 3, stream: 1))
    // Every part of the address matters, its upper words too, and the four numbers of one address differ.
    let others = [
      CounterRNG(seed: 43).uniforms(step: 7, atom: 3, stream: 1),
      CounterRNG(seed: 42 + 1 << 32).uniforms(step: 7, atom: 3, stream: 1),
      generator.uniforms(step: 8, atom: 3, stream: 1),
      generator.uniforms(step: 7 + 1 << 32, atom: 3, stream: 1),
      generator.uniforms(step: -7, atom: 3, stream: 1), generator.uniforms(step: 7, atom: 4, stream: 1),
      generator.uniforms(step: 7, atom: 3, stream: 0), generator.uniforms(step: 7, atom: 3, stream: 2),
      generator.uniforms(step: 7, atom: 3, stream: 1 << 30),
    ]
    let all = ([u] + others).flatMap { [$0.x, $0.y, $0.z, $0.w] }
    #expect(Set(all).count == 4 * (1 + others.count))
  }

  @Test func uniformsFillTheOpenUnitInterval() {
    var moments = Moments()
    var least = 1.0
    var greatest = 0.0
    for atom in 0..<100_000 {
      let u = CounterRNG(seed: 1).uniforms(step: 0, atom: atom, stream: 0)
      for lane in 0..<4 { moments.add(u[lane] - 0.5) }
      least = min(least, u.min())
      greatest = max(greatest, u.max())
    }
    #expect(least > 0 && least < 1e-4 && greatest < 1 && greatest > 1 - 1e-4)
    // Five standard errors of 400,000 samples.
    #expect(abs(moments.mean(1)) < 5 * (1.0 / 12 / 4e5).squareRoot())
    #expect(abs(moments.mean(2) - 1.0 / 12) < 5 * (1.0 / 180 / 4e5).squareRoot())
  }

  @Test func normalsHaveTheMomentsOfAGaussian() {
    let count = 200_000
    var axes = [Moments(), Moments(), Moments()]
    var products = Vector3.zero
    var successive = 0.0
    var last = 0.0
    for step in 0..<count {
      let n = CounterRNG(seed: 2026).normals(step: Int64(step), atom: 5, stream: 3)
      for axis in 0..<3 { axes[axis].add(n[axis]) }
      products += Vector3(n.x * n.y, n.y * n.z, n.z * n.x)
      successive += last * n.x
      last = n.x
    }
    // Five standard errors: var(x^k) = <x^2k> - <x^k>^2 = 1, 2, 15, 96 for k = 1 ... 4.
    let error = 5 / Double(count).squareRoot()
    for moments in axes {
      #expect(abs(moments.mean(1)) < error)
      #expect(abs(moments.mean(2) - 1) < error * 2.squareRoot())
      #expect(abs(moments.mean(3)) < error * 15.squareRoot())
      #expect(abs(moments.mean(4) - 3) < error * 96.squareRoot())
    }
    for axis in 0..<3 { #expect(abs(products[axis]) / Double(count) < error) }
    #expect(abs(successive) / Double(count) < error)
  }
}

/// Sums of powers.
private struct Moments {
  var count = 0.0
  var sums = SIMD4<Double>.zero

  mutating func add(_ x: Double) {
    count += 1
    sums += SIMD4(x, x * x, x * x * x, x * x * x * x)
  }

  func mean(_ power: Int) -> Double { sums[power - 1] / count }
}
