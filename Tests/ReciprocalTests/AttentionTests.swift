import Foundation
import Kernels
import Lattice
import Testing

@testable import Reciprocal

/// Settings that between them use every branch: kernels, mixing, widths and boundaries.
private let problems: [(name: String, problem: AttentionProblem)] = {
  let widths = [(heads: 6, width: 6), (heads: 2, width: 6), (heads: 1, width: 4)]
  var list: [(String, AttentionProblem)] = []
  for (index, cell) in (Cell.triclinic + [Cell.free]).enumerated() {
    for (heads, width) in widths {
      for sigmas in [[1.1], [1.6, 1.0]] {
        let kernel = ReciprocalKernel(sigmas: sigmas, subtractsSelf: heads > 1)
        list.append(
          (
            "cell \(index), \(heads) heads, width \(width), sigmas \(sigmas)",
            AttentionProblem(
              cell: cell, kernel: kernel, atoms: 7, heads: heads, width: width, seed: UInt64(index))
          ))
      }
    }
  }
  for weight in [KernelWeight.noVolume, .top6] {
    let kernel = ReciprocalKernel(sigmas: [1.4, 1.2], weight: weight, subtractsSelf: weight == .top6)
    list.append(
      (
        "\(weight)", AttentionProblem(cell: Cell.triclinic[1], kernel: kernel, atoms: 6, heads: 2, width: 4)
      ))
  }
  for cell in [Cell.triclinic[0], .free] {
    let kernel = ReciprocalKernel(sigmas: [1.4, 1.2], tails: [.coulomb, .dispersion])
    list.append(
      (
        "dispersion, periodic \(cell.isPeriodic)",
        AttentionProblem(cell: cell, kernel: kernel, atoms: 7, heads: 6, width: 6)
      ))
  }
  return list
}()

private let exactMethods = [AttentionMethod.pairwise, .kSum]

private func methods(for cell: Cell) -> [AttentionMethod] {
  cell.hasPeriodicAxis ? AttentionMethod.allCases : [.pairwise]
}

@Test func attentionIsTheSumOverPairsThatDefinesIt() {
  // DispersionTests has the others.
  for (name, problem) in problems
  where problem.kernel.weight != .top6 && !problem.kernel.tails.contains(.dispersion) {
    let exact = problem.directSum()
    for method in exactMethods where method == .pairwise || problem.cell.hasPeriodicAxis {
      #expect(relativeDeviation(problem.solve(method: method).u, exact) < 1e-12, "\(method), \(name)")
    }
  }
}

@Test func pairwiseAndKSumAgreeInValuesAndGradients() {
  for (name, problem) in problems where problem.cell.hasPeriodicAxis {
    let (a, b) = (problem.solve(method: .pairwise, layers: 2), problem.solve(method: .kSum, layers: 2))
    #expect(relativeDeviation(a.u, b.u) < 1e-12, "\(name)")
    #expect(relativeDeviation(a.dq, b.dq) < 1e-12, "\(name)")
    #expect(relativeDeviation(a.dk, b.dk) < 1e-12, "\(name)")
    #expect(relativeDeviation(a.dv, b.dv) < 1e-12, "\(name)")
    #expect(relativeDeviation(flat(a.positionGradient), flat(b.positionGradient)) < 1e-12, "\(name)")
    if problem.kernel.weight != .top6 {
      #expect(relativeDeviation(flat(a.strainGradient), flat(b.strainGradient)) < 1e-12, "\(name)")
    }
  }
}

/// dE/dx by the four-point formula, for every component of the arrays that `components` reaches.
private func centralDifferences(
  _ problem: AttentionProblem, count: Int, step: Double, energy: (AttentionProblem) -> Double,
  shift: (inout AttentionProblem, Int, Double) -> Void
) -> [Double] {
  (0..<count).map { index in
    func shifted(_ amount: Double) -> Double {
      var copy = problem
      shift(&copy, index, amount)
      return energy(copy)
    }
    let near = shifted(step) - shifted(-step)
    let far = shifted(2 * step) - shifted(-2 * step)
    return (8 * near - far) / (12 * step)
  }
}

@Test func adjointsAreTheDerivativesOfTheEnergy() {
  for (name, problem) in problems {
    for method in methods(for: problem.cell) {
      let result = problem.solve(method: method)
      let label: Comment = "\(method), \(name)"
      let attention: PlannedAttention<Double> = problem.makeAttention(method: method)
      let energy = { (p: AttentionProblem) in p.energy(with: attention) }
      let (n, width) = (problem.positions.count, problem.width)
      let positions = centralDifferences(problem, count: 3 * n, step: 1e-3, energy: energy) {
        $0.positions[$1 / 3][$1 % 3] += $2
      }
      #expect(relativeDeviation(flat(result.positionGradient), positions) < 1e-8, label)
      let q = centralDifferences(problem, count: n * width, step: 1e-2, energy: energy) { $0.q[$1] += $2 }
      #expect(relativeDeviation(result.dq, q) < 1e-10, label)
      let k = centralDifferences(problem, count: n * width, step: 1e-2, energy: energy) { $0.k[$1] += $2 }
      #expect(relativeDeviation(result.dk, k) < 1e-10, label)
      let v = centralDifferences(problem, count: n * width, step: 1e-2, energy: energy) { $0.v[$1] += $2 }
      #expect(relativeDeviation(result.dv, v) < 1e-10, label)
    }
  }
}

@Test func fieldsOfGivenSourcesAreAttentionWithoutQueriesAndKeys() throws {
  for (name, var problem) in problems where problem.heads == problem.width {
    problem.q = problem.q.map { _ in 1 }
    problem.k = problem.q
    for method in methods(for: problem.cell) {
      let expected = problem.solve(method: method)
      let attention: PlannedAttention<Double> = problem.makeAttention(method: method)
      attention.sum.expectFields(layer: 0, columns: problem.width, leavesMean: true)
      try attention.prepare(positions: problem.positions, cell: problem.cell)
      let fields = attention.sum.fields(layer: 0, filter: problem.filter, sources: problem.v)
      #expect(
        Array(UnsafeBufferPointer(start: fields.columns, count: problem.v.count)) == expected.u,
        "\(method), \(name)")
      attention.sum.fieldsAdjoint(layer: 0, gradient: problem.coefficients)
      var (gradient, strain) = (problem.positions.map { _ in Vector3.zero }, Matrix3.zero)
      attention.sum.addGradients(positions: &gradient, strain: &strain)
      #expect(
        gradient == expected.positionGradient && strain == expected.strainGradient, "\(method), \(name)")
    }
  }
}

/// E = sum_c a_c X_c^T G X_c: what the mesh has without another transform is what the adjoint makes of dY = a X.
@Test func formOfSourcesHasTheGradientsOfTheAdjoint() throws {
  func compare<T: KernelScalar>(_: T.Type, tolerance: Double) throws {
    for (name, problem) in problems where problem.heads == problem.width {
      let (n, columns) = (problem.positions.count, problem.width)
      let weights = (0..<columns).map { T(0.3 * Double($0) - 0.5) }
      // Not neutral: their mean has a field of its own along open axes.
      let x = problem.v.map { T($0 + 0.4) }
      let dY = x.indices.map { weights[$0 % columns] * x[$0] }
      for method in methods(for: problem.cell) {
        func gradients(_ adjoint: (ReciprocalAttention<T>) -> Void) throws -> [Double] {
          let attention: PlannedAttention<T> = problem.makeAttention(as: T.self, method: method, threads: 2)
          attention.sum.expectFields(layer: 0, columns: columns, leavesMean: false)
          try attention.prepare(positions: problem.positions, cell: problem.cell)
          _ = attention.sum.fields(layer: 0, filter: problem.filter, sources: x)
          adjoint(attention.sum)
          var (gradient, strain) = (Array(repeating: Vector3.zero, count: n), Matrix3.zero)
          attention.sum.addGradients(positions: &gradient, strain: &strain)
          return flat(gradient) + flat(strain)
        }
        let expected = try gradients { $0.fieldsAdjoint(layer: 0, gradient: dY) }
        let found = try gradients { $0.formAdjoint(layer: 0, weights: weights) }
        #expect(relativeDeviation(found, expected) < tolerance, "\(method), \(name)")
      }
    }
  }
  try compare(Double.self, tolerance: 1e-12)
  try compare(Float.self, tolerance: 1e-5)
}

@Test func strainGradientIsTheDerivativeForFixedIntegers() {
  for (name, problem) in problems where problem.cell.hasPeriodicAxis {
    for method in methods(for: problem.cell) {
      let attention: PlannedAttention<Double> = problem.makeAttention(method: method)
      attention.referenceCell = problem.cell
      let result = problem.solve(method: method)
      let expected = centralDifferences(
        problem, count: 9, step: 1e-3, energy: { $0.energy(with: attention) }
      ) { problem, index, amount in
        var strain = Matrix3.zero
        strain[index / 3][index % 3] = amount
        problem.cell = problem.cell.strained(by: strain)
        problem.positions = problem.positions.map { $0 + $0 * strain }
      }
      if problem.kernel.weight == .top6 {
        #expect(flat(result.strainGradient).allSatisfy { $0 == 0 } && expected.allSatisfy { abs($0) < 1e-10 })
      } else {
        #expect(relativeDeviation(flat(result.strainGradient), expected) < 1e-8, "\(method), \(name)")
      }
    }
  }
}

@Test func fixedIntegersKeepTheEnergyContinuousWhereACellsOwnIntegersJump() {
  let kernel = ReciprocalKernel(sigmas: [1.0], tolerance: 1e-2)
  let problem = AttentionProblem(cell: Cell.triclinic[0], kernel: kernel, atoms: 8, heads: 1, width: 1)
  func energies(reference: Cell?) -> [Double] {
    let attention: PlannedAttention<Double> = problem.makeAttention(method: .kSum)
    attention.referenceCell = reference
    return (0...200).map { step in
      let strain = Matrix3.identity * (0.001 * Double(step))
      var copy = problem
      copy.cell = problem.cell.strained(by: strain)
      copy.positions = problem.positions.map { $0 + $0 * strain }
      return copy.energy(with: attention)
    }
  }
  func largestSecondDifference(_ e: [Double]) -> Double {
    let slopes = zip(e.dropFirst(), e).map { $0 - $1 }
    return zip(slopes.dropFirst(), slopes).map { abs($0 - $1) }.max() ?? 0
  }
  let smooth = largestSecondDifference(energies(reference: problem.cell))
  #expect(largestSecondDifference(energies(reference: nil)) > 100 * smooth)
}

@Test func energyOfASupercellIsEightTimesThatOfTheCell() {
  let kernel = ReciprocalKernel(sigmas: [1.3])
  for cell in Cell.triclinic {
    let problem = AttentionProblem(cell: cell, kernel: kernel, atoms: 5, heads: 2, width: 4)
    var large = problem
    large.cell = Cell(vectors: cell.vectors * 2)
    large.positions = []
    for image in 0..<8 {
      let corner = SIMD3(image % 2, image / 2 % 2, image / 4)
      let shift = Vector3(corner) * cell.vectors
      large.positions += problem.positions.map { $0 + shift }
    }
    for path in [\AttentionProblem.q, \.k, \.v, \.coefficients] {
      large[keyPath: path] = Array(repeatElement(problem[keyPath: path], count: 8).joined())
    }
    for method in exactMethods {
      let one = problem.energy(with: problem.makeAttention(method: method))
      let eight = large.energy(with: large.makeAttention(method: method))
      #expect(abs(eight - 8 * one) < 1e-11 * abs(eight))
    }
  }
}

@Test(arguments: [1, 2, 3]) func sameThreadsGiveTheSameBits(threads: Int) {
  for (heads, cell) in [(8, Cell.triclinic[1]), (2, Cell.triclinic[1]), (8, Cell.free), (2, Cell.free)] {
    let problem = AttentionProblem(
      cell: cell, kernel: ReciprocalKernel(sigmas: [1.2, 1.0]), atoms: 50, heads: heads, width: 8)
    for method in methods(for: cell) {
      let first = problem.solve(as: Float.self, method: method, layers: 2, threads: threads)
      let second = problem.solve(as: Float.self, method: method, layers: 2, threads: threads)
      #expect(first.u == second.u && first.dq == second.dq && first.dk == second.dk && first.dv == second.dv)
      #expect(first.positionGradient == second.positionGradient)
      #expect(first.strainGradient == second.strainGradient)
      let single = problem.solve(method: method, layers: 2)
      let parallel = problem.solve(method: method, layers: 2, threads: threads)
      #expect(relativeDeviation(parallel.u, single.u) < 1e-13)
      #expect(relativeDeviation(flat(parallel.positionGradient), flat(single.positionGradient)) < 1e-12)
      #expect(relativeDeviation(flat(parallel.strainGradient), flat(single.strainGradient)) < 1e-12)
    }
  }
}

@Test func singlePrecisionFollowsDoubleToItsOwnAccuracy() {
  for heads in [8, 2] {
    let problem = AttentionProblem(
      cell: Cell.triclinic[0], kernel: ReciprocalKernel(sigmas: [1.0]), atoms: 60, heads: heads, width: 8)
    // A mesh of 10 x 10 x 12 points in both.
    let mesh = MeshResolution(order: 7, spacing: 0.71)
    for method in AttentionMethod.allCases {
      let single = problem.solve(as: Float.self, method: method, mesh: mesh)
      let double = problem.solve(method: method, mesh: mesh)
      #expect(relativeDeviation(single.u.map(Double.init), double.u) < 5e-6)
      #expect(relativeDeviation(flat(single.positionGradient), flat(double.positionGradient)) < 5e-6)
    }
  }
}

@Test(arguments: [(1, 3), (3, 3)]) func aCellWithoutWavevectorsLeavesTheSelfTermOnly(heads: Int, width: Int) {
  let sigma = 5.0
  let problem = AttentionProblem(
    cell: Cell(vectors: .identity * 4), kernel: ReciprocalKernel(sigmas: [sigma]), atoms: 3, heads: heads,
    width: width)
  #expect(KGrid(cell: problem.cell, kernel: problem.kernel).integers.isEmpty)
  for method in AttentionMethod.allCases {
    let result = problem.solve(method: method)
    #expect(relativeDeviation(result.u, problem.directSum()) < 1e-14)
    #expect(result.u.contains { $0 != 0 })
    #expect(flat(result.positionGradient).allSatisfy { $0 == 0 })
    #expect(result.strainGradient == .zero)
  }
}

@Test func theCheaperEvaluationIsChosenBySizesAlone() throws {
  var random = RandomNumbers(state: 3)
  func method<T: KernelScalar>(_: T.Type, heads: Int, atoms: Int, edge: Double) throws -> AttentionMethod {
    let attention = PlannedAttention<T>(
      kernel: ReciprocalKernel(sigmas: [2]), heads: heads, width: 32, layers: 2)
    let positions = (0..<atoms).map { _ in
      Vector3(random.symmetric(), random.symmetric(), random.symmetric()) * edge
    }
    try attention.prepare(positions: positions, cell: Cell(vectors: .identity * edge))
    return try #require(attention.plan).method
  }
  #expect(try method(Float.self, heads: 4, atoms: 12, edge: 12) == .pairwise)
  #expect(try method(Float.self, heads: 32, atoms: 400, edge: 5) == .kSum)
  #expect(try method(Float.self, heads: 32, atoms: 1536, edge: 25) == .mesh)
  // Double gives the sum to rounding where its tables are small.
  #expect(try method(Double.self, heads: 32, atoms: 1536, edge: 25) == .kSum)
  #expect(try method(Double.self, heads: 32, atoms: 12_288, edge: 50) == .mesh)
  // A molecule in a large cell; as many atoms as fill it.
  for edge in [150.0, 1000, 1e6] {
    #expect(try method(Float.self, heads: 32, atoms: 3, edge: edge) == .ewald)
    #expect(try method(Double.self, heads: 4, atoms: 300, edge: edge) == .ewald)
  }
  #expect(try method(Float.self, heads: 32, atoms: 100_000, edge: 100) == .mesh)
}
