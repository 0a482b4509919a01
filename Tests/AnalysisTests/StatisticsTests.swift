// Errors of correlated series against series whose correlation is known.

import Foundation
import Lattice
import Testing

@testable import Analysis

/// x(n + 1) = phi x(n) + noise: g = (1 + phi)/(1 - phi), variance 1.
private func autoregressive(_ count: Int, _ phi: Double, stream: UInt32 = 10) -> [Double] {
  var x = random.normals(step: 0, atom: 0, stream: stream).x
  let noise = (1 - phi * phi).squareRoot()
  return (0..<count).map { n in
    x = phi * x + noise * random.normals(step: Int64(n + 1), atom: 0, stream: stream).x
    return x
  }
}

@Test(arguments: [0, 0.5, 0.9, 0.98])
func inefficiencyOfAnAutoregressiveSeriesIsTheKnownOne(_ phi: Double) {
  let count = 1 << 17
  let mean = BlockedMean(autoregressive(count, phi))
  let exact = (1 + phi) / (1 - phi)
  // The estimate scatters by sqrt(2 B/n), and blocks of B values miss about tau/B of it.
  #expect(abs(mean.inefficiency / exact - 1) < 0.2)
  #expect(mean.isResolved)
  #expect(abs(mean.effectiveCount * mean.inefficiency - Double(count)) < 1e-6)
  #expect(abs(mean.correlationTime(interval: 2) - mean.inefficiency) < 1e-9)
}

@Test func errorBarsHoldTheTrueMeanAsOftenAsTheyShould() throws {
  // 200 series of mean zero: 68 % within one error and 95 % within two, where errors are right.
  let ratios = try (0..<200).map { n in
    let mean = BlockedMean(autoregressive(4096, 0.8, stream: UInt32(100 + n)))
    return abs(mean.mean) / (try #require(mean.error))
  }
  let (one, two) = (ratios.count { $0 < 1 }, ratios.count { $0 < 2 })
  #expect((120...155).contains(one), "\(one) of 200 within one error")
  #expect(two >= 182, "\(two) of 200 within two errors")
}

@Test func shortSeriesSayThatTheirErrorIsALowerBound() {
  let slow = BlockedMean(autoregressive(64, 0.99))
  #expect(!slow.isResolved && slow.error != nil)
  #expect(BlockedMean([1, 2, 3]).error == nil)
  #expect(BlockedMean(Array(repeating: 0.1, count: 100)).error == 0)
  let finding = Finding("x", unit: "1", meanOf: autoregressive(64, 0.99), interval: 1)
  #expect(finding.note?.contains("lower bound") == true)
}

@Test func curvesHaveTheErrorsOfTheirPointsWhateverTheNumberOfFrames() throws {
  let series = [autoregressive(5000, 0.5), autoregressive(5000, 0.5, stream: 11)]
  var sums = BlockSums()
  for n in 0..<5000 { sums.add([series[0][n], 3 * series[1][n]]) }
  let errors = try #require(sums.errors())
  for (point, factor) in [(0, 1.0), (1, 3.0)] {
    let whole = BlockedMean(series[point].map { factor * $0 })
    #expect(abs(sums.mean[point] - whole.mean) < 1e-12)
    // Two estimates from blocks of unlike length, about 40 of them.
    #expect(abs(errors[point] / (try #require(whole.error)) - 1) < 0.35)
  }
}

@Test func equilibrationEndsWhereATransientHasDecayed() {
  let settling = autoregressive(4000, 0.5).enumerated().map { $1 + 20 * exp(-Double($0) / 100) }
  #expect((200...900).contains(Equilibration.start(of: settling)))
  #expect(Equilibration.start(of: autoregressive(4000, 0.5)) < 800)
  #expect(Equilibration.start(of: [1, 2, 3]) == 0)
}

@Test func jackknifeOfAMeanIsItsStandardError() throws {
  let series = autoregressive(4000, 0)
  let error = try #require(
    Jackknife.error(frames: 4000) { used in used.reduce(0) { $0 + series[$1] } / Double(used.count) })
  // Ten blocks: a scatter of 1/sqrt(18).
  #expect(abs(error * 4000.squareRoot() - 1) < 0.7)
  #expect(Jackknife.error(frames: 10) { _ in 1 } == nil)
}
