// Ewald's split of the kernel against the sum over wavevectors that defines it, in cells where both can be afforded.

import Foundation
import Kernels
import Lattice
import Testing

@testable import Reciprocal

/// Seven atoms; wavevectors until the rest counts 1e-14.
private func problem(
  _ vectors: Matrix3, sigmas: [Double], weight: KernelWeight = .coulomb, heads: Int = 4,
  subtractsSelf: Bool = true
) -> AttentionProblem {
  let kernel = ReciprocalKernel(
    sigmas: sigmas, tolerance: 1e-14, weight: weight, subtractsSelf: subtractsSelf)
  return AttentionProblem(cell: Cell(vectors: vectors), kernel: kernel, atoms: 7, heads: heads, width: 4)
}

/// Cells of 14 to 24 Angstrom: the wider kernels have widths of 2 to 3.
private let problems: [AttentionProblem] = {
  var list = Cell.triclinic.map { problem($0.vectors * 2.5, sigmas: [0.9]) }
  let vectors = Cell.triclinic[1].vectors * 2
  list += [
    problem(vectors, sigmas: [0.8, 1.3]),
    problem(vectors, sigmas: [0.9, 1.3], heads: 2, subtractsSelf: false),
    // The second is wider than any split needs.
    problem(vectors, sigmas: [0.8, 4.1]),
    problem(vectors, sigmas: [0.8, 1.3], weight: .noVolume),
    problem(vectors, sigmas: [0.9, 4.1], weight: .noVolume, heads: 1),
    // A needle and a plate.
    problem(Matrix3([4, 0, 0], [1, 5, 0], [7, -3, 70]), sigmas: [0.8]),
    problem(Matrix3([30, 2, 0], [-11, 28, 1], [3, 1, 4]), sigmas: [0.8]),
  ]
  return list
}()

@Test(arguments: problems.indices) func ewaldSplitIsTheSumOverAllWavevectors(index: Int) {
  let problem = problems[index]
  let (split, exact) = (
    problem.solve(method: .ewald, layers: 2, threads: 3), problem.solve(method: .kSum, layers: 2)
  )
  #expect(relativeDeviation(split.u, exact.u) < 1e-11)
  #expect(relativeDeviation(split.dq, exact.dq) < 1e-11)
  #expect(relativeDeviation(split.dk, exact.dk) < 1e-11)
  #expect(relativeDeviation(split.dv, exact.dv) < 1e-11)
  #expect(relativeDeviation(flat(split.positionGradient), flat(exact.positionGradient)) < 1e-11)
  #expect(relativeDeviation(flat(split.strainGradient), flat(exact.strainGradient)) < 1e-11)
}

/// What the other ways leave out beyond k_max is no more than they say.
@Test func ewaldSplitIsTheTruncatedSumToItsTolerance() {
  for index in problems.indices {
    var problem = problems[index]
    problem.kernel.tolerance = 1e-6
    let (split, truncated) = (problem.solve(method: .ewald), problem.solve(method: .pairwise))
    #expect(relativeDeviation(split.u, truncated.u) < 1e-6)
    #expect(relativeDeviation(flat(split.positionGradient), flat(truncated.positionGradient)) < 2e-5)
    #expect(relativeDeviation(flat(split.strainGradient), flat(truncated.strainGradient)) < 2e-5)
    #expect(split.u != truncated.u)
  }
}

@Test func ewaldSplitInSinglePrecisionFollowsDouble() {
  for problem in problems {
    let (single, double) = (problem.solve(as: Float.self, method: .ewald), problem.solve(method: .ewald))
    #expect(relativeDeviation(single.u.map(Double.init), double.u) < 5e-6)
    #expect(relativeDeviation(flat(single.positionGradient), flat(double.positionGradient)) < 5e-6)
  }
}

/// The width of the wider kernel follows the cell; G must not.
@Test func strainOfAnEwaldSplitIsTheDerivativeOfTheEnergyWhateverTheCell() {
  for problem in [problems[1], problems[3], problems[6]] {
    let result = problem.solve(method: .ewald)
    let attention: PlannedAttention<Double> = problem.makeAttention(method: .ewald)
    for (a, b) in [(0, 0), (1, 2), (2, 1), (2, 0)] {
      func energy(_ amount: Double) -> Double {
        var (copy, strain) = (problem, Matrix3.zero)
        strain[a][b] = amount
        copy.cell = problem.cell.strained(by: strain)
        copy.positions = problem.positions.map { $0 + $0 * strain }
        return copy.energy(with: attention)
      }
      let h = 1e-3
      let slope = (8 * (energy(h) - energy(-h)) - (energy(2 * h) - energy(-2 * h))) / (12 * h)
      let scale = flat(result.strainGradient).map(abs).max() ?? 1
      #expect(abs(slope - result.strainGradient[a][b]) < 1e-8 * scale)
    }
  }
}

// MARK: - Bounds

private func prepare<T: KernelScalar>(
  _: T.Type, atoms: Int, cell: Cell, sigmas: [Double] = [2], method: AttentionMethod? = nil
) throws -> AttentionMethod {
  let attention = PlannedAttention<T>(
    kernel: ReciprocalKernel(sigmas: sigmas), heads: 32, width: 32, layers: 2, method: method)
  try attention.prepare(
    positions: (0..<atoms).map { Vector3(Double($0), 0.5, -1) }, cell: cell)
  return try #require(attention.plan).method
}

@Test(arguments: [0.05, 1e-3, 1e-7]) func narrowKernelsNeedNoMoreThanWideOnes(sigma: Double) throws {
  let cell = Cell(vectors: Cell.triclinic[0].vectors * 2)
  #expect(try prepare(Float.self, atoms: 60, cell: cell, sigmas: [sigma]) == .ewald)
  #expect(try prepare(Double.self, atoms: 60, cell: cell, sigmas: [sigma, 2]) == .ewald)
}

/// Each would need more than any machine has, and ends before it asks for it.
@Test func sizesThatNoMemoryHoldsAreRefusedInWords() {
  func words(_ body: () throws -> AttentionMethod) -> String? {
    do { return "\(try body())" } catch { return (error as? MemoryError)?.description }
  }
  let free = words { try prepare(Float.self, atoms: 3_000_000, cell: .free) }
  #expect(
    free?.contains("the attention of 3000000 atoms without periodic axes would need 108.0 TB of memory")
      == true)
  #expect(free?.contains("help: take fewer atoms") == true)
  for method in [AttentionMethod.kSum, .pairwise, .mesh] {
    for edge in [1e5, 1e30, 1e90] {
      let cell = Cell(vectors: .identity * edge)
      let text = words { try prepare(Float.self, atoms: 3, cell: cell, method: method) }
      #expect(text?.contains("wavevectors (\(method.rawValue)) would need ") == true, "\(text ?? "nothing")")
      #expect(text?.contains("free boundaries") == true)
    }
  }
}
