// Shear viscosity of stresses whose correlation is known.

import Foundation
import Lattice
import Testing

@testable import Analysis

/// P_ab of a liquid that forgets: each independent component an autoregressive series of variance `sigma`^2 (bar^2) and correlation
/// time `tau`, isotropic, over a pressure that has nothing to say.
private func liquid(_ frames: Int, sigma: Double, tau: Double, interval: Double = 2) -> [TrajectoryFrame] {
  let phi = exp(-interval / tau)
  let noise = (1 - phi * phi).squareRoot()
  var series = (0..<5).map { random.normals(step: 0, atom: $0, stream: 50).x }
  var frame = randomFrame(0)
  return (0..<frames).map { n in
    if n > 0 {
      for k in 0..<5 {
        series[k] = phi * series[k] + noise * random.normals(step: Int64(n), atom: k, stream: 50).x
      }
    }
    // Of an isotropic liquid <(P_xx - P_yy)^2> = 4 <P_xy^2>: two traceless diagonals of variance 2 each, along unit vectors.
    let (a, b) = (sigma * series[3], sigma * series[4])
    let d = [
      a + b / 3.squareRoot(), -a + b / 3.squareRoot(), -2 * b / 3.squareRoot(),
    ]
    let values = [1000 + d[0], 1000 + d[1], 1000 + d[2]] + (0..<3).map { sigma * series[$0] }
    frame.time = Double(n) * interval
    for (name, value) in zip(ShearViscosity.components, values) { frame.observables[name] = value }
    return frame
  }
}

@Test func viscosityOfAnExponentialMemoryIsItsHeightTimesItsLength() throws {
  let (sigma, tau) = (500.0, 20.0)
  let frames = liquid(40_000, sigma: sigma, tau: tau)
  let found = try findings(ShearViscosity(Composition(frames[0]), longest: 200), frames)
  // V sigma^2 tau / (k_B T) in SI; the trapezoidal sum over 2 fs differs by 8e-4, what is beyond 200 fs by 5e-5.
  let volume = triclinic.volume * 1e-30
  let exact = volume * pow(sigma * 1e5, 2) * tau * 1e-15 / (1.380649e-23 * 300) * 1e3
  let number = try #require(found.number("viscosity"))
  let (value, error) = (try #require(number.value), try #require(number.error))
  #expect(abs(value - exact) < 4 * error && error < 0.06 * exact, "\(value) +- \(error), exactly \(exact)")
  let table = try #require(found.table("viscosity"))
  let correlation = try #require(table[column: "stress_correlation"])
  #expect(abs(correlation[0] / (sigma * sigma) - 1) < 0.05 && correlation.count == 101)
  #expect(table[column: "viscosity"]?.last == value && table[column: "viscosity"]?.first == 0)
  #expect(found.notes.count == 1, "\(found.notes)")
}

@Test func viscosityIsThatOfASlowDoubleSumOverAllComponents() throws {
  let frames = liquid(120, sigma: 300, tau: 15)
  let found = try findings(ShearViscosity(Composition(frames[0]), longest: 30), frames)
  let tensors = frames.map { frame -> Matrix3 in
    let p = ShearViscosity.components.map { frame.observables[$0] ?? 0 }
    let full = Matrix3([p[0], p[5], p[4]], [p[5], p[1], p[3]], [p[4], p[3], p[2]])
    return full - .identity * (full.trace / 3)
  }
  var integral = 0.0
  var before = 0.0
  for m in 0...15 {
    var sum = 0.0
    for k in 0..<120 - m {
      for a in 0..<3 { for b in 0..<3 { sum += tensors[k][a][b] * tensors[k + m][a][b] } }
    }
    let correlation = sum / Double(120 - m) / 10
    #expect(
      abs((try #require(found.table("viscosity")?[column: "stress_correlation"]?[m])) - correlation)
        < 1e-9 * 9e4)
    if m > 0 { integral += (before + correlation) / 2 * 2 }
    before = correlation
  }
  let exact = triclinic.volume * 1e-30 * integral * 1e10 * 1e-15 / (1.380649e-23 * 300) * 1e3
  let value = try #require(found.number("viscosity")?.value)
  #expect(abs(value - exact) < 1e-6 * abs(exact), "\(value), not \(exact)")
}

@Test func viscositySaysWhatItLacks() throws {
  let frames = liquid(120, sigma: 300, tau: 1e6)
  #expect(throws: AnalysisError.self) { try ShearViscosity(Composition(randomFrame(0))) }
  #expect(throws: AnalysisError.self) {
    try findings(ShearViscosity(Composition(frames[0])), Array(frames.prefix(99)))
  }
  #expect(throws: AnalysisError.self) {
    try findings(ShearViscosity(Composition(frames[0]), longest: 1000), frames)
  }
  var lacking = frames
  lacking[7].observables["pressure_xy"] = nil
  #expect(throws: AnalysisError.self) { try findings(ShearViscosity(Composition(frames[0])), lacking) }
  // A stress that stays is that of a solid, or of a run too short.
  let found = try findings(ShearViscosity(Composition(frames[0])), frames)
  #expect(found.notes.contains { $0.contains("still remembers itself") })
}
