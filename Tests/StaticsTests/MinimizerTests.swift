// The algorithms by themselves, on surfaces that are known.

import Lattice
import Testing

@testable import Statics

/// -r scaled by stiffness along x, y and z.
private func anharmonicForce(_ r: Vector3) -> Vector3 { -Vector3(1, 10, 100) * (r + r * r * r) }

@Test func displacementsKeepToTheirLimit() {
  for method in [MinimizerMethod.fire, .lbfgs] {
    var minimizer = method.minimizer(largestStep: 0.05)
    var r: [Vector3] = [[3, 2, 1], [-1, 2, 0.5]]
    for _ in 0..<300 {
      let step = minimizer.displacement(for: r.map(anharmonicForce))
      #expect(step.largest <= 0.05 * (1 + 1e-14))
      r = r.adding(step, times: 1)
    }
    #expect(r.largest < 0.5)
  }
}

/// Three different curvatures and three pairs: then H is the inverse of the Hessian on the space of the pairs.
@Test func lbfgsIsExactOnAQuadraticSurfaceAfterAsManyStepsAsDimensions() {
  var minimizer = LBFGS(largestStep: 100)
  var r: [Vector3] = [[1, 1, 1]]
  let stiffness = Vector3(2, 30, 70)
  var sizes: [Double] = []
  for _ in 0..<14 {
    r = r.adding(minimizer.displacement(for: r.map { -stiffness * $0 }), times: 1)
    sizes.append(r.norm)
  }
  #expect(sizes.last.map { $0 < 1e-9 } == true, "\(sizes)")
}

@Test func negativeCurvatureNeverTurnsTheDirectionUphill() {
  // A ridge along x, a valley along y.
  var minimizer = LBFGS(largestStep: 0.1)
  var r: [Vector3] = [[0.01, 0.5, 0]]
  for _ in 0..<40 {
    let f = r.map { Vector3($0.x, -4 * $0.y, 0) }
    let step = minimizer.displacement(for: f)
    #expect(dot(step, f) > 0)
    r = r.adding(step, times: 1)
  }
  #expect(r[0].x > 0.3)
}

/// The equations of FIRE.swift, one number at a time.
@Test func fireFollowsItsEquations() {
  var minimizer = FIRE(largestStep: 10)
  let k = 60.0
  var (x, v, dt, alpha, count) = (1.0, 0.0, 0.1, 0.25, 0)
  var r: [Vector3] = [[1, 0, 0]]
  for step in 0..<80 {
    let f = -k * x
    if f * v > 0 {
      count += 1
      if count > 20 { (dt, alpha) = (min(dt * 1.1, 1), alpha * 0.99) }
    } else if v != 0 {
      (count, dt, alpha) = (0, max(dt / 2, 0.002), 0.25)
      x -= v * dt / 2
      v = 0
      r = r.adding(minimizer.displacement(for: r.map { -k * $0 }), times: 1)
      #expect(abs(r[0].x - x) < 1e-12, "\(step)")
      continue
    }
    v += f * dt
    v = (1 - alpha) * v + alpha * (f < 0 ? -1 : 1) * abs(v)
    x += v * dt
    r = r.adding(minimizer.displacement(for: r.map { -k * $0 }), times: 1)
    #expect(abs(r[0].x - x) < 1e-12, "\(step)")
  }
}
