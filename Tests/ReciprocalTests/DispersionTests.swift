import Foundation
import Kernels
import Lattice
import Testing

@testable import Reciprocal

/// [1 - exp(-y) (1 + y + y^2/2)] / r^6 with y = r^2 / 2 sigma^2, as an integral over Gaussians (Simpson's rule).
func dampedDispersion(_ r: Double, sigma: Double) -> Double {
  let limit = 1 / (2 * sigma * sigma)
  if r * r * limit > 1 {
    let y = r * r * limit
    return (1 - exp(-y) * (1 + y + y * y / 2)) / pow(r, 6)
  }
  let steps = 2000
  return (0...steps).reduce(0) { sum, i in
    let t = limit * Double(i) / Double(steps)
    let weight = i == 0 || i == steps ? 1.0 : i % 2 == 0 ? 2 : 4
    return sum + weight * limit / Double(3 * steps) * t * t * exp(-t * r * r) / 2
  }
}

/// With all images, pair by pair up to a distance, beyond which the sum is an integral.
func dispersionSum(_ r: Vector3, in cell: Cell, sigma: Double) -> Double {
  let axes = (0..<3).filter { cell.isPeriodic[$0] }
  guard !axes.isEmpty else { return dampedDispersion(length(r), sigma: sigma) }
  let reach = axes.count == 3 ? 200.0 : axes.count == 2 ? 200 : 2_000
  var sum = 0.0
  func visit(_ d: Vector3, _ rest: [Int]) {
    guard let axis = rest.first else {
      let distance = length(d)
      if distance < reach { sum += dampedDispersion(distance, sigma: sigma) }
      return
    }
    let limit = Int(((reach + 30) / cell.heights[axis]).rounded(.up))
    for n in -limit...limit { visit(d + Double(n) * cell.vectors[axis], Array(rest.dropFirst())) }
  }
  visit(r, axes)
  // Points of a lattice are as dense as their cell is large.
  switch axes.count {
  case 3: return sum + 4 * .pi / (3 * cell.volume * pow(reach, 3))
  case 2:
    let area = length(cross(cell.vectors[axes[0]], cell.vectors[axes[1]]))
    return sum + .pi / (2 * area * pow(reach, 4))
  default: return sum + 2 / (5 * length(cell.vectors[axes[0]]) * pow(reach, 5))
  }
}

private let shape = Matrix3([7.1, 0.3, 0], [1.2, 8.3, -0.4], [-0.8, 1.7, 9.2])
private let cells = [
  Cell.triclinic[1], .free, Cell(vectors: shape, isPeriodic: [true, false, false]),
  Cell(vectors: shape, isPeriodic: [false, true, true]),
]
private let exactMesh = MeshResolution(order: 16, spacing: 0.3)

/// Coulomb's kernel and that of dispersion, mixed; with few atoms, since the slow sum has millions of images.
private func problem(_ cell: Cell, atoms: Int = 3, tolerance: Double = 1e-14) -> AttentionProblem {
  AttentionProblem(
    cell: cell,
    kernel: ReciprocalKernel(sigmas: [1.3, 1.3], tails: [.coulomb, .dispersion], tolerance: tolerance),
    atoms: atoms, heads: 3, width: 3, seed: 11)
}

@Test func theKernelOfDispersionAndItsSlopeAreThoseOfItsGaussians() {
  let kernel = DispersionKernel(sigma: 1.7)
  for r in stride(from: 0.0, to: 12, by: 0.13) {
    let (value, slope) = kernel.value(distanceSquared: r * r)
    let exact = dampedDispersion(r, sigma: 1.7)
    #expect(abs(value - exact) < 1e-13 * exact)
    let h = 1e-3
    func g(_ r: Double) -> Double { kernel.value(distanceSquared: r * r).value }
    let derivative = (8 * (g(r + h) - g(r - h)) - (g(r + 2 * h) - g(r - 2 * h))) / (12 * h)
    #expect(abs(slope * r - derivative) < 1e-9 * exact)
  }
  // To 1 % from 4.1 sigma on.
  let r = 4.1 * 1.7
  #expect(abs(kernel.value(distanceSquared: r * r).value * pow(r, 6) - 1) < 0.0101)
}

/// F(k) = 4 pi / k integral of r sin(kr) G(r) dr, by Simpson's rule to a distance beyond which it is that of r^-5.
@Test func theTransformOfDispersionIsThatOfItsKernel() {
  let kernel = DispersionKernel(sigma: 1.7)
  for k in [0.0, 0.3, 0.9, 2, 3.1] {
    let (last, steps) = (120.0, 48_000)
    var sum = 0.0
    for i in 1...steps {
      let r = last * Double(i) / Double(steps)
      let weight = i == steps ? 1.0 : i % 2 == 0 ? 2 : 4
      let wave = k == 0 ? r : sin(k * r) / k
      sum +=
        weight * last / Double(3 * steps) * 4 * .pi * r * wave * kernel.value(distanceSquared: r * r).value
    }
    if k == 0 { sum += 4 * .pi / (3 * pow(last, 3)) }
    #expect(abs(sum - kernel.transform(kSquared: k * k)) < 5e-9)
    let h = 1e-4
    guard k > 0 else { continue }
    let difference = log(kernel.transform(kSquared: k * k + h)) - log(kernel.transform(kSquared: k * k - h))
    #expect(abs(difference / (2 * h) - kernel.logTransformSlope(kSquared: k * k)) < 1e-6)
  }
}

/// Sum of r^-6 over a face-centred cubic lattice of unit distances (Jones and Ingham 1925): 14.4539210437.
@Test(arguments: [AttentionMethod.pairwise, .ewald, .kSum, .mesh])
func dispersionOfALatticeIsItsLatticeSum(method: AttentionMethod) throws {
  let cell = Cell(vectors: Matrix3([0, 1, 1], [1, 0, 1], [1, 1, 0]) * 0.5.squareRoot())
  let sigma = 0.3
  let attention = PlannedAttention<Double>(
    kernel: ReciprocalKernel(sigmas: [sigma], tails: [.dispersion], tolerance: 1e-14), heads: 1, width: 1,
    layers: 1,
    method: method)
  attention.mesh = exactMesh
  try attention.prepare(positions: [.zero], cell: cell)
  var field = [0.0]
  attention.sum.forward(layer: 0, filter: [1], q: [1], k: [1], v: [1], u: &field)
  let images = 6
  for x in -images...images {
    for y in -images...images {
      for z in -images...images where (x, y, z) != (0, 0, 0) {
        let r = length(Vector3(Double(x), Double(y), Double(z)) * cell.vectors)
        field[0] += pow(r, -6) - dampedDispersion(r, sigma: sigma)
      }
    }
  }
  #expect(abs(field[0] - 14.453_921_043_7) < 1e-9)
}

@Test(arguments: cells, AttentionMethod.allCases)
func dispersionIsTheSumOverPairsAndTheirImages(cell: Cell, method: AttentionMethod) {
  guard method != .ewald || cell.isFullyPeriodic else { return }
  let problem = problem(cell)
  let result = problem.solve(method: method, mesh: exactMesh)
  #expect(relativeDeviation(result.u, problem.directSum()) < 1e-9)
}

/// Dispersion alone: nothing large beside it hides what it lacks.
@Test(arguments: cells, AttentionMethod.allCases)
func dispersionAloneIsTheSumOverPairsAndTheirImages(cell: Cell, method: AttentionMethod) {
  guard method != .ewald || cell.isFullyPeriodic else { return }
  var problem = problem(cell)
  problem.filter = [0, 1, 0, 2, 0, -1]
  let result = problem.solve(method: method, mesh: exactMesh)
  #expect(relativeDeviation(result.u, problem.directSum()) < 1e-8)
}

@Test(arguments: cells, [AttentionMethod.pairwise, .kSum, .mesh])
func forcesOfDispersionAreDerivativesOfItsEnergy(cell: Cell, method: AttentionMethod) {
  problem(cell, atoms: 12).expectForcesToBeDerivatives(method: method, mesh: exactMesh)
}

/// A mesh carries the column of dispersion apart from the others: it has one kernel, and they the other.
@Test(arguments: [1, 4, 10, 16, 24], [Cell.triclinic[1], Cell.free])
func columnsApartHaveTheFieldsOfColumnsTogether(columns: Int, cell: Cell) throws {
  func compare<T: KernelScalar>(_: T.Type, tolerance: Double) throws {
    let kernel = ReciprocalKernel(sigmas: [1.5, 1.3], tails: [.coulomb, .dispersion])
    let all = columns + 1
    let problem = AttentionProblem(cell: cell, kernel: kernel, atoms: 9, heads: all, width: all, seed: 4)
    let filter = (0..<all).flatMap { $0 < columns ? [1.0, 0.0] : [0.0, 1.0] }
    let (x, dY) = (problem.v.map { T($0) }, problem.coefficients.map { T($0) })
    let weights = (0..<all).map { T($0 % 3) - 1.5 }
    func numbers(apart: Int, hasForm: Bool) throws -> [Double] {
      let attention: PlannedAttention<T> = problem.makeAttention(as: T.self, method: .mesh, threads: 2)
      attention.sum.expectFields(layer: 0, columns: all, apart: apart, leavesMean: false)
      try attention.prepare(positions: problem.positions, cell: cell)
      let fields = attention.sum.fields(layer: 0, filter: filter, sources: x).columns
      var dX = dY
      var result = (0..<x.count).map { Double(fields[$0]) }
      if hasForm {
        attention.sum.formAdjoint(layer: 0, weights: weights)
      } else {
        attention.sum.fieldsAdjoint(layer: 0, gradient: dY, sourceGradient: &dX)
        result += dX.map(Double.init)
      }
      var (gradient, strain) = (Array(repeating: Vector3.zero, count: 9), Matrix3.zero)
      attention.sum.addGradients(positions: &gradient, strain: &strain)
      return result + flat(gradient) + flat(strain)
    }
    for hasForm in [false, true] {
      let together = try numbers(apart: 0, hasForm: hasForm)
      #expect(relativeDeviation(try numbers(apart: 1, hasForm: hasForm), together) < tolerance)
    }
  }
  try compare(Double.self, tolerance: 1e-13)
  try compare(Float.self, tolerance: 1e-5)
}

@Test(arguments: cells)
func singlePrecisionFollowsDoubleWithDispersion(cell: Cell) {
  let problem = problem(cell, atoms: 14, tolerance: 1e-6)
  let double = problem.solve(method: .pairwise)
  // What the large weights of open axes leave is lost to single precision in the k-sum, which is not chosen there.
  for method in [AttentionMethod.pairwise, .mesh] + (cell.isFullyPeriodic ? [.kSum] : []) {
    let single = problem.solve(as: Float.self, method: method, mesh: MeshResolution(order: 8, spacing: 0.5))
    #expect(relativeDeviation(single.u.map(Double.init), double.u) < 1e-5)
    #expect(relativeDeviation(flat(single.positionGradient), flat(double.positionGradient)) < 1e-5)
  }
}
