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

/// What a window of p points leaves out falls exponentially with p; with the spacing fixed in units of sigma.
@Test(arguments: 4...7) func everyPointOfTheWindowMakesTheMeshMuchMoreAccurate(order: Int) {
  let problem = problem(cell: Cell.triclinic[0], sigmas: [1.2])
  let exact = problem.solve(method: .kSum)
  func errors(order: Int) -> (potential: Double, force: Double) {
    let mesh = problem.solve(method: .mesh, mesh: MeshResolution(order: order, spacing: 0.45))
    return (
      rmsDeviation(mesh.u, exact.u),
      rmsDeviation(flat(mesh.positionGradient), flat(exact.positionGradient))
    )
  }
  let (narrow, wide) = (errors(order: order), errors(order: order + 1))
  #expect(narrow.potential > 4 * wide.potential)
  #expect(narrow.force > 4 * wide.force)
}

/// The finer windows of double precision.
@Test(arguments: [8, 10, 12, 14, 16], [4, 5, 17]) func widerWindowsMakeTheMeshExactToTenDigits(
  order: Int, columns: Int
) {
  for cell in Cell.triclinic {
    let problem = AttentionProblem(
      cell: cell, kernel: ReciprocalKernel(sigmas: [1.1]), atoms: 40, heads: columns, width: columns)
    let exact = problem.solve(method: .kSum)
    let mesh = problem.solve(method: .mesh, threads: 2, mesh: MeshResolution(order: order, spacing: 0.45))
    let allowed = max(3e-6 * pow(0.15, Double(order - 8)), 2e-11)
    #expect(rmsDeviation(mesh.u, exact.u) < allowed)
    #expect(rmsDeviation(mesh.dk, exact.dk) < allowed)
    #expect(rmsDeviation(flat(mesh.positionGradient), flat(exact.positionGradient)) < 4 * allowed)
    #expect(rmsDeviation(flat(mesh.strainGradient), flat(exact.strainGradient)) < 4 * allowed)
  }
}

@Test(arguments: 4...8) func windowsAreSmoothWhereTheirPiecesMeetAndEnd(order: Int) {
  let window = MeshWindow<Double>(order: order, shape: 2.1 * Double(order))
  let (start, end) = (window.evaluate(0), window.evaluate(1))
  // Point i at the end of a cell is point i - 1 at the start of the next.
  for i in 1..<order {
    #expect(abs(end.values[i] - start.values[i - 1]) < 1e-10)
    #expect(abs(end.slopes[i] - start.slopes[i - 1]) < 1e-8)
  }
  #expect(abs(end.values[0]) < 1e-10 && abs(start.values[order - 1]) < 1e-10)
  #expect(abs(end.slopes[0]) < 1e-8 && abs(start.slopes[order - 1]) < 1e-8)
  for beyond in order..<16 { #expect(end.values[beyond] == 0 && end.slopes[beyond] == 0) }
}

@Test(arguments: 4...8) func windowsFollowTheKaiserBesselFunctionAndTheirSlopesTheirValues(order: Int) {
  let shape = 2.1 * Double(order)
  let window = MeshWindow<Double>(order: order, shape: shape)
  // I_2(x) = (1 / pi) integral of exp(x cos a) cos 2 a over 0 ... pi.
  func bessel(_ x: Double) -> Double {
    let points = 200
    return (0..<points).reduce(0) {
      let a = Double.pi * (Double($1) + 0.5) / Double(points)
      return $0 + exp(x * cos(a)) * cos(2 * a) / Double(points)
    }
  }
  let (fraction, step) = (0.37, 1e-5)
  let (values, slopes) = window.evaluate(fraction)
  let differences =
    (window.evaluate(fraction + step).values - window.evaluate(fraction - step).values) / (2 * step)
  for i in 0..<order {
    let z = 2 * (fraction + Double(order - 1 - i)) / Double(order) - 1
    let rest = 1 - z * z
    #expect(abs(values[i] - rest * bessel(shape * rest.squareRoot()) / bessel(shape)) < 1e-9)
    #expect(abs(slopes[i] - differences[i]) < 1e-8)
  }
}

/// What is asked is the mean over random places of the atoms.
@Test(arguments: [[1.0], [1.0, 1.7]])
func chosenMeshIsAsAccurateAsAskedAndHardlyMore(sigmas: [Double]) throws {
  for asked in [1e-3, 1e-4, 1e-5] {
    let squares = try (1...8).map { seed in
      let problem = AttentionProblem(
        cell: Cell.triclinic[0], kernel: ReciprocalKernel(sigmas: sigmas), atoms: 60, heads: 4, width: 4,
        seed: UInt64(seed))
      let exact = flat(problem.solve(method: .kSum).positionGradient)
      let size = (exact.reduce(0) { $0 + $1 * $1 } / Double(exact.count)).squareRoot()
      let attention: PlannedAttention<Double> = problem.makeAttention(method: .mesh)
      attention.measuresSources = true
      _ = problem.run(attention)
      let accuracy = MeshAccuracy(forces: asked * size, energy: .infinity)
      let resolution = try #require(attention.sum.sufficientResolution(accuracy))
      let mesh = flat(problem.solve(method: .mesh, mesh: resolution).positionGradient)
      let error = rmsDeviation(mesh, exact)
      return error * error
    }
    let error = (squares.reduce(0, +) / Double(squares.count)).squareRoot()
    #expect(error < asked && error > asked / 100)
  }
}

/// A coarse mesh leaves out long wavevectors, and with them a part of what every atom's sources have as energy with themselves: the
/// energy errs by it in the mean over places of the atoms, and no coarser mesh is chosen than was asked for.
@Test func energyErrsByTheSelfTermsThatWereForeseen() throws {
  let resolution = MeshResolution(order: 8, spacing: 0.8)
  let (samples, atoms) = (12, 60)
  let ratios = try (1...samples).map { seed in
    var problem = AttentionProblem(
      cell: Cell.triclinic[0], kernel: ReciprocalKernel(sigmas: [1.0]), atoms: atoms, heads: 4, width: 4,
      seed: UInt64(seed))
    // E = sum X G X.
    problem.filter = problem.filter.map { _ in 1 }
    problem.q = problem.q.map { _ in 1 }
    problem.coefficients = zip(problem.k, problem.v).map { $0 * $1 }
    func energy(_ u: [Double]) -> Double { zip(problem.coefficients, u).reduce(0.0) { $0 + $1.0 * $1.1 } }
    let exact = energy(problem.solve(method: .kSum).u)
    let error = energy(problem.solve(method: .mesh, mesh: resolution).u) - exact
    let attention: PlannedAttention<Double> = problem.makeAttention(method: .mesh, mesh: resolution)
    attention.measuresSources = true
    _ = problem.run(attention)
    let (layer, waves) = (attention.sum.layers[0], try #require(attention.sum.waves))
    let foreseen =
      layer.overlaps[0] * attention.sum.fieldErrors(resolution, waves, problem.cell).selfTerms[0]
    let chosen = try #require(
      attention.sum.sufficientResolution(
        MeshAccuracy(forces: .infinity, energy: 0.9 * foreseen / Double(atoms))))
    let finer = attention.sum.fieldErrors(chosen, waves, problem.cell).selfTerms[0]
    #expect(layer.overlaps[0] * finer < foreseen)
    return -error / foreseen
  }
  let mean = ratios.reduce(0, +) / Double(samples)
  #expect(abs(mean - 1) < 0.1)
}

/// Blocks of vectors, of single fields, and of both; the last of either not always full.
@Test(arguments: [1, 2, 3, 5, 8, 9, 16, 21, 33, 40, 49])
func anyNumberOfColumnsGivesTheSameSum(columns: Int) {
  for cell in Cell.triclinic {
    let problem = AttentionProblem(
      cell: cell, kernel: ReciprocalKernel(sigmas: [1.0, 1.7]), atoms: 30, heads: columns, width: columns)
    let exact = problem.solve(method: .kSum)
    let resolution = MeshResolution(order: 8, spacing: 0.45)
    let mesh = problem.solve(method: .mesh, mesh: resolution)
    let single = problem.solve(as: Float.self, method: .mesh, threads: 3, mesh: resolution)
    #expect(relativeDeviation(mesh.u, exact.u) < 2e-6)
    #expect(relativeDeviation(mesh.dk, exact.dk) < 2e-6)
    #expect(relativeDeviation(flat(mesh.positionGradient), flat(exact.positionGradient)) < 1e-5)
    #expect(relativeDeviation(flat(mesh.strainGradient), flat(exact.strainGradient)) < 1e-5)
    #expect(relativeDeviation(single.u.map(Double.init), mesh.u) < 1e-5)
    #expect(relativeDeviation(flat(single.positionGradient), flat(mesh.positionGradient)) < 1e-4)
  }
}

@Test func anAtomARoundingErrorOutsideTheCellStaysOnTheMesh() {
  var inside = problem(cell: Cell.triclinic[0], sigmas: [1.2])
  inside.positions[0] = .zero
  var outside = inside
  outside.positions[0] = Vector3(repeating: -1e-18)
  #expect(relativeDeviation(outside.solve(method: .mesh).u, inside.solve(method: .mesh).u) < 1e-13)
}
