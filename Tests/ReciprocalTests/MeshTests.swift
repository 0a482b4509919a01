import Foundation
import Lattice
import Testing

@testable import Reciprocal

/// Sources without any correlation, the hardest case for a mesh.
private func problem(cell: Cell, sigmas: [Double]) -> AttentionProblem {
  AttentionProblem(cell: cell, kernel: ReciprocalKernel(sigmas: sigmas), atoms: 60, heads: 4, width: 4)
}

@Test func meshReachesTheExactSumAtItsDefaultResolution() {
  for cell in Cell.triclinic {
    for sigmas in [[1.0], [1.0, 1.7]] {
      let problem = problem(cell: cell, sigmas: sigmas)
      let (mesh, exact) = (problem.solve(method: .mesh), problem.solve(method: .kSum))
      #expect(relativeDeviation(mesh.u, exact.u) < 2e-5)
      #expect(relativeDeviation(mesh.dq, exact.dq) < 2e-5)
      #expect(relativeDeviation(mesh.dk, exact.dk) < 2e-5)
      #expect(relativeDeviation(mesh.dv, exact.dv) < 2e-5)
      #expect(relativeDeviation(flat(mesh.positionGradient), flat(exact.positionGradient)) < 1e-4)
      #expect(relativeDeviation(flat(mesh.strainGradient), flat(exact.strainGradient)) < 1e-4)
    }
  }
}

/// A spline of order p errs by (h/sigma)^p in potentials and (h/sigma)^(p-1) in forces.
@Test(arguments: 4...8) func meshConvergesWithItsSpacingAtTheOrderOfItsSplines(order: Int) {
  let problem = problem(cell: Cell.triclinic[0], sigmas: [1.2])
  let exact = problem.solve(method: .kSum)
  func errors(spacing: Double) -> (potential: Double, force: Double) {
    let mesh = problem.solve(method: .mesh, mesh: MeshResolution(order: order, spacing: spacing))
    return (
      rmsDeviation(mesh.u, exact.u),
      rmsDeviation(flat(mesh.positionGradient), flat(exact.positionGradient))
    )
  }
  // 15, 15, 18 and 30, 30, 36 points.
  let (coarse, fine) = (errors(spacing: 0.395), errors(spacing: 0.1975))
  #expect(log2(coarse.potential / fine.potential) > Double(order) - 0.5)
  #expect(log2(coarse.force / fine.force) > Double(order) - 1.5)
}

@Test func splineWeightsArePartitionsOfUnityWithTheirDerivatives() {
  for order in 4...8 {
    func weights(_ fraction: Double) -> (values: SIMD8<Double>, slopes: SIMD8<Double>) {
      var splines = [SIMD8<Double>](repeating: .zero, count: 6)
      BSpline.fill(order: order, fraction: Vector3(0.3, fraction, 0.8), into: &splines)
      return (splines[1], splines[4])
    }
    for fraction in [0, 0.1, 0.5, 0.93] {
      let (values, slopes) = weights(fraction)
      #expect(abs(values.sum() - 1) < 1e-15 && abs(slopes.sum()) < 1e-15)
      for beyond in order..<8 { #expect(values[beyond] == 0 && slopes[beyond] == 0) }
      // The first moment of the weights is the source's own place, up to the spline's centre.
      let moment = (0..<order).reduce(0) { $0 + Double($1) * values[$1] }
      #expect(abs(moment - fraction - Double(order) / 2 + 1) < 1e-14)
    }
    let step = 1e-5
    let differences = (weights(0.4 + step).values - weights(0.4 - step).values) / (2 * step)
    for point in 0..<order { #expect(abs(differences[point] - weights(0.4).slopes[point]) < 1e-9) }
  }
}

@Test func anAtomARoundingErrorOutsideTheCellStaysOnTheMesh() {
  var inside = problem(cell: Cell.triclinic[0], sigmas: [1.2])
  inside.positions[0] = .zero
  var outside = inside
  outside.positions[0] = Vector3(repeating: -1e-18)
  #expect(relativeDeviation(outside.solve(method: .mesh).u, inside.solve(method: .mesh).u) < 1e-13)
}
