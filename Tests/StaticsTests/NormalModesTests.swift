// Vibrations whose frequencies are known.

import Foundation
import Lattice
import Testing

@testable import Statics

/// k/2 (|r_i - r_j| - L)^2 between the pairs.
private final class Bonds: Potential {
  let bonds: [(Int, Int, k: Double, rest: Double)]
  init(_ bonds: [(Int, Int, k: Double, rest: Double)]) { self.bonds = bonds }

  func evaluate(_ system: AtomicSystem, into result: inout Evaluation) {
    result.energy = 0
    result.forces = Array(repeating: .zero, count: system.count)
    for (i, j, k, rest) in bonds {
      let d = system.positions[j] - system.positions[i]
      let g = d * (k * (length(d) - rest) / length(d))
      result.energy += k / 2 * (length(d) - rest) * (length(d) - rest)
      result.forces[i] += g
      result.forces[j] -= g
    }
  }
}

private func molecule(_ masses: [Double], _ positions: [Vector3], moveMask: [Vector3]? = nil) -> AtomicSystem
{
  AtomicSystem(
    cell: .free, atomicNumbers: masses.map { _ in 6 }, masses: masses, positions: positions,
    moveMask: moveMask)
}

@Test func twoAtomsOnASpringHaveOneFrequency() throws {
  let (k, m1, m2) = (30.0, 1.008, 35.45)
  let pair = molecule([m1, m2], [[0.3, 0.1, -0.2], [0.3, 1.1, 0.8]])
  let modes = try NormalModes(
    of: pair, in: Bonds([(0, 1, k: k, rest: 2.0.squareRoot())]), displacement: 1e-4)
  let mode = try #require(modes.modes.first)
  #expect(modes.modes.count == 1 && modes.imaginaryCount == 0)
  let mu = m1 * m2 / (m1 + m2)
  let omega = (Units.accelerationPerForce * k / mu).squareRoot()
  #expect(abs(mode.frequency / omega - 1) < 1e-7)
  // 521.471 sqrt(k / mu) 1/cm with k in eV/A^2 and mu in u.
  #expect(abs(mode.wavenumber - 521.4709 * (k / mu).squareRoot()) < 0.01)
  #expect(abs(modes.zeroPointEnergy - Units.reducedPlanck * omega / 2) < 1e-9)
  #expect(abs(length(mode.displacements[0]) - 1) < 1e-12)
  #expect(length(mode.displacements[0] * m1 + mode.displacements[1] * m2) < 1e-6)
}

/// A line of three: symmetric stretch k/M, antisymmetric k/M (1 + 2 M/m), and bends at zero.
@Test func aLineOfThreeHasItsTextbookStretches() throws {
  let (k, outer, inner) = (100.0, 15.999, 12.011)
  let line = molecule([outer, inner, outer], [[-1.16, 0, 0], .zero, [1.16, 0, 0]])
  let modes = try NormalModes(
    of: line, in: Bonds([(0, 1, k: k, rest: 1.16), (1, 2, k: k, rest: 1.16)]), displacement: 1e-4)
  // 9 - 5: two bends, two stretches.
  #expect(modes.modes.count == 4)
  let a = Units.accelerationPerForce
  let squares = modes.modes.map { $0.frequency * abs($0.frequency) / a }
  #expect(abs(squares[2] / (k / outer) - 1) < 1e-6)
  #expect(abs(squares[3] / (k / outer * (1 + 2 * outer / inner)) - 1) < 1e-6)
  #expect(abs(squares[0]) < 1e-5 && abs(squares[1]) < 1e-5)
}

@Test func rigidMotionsAreCountedByShapeAndBoundary() {
  let bent: [Vector3] = [[0.8, 0.6, 0], .zero, [-0.8, 0.6, 0]]
  #expect(molecule([1, 16, 1], bent).rigidMotions().count == 6)
  #expect(molecule([1, 16, 1], [[1, 1, 1], .zero, [-1, -1, -1]]).rigidMotions().count == 5)
  #expect(molecule([4], [[1, 2, 3]]).rigidMotions().count == 3)
  #expect(molecule([1, 16, 1], bent, moveMask: [.one, .zero, .one]).rigidMotions().count == 3)
  // Two fixed atoms leave the turn about their line, three that are on none nothing.
  #expect(molecule([1, 16, 1], bent, moveMask: [.zero, .zero, .one]).rigidMotions().count == 1)
  #expect(
    molecule([1, 16, 1, 1], bent + [[0, 0, 1]], moveMask: [.zero, .zero, .zero, .one]).rigidMotions().isEmpty)
  // In a plane: two shifts and the turn about z. About an atom that a line holds: three turns, and the shift along it.
  #expect(molecule([1, 16, 1], bent, moveMask: bent.map { _ in [1, 1, 0] }).rigidMotions().count == 3)
  #expect(molecule([1, 16, 1], bent, moveMask: [.one, [1, 0, 0], .one]).rigidMotions().count == 4)
  #expect(shakenCrystal().0.rigidMotions().count == 3)
  let motions = molecule([1, 16, 2], bent).rigidMotions()
  for (i, u) in motions.enumerated() {
    for (j, v) in motions.enumerated() {
      #expect(abs(zip(u, v).reduce(0) { $0 + $1.0 * $1.1 } - (i == j ? 1 : 0)) < 1e-12)
    }
  }
}

@Test(arguments: [Vector3(1, 1, 1), [0, 1, 1], [0, 0, 1]]) func fixedAxesVibrateNot(_ mask: Vector3) throws {
  let (k, m) = (10.0, 20.0)
  // Held by walls along x, y and z.
  let walls: [Vector3] = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, 0, 0], [0, -1, 0], [0, 0, -1]]
  let system = molecule(
    [m] + walls.map { _ in 1 }, [.zero] + walls, moveMask: [mask] + walls.map { _ in .zero })
  let modes = try NormalModes(
    of: system, in: Bonds((1...6).map { (0, $0, k: k, rest: 1) }), displacement: 1e-4)
  #expect(modes.modes.count == Int(mask.sum()) && modes.hessian.count == Int(mask.sum()))
  let omega = (Units.accelerationPerForce * 2 * k / m).squareRoot()
  for mode in modes.modes {
    #expect(abs(mode.frequency / omega - 1) < 1e-6)
    #expect(mode.displacements[1...].allSatisfy { $0 == .zero } && abs(mode.reducedMass - m) < 1e-9)
    #expect(mode.displacements[0] * (1 - mask) == .zero)
  }
}

/// A pulled line is unstable sideways: the pair of springs is shorter than the line is long if the middle yields.
@Test func aMaximumHasImaginaryFrequencies() throws {
  let line = molecule(
    [1, 12, 1], [[-1, 0, 0], .zero, [1, 0, 0]], moveMask: [.zero, .one, .zero])
  // Pressed: sideways the force constant is 2 k (1 - rest / length) < 0.
  let modes = try NormalModes(
    of: line, in: Bonds([(0, 1, k: 10, rest: 1.2), (1, 2, k: 10, rest: 1.2)]), displacement: 1e-4)
  #expect(modes.imaginaryCount == 2 && modes.modes.map(\.isImaginary) == [true, true, false])
  let sideways = (Units.accelerationPerForce * 4 / 12).squareRoot()
  #expect(abs(modes.modes[0].frequency / -sideways - 1) < 1e-6)
  #expect(modes.zeroPointEnergy == modes.modes[2].quantum / 2)
}

@Test func eigenvectorsAreOrthonormalAndTurnIntoThemselves() {
  let n = 12
  let random = CounterRNG(seed: 8)
  var matrix = (0..<n).map { i in
    (0..<n).map { j in random.normals(step: Int64(min(i, j)), atom: max(i, j), stream: 3).x }
  }
  // Degenerate and negative ones, too.
  for j in 0..<n { (matrix[10][j], matrix[j][10], matrix[11][j], matrix[j][11]) = (0, 0, 0, 0) }
  (matrix[10][10], matrix[11][11]) = (-3, -3)
  let solution = SymmetricEigenproblem(matrix)
  #expect(
    solution.values == solution.values.sorted() && solution.values.filter { abs($0 + 3) < 1e-12 }.count == 2)
  for (value, vector) in zip(solution.values, solution.vectors) {
    for i in 0..<n {
      #expect(abs(zip(matrix[i], vector).reduce(0) { $0 + $1.0 * $1.1 } - value * vector[i]) < 1e-12)
    }
    for other in solution.vectors where other != vector {
      #expect(abs(zip(vector, other).reduce(0) { $0 + $1.0 * $1.1 }) < 1e-12)
    }
  }
}
