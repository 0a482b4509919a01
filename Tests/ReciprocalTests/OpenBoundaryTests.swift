import Foundation
import Kernels
import Lattice
import Testing

@testable import Reciprocal

private let shape = Matrix3([7.1, 0.3, 0], [1.2, 8.3, -0.4], [-0.8, 1.7, 9.2])
private let openCells = [
  Cell.free,
  Cell(vectors: shape, isPeriodic: [true, false, false]),
  Cell(vectors: shape, isPeriodic: [false, false, true]),
  Cell(vectors: shape, isPeriodic: [true, true, false]),
  Cell(vectors: shape, isPeriodic: [false, true, true]),
]

private func problem(_ cell: Cell, sigmas: [Double] = [1.5], heads: Int = 4, width: Int = 4)
  -> AttentionProblem
{
  AttentionProblem(
    cell: cell, kernel: ReciprocalKernel(sigmas: sigmas), atoms: 14, heads: heads, width: width, seed: 3)
}

private let exactMesh = MeshResolution(order: 16, spacing: 0.3)

@Test(arguments: openCells, [AttentionMethod.pairwise, .kSum, .mesh])
func sumsWithOpenAxesAreThoseOfGaussiansAndTheirImages(cell: Cell, method: AttentionMethod) {
  for problem in [problem(cell), problem(cell, sigmas: [1.3, 2], heads: 2, width: 4)] {
    let result = problem.solve(method: method, mesh: exactMesh)
    #expect(relativeDeviation(result.u, problem.directSum()) < 1e-10)
  }
}

@Test(arguments: openCells, [AttentionMethod.pairwise, .kSum, .mesh])
func forcesWithOpenAxesAreDerivativesOfTheEnergy(cell: Cell, method: AttentionMethod) {
  problem(cell).expectForcesToBeDerivatives(method: method, mesh: exactMesh)
}

@Test(arguments: openCells)
func singlePrecisionFollowsDoubleWithOpenAxes(cell: Cell) {
  let problem = problem(cell)
  let double = problem.solve(method: .pairwise)
  for method in [AttentionMethod.pairwise, .kSum, .mesh] {
    let single = problem.solve(as: Float.self, method: method, mesh: MeshResolution(order: 8, spacing: 0.5))
    #expect(relativeDeviation(single.u.map(Double.init), double.u) < 1e-5)
    #expect(relativeDeviation(flat(single.positionGradient), flat(double.positionGradient)) < 1e-5)
  }
}

/// Only directions of open axes count, and only those that span the same space.
@Test(arguments: [[true, true, false], [true, false, false]])
func lengthsAndTiltsOfOpenAxesDoNotMatter(isPeriodic: [Bool]) {
  let problem = problem(Cell(vectors: shape, isPeriodic: isPeriodic))
  for method in [AttentionMethod.pairwise, .mesh] {
    let expected = problem.solve(method: method, mesh: exactMesh)
    var vectors = shape
    for (axis, other) in [(1, 2), (2, 1)] where !isPeriodic[axis] {
      vectors[axis] = isPeriodic[1] ? .zero : shape[axis] * 7 + shape[0] - shape[other] * 0.2
    }
    var copy = problem
    copy.cell = Cell(vectors: vectors, isPeriodic: isPeriodic)
    let result = copy.solve(method: method, mesh: exactMesh)
    #expect(relativeDeviation(result.u, expected.u) < 1e-11)
    #expect(relativeDeviation(flat(result.positionGradient), flat(expected.positionGradient)) < 1e-10)
  }
}

@Test(arguments: [[true, true, false], [true, false, false]])
func doubledCellsWithOpenAxesHaveTheSameFields(isPeriodic: [Bool]) {
  let small = problem(Cell(vectors: shape, isPeriodic: isPeriodic))
  var large = small
  large.cell = Cell(vectors: Matrix3(shape.x * 2, shape.y, shape.z), isPeriodic: isPeriodic)
  large.positions += small.positions.map { $0 + shape.x }
  large.q += small.q
  large.k += small.k
  large.v += small.v
  large.coefficients += small.coefficients
  let (one, two) = (small.solve(method: .pairwise), large.solve(method: .pairwise))
  #expect(relativeDeviation(two.u, one.u + one.u) < 1e-11)
}

/// Room is made for atoms that move; a plan of other positions still gives the sum.
@Test(arguments: openCells)
func thePlanOfAWiderClusterGivesTheSameFields(cell: Cell) throws {
  let problem = problem(cell)
  let expected = problem.solve(method: .kSum)
  let attention: PlannedAttention<Double> = problem.makeAttention(method: .kSum)
  let wider = problem.positions.map { $0 * 1.3 }
  let plan = try attention.sum.plan(positions: wider, cell: cell, preferring: .kSum)
  let room = try #require(plan.room)
  #expect(room.holds(problem.positions, in: cell))
  #expect(Room(around: problem.positions, in: cell)?.holds(wider, in: cell) == false)
  try attention.sum.prepare(positions: problem.positions, cell: cell, plan: plan)
  var u = problem.q
  attention.sum.forward(layer: 0, filter: problem.filter, q: problem.q, k: problem.k, v: problem.v, u: &u)
  #expect(relativeDeviation(u, expected.u) < 1e-11)
}

@Test func ewaldsSplitIsForThreePeriodicAxes() throws {
  for cell in openCells {
    let problem = problem(cell)
    let sum = ReciprocalAttention<Double>(kernel: problem.kernel, heads: 4, width: 4, layers: 1)
    #expect(try sum.plan(positions: problem.positions, cell: cell, preferring: .ewald).method == .pairwise)
  }
}

/// What large systems get, against sums that share neither mesh nor box with it.
@Test(arguments: [[false, false, false], [true, false, false], [true, true, false]])
func meshesOfLargeSystemsWithOpenAxesAreAccurate(isPeriodic: [Bool]) throws {
  // 700 atoms at the density of water in a ball, a rod or a film.
  var random = RandomNumbers(state: 7)
  let cell =
    isPeriodic.contains(true)
    ? Cell(vectors: Matrix3([24, 0, 0], [3, 25, 0], [0, 0, 0]), isPeriodic: isPeriodic) : .free
  let periodicAxes = isPeriodic.count { $0 }
  var problem = AttentionProblem(
    cell: cell, kernel: ReciprocalKernel(sigmas: [2]), atoms: 700, heads: 2, width: 2, seed: 5)
  let radius = periodicAxes == 0 ? 11.9 : periodicAxes == 1 ? 9.6 : 5.8
  problem.positions = (0..<700).map { _ in
    while true {
      var r = Vector3(random.symmetric(), random.symmetric(), random.symmetric()) * radius
      var square = 0.0
      for axis in 0..<3 where !isPeriodic[axis] { square += r[axis] * r[axis] }
      guard square < radius * radius else { continue }
      for axis in 0..<3 where isPeriodic[axis] { r[axis] *= 12 / radius }
      return r
    }
  }
  // Sources of either sign, as large as charges.
  let exact = problem.solve(method: .pairwise)
  let double = problem.solve(method: .mesh, mesh: MeshResolution(order: 14, spacing: 0.45))
  let single = problem.solve(as: Float.self, method: .mesh, mesh: MeshResolution(order: 8, spacing: 0.5))
  #expect(rmsDeviation(double.u, exact.u) < 1e-10)
  #expect(rmsDeviation(flat(double.positionGradient), flat(exact.positionGradient)) < 1e-9)
  #expect(rmsDeviation(single.u.map(Double.init), exact.u) < 1e-6)
  #expect(rmsDeviation(flat(single.positionGradient), flat(exact.positionGradient)) < 1e-5)
}

/// As in a droplet of ions of one sign: what the mean of the sources makes is a hundred times larger than the rest.
@Test(arguments: [[false, false, false], [true, true, false]])
func sourcesOfOneSignCostSinglePrecisionNothing(isPeriodic: [Bool]) {
  let cell = Cell(vectors: Matrix3([20, 0, 0], [0, 20, 0], [0, 0, 0]), isPeriodic: isPeriodic)
  var problem = AttentionProblem(
    cell: isPeriodic[0] ? cell : .free, kernel: ReciprocalKernel(sigmas: [1.6, 2]), atoms: 900, heads: 2,
    width: 2, seed: 9)
  var random = RandomNumbers(state: 4)
  problem.positions = problem.positions.map { _ in
    Vector3(random.symmetric(), random.symmetric(), random.symmetric()) * 10
  }
  // Every atom is a source of nearly 1, and every field is felt with nearly 1.
  for i in problem.k.indices {
    problem.k[i] = 1 + 0.1 * problem.k[i]
    problem.v[i] = 1
    problem.q[i] = 1 + 0.1 * problem.q[i]
    problem.coefficients[i] = 1
  }
  let exact = problem.solve(method: .pairwise)
  let single = problem.solve(as: Float.self, method: .mesh, mesh: MeshResolution(order: 8, spacing: 0.5))
  // What rounding u itself leaves, and a few times that for forces.
  #expect(relativeDeviation(single.u.map(Double.init), exact.u) < 3e-7)
  #expect(relativeDeviation(flat(single.positionGradient), flat(exact.positionGradient)) < 5e-7)
  for (mine, theirs) in [(single.dq, exact.dq), (single.dk, exact.dk), (single.dv, exact.dv)] {
    #expect(relativeDeviation(mine.map(Double.init), theirs) < 3e-7)
  }
}
