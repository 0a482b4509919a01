// Restraints against finite differences of their own energies and against what they are meant to be.

import Foundation
import Lattice
import Testing

@testable import Restraints

/// Nothing but restraints.
private final class Nothing: Potential {
  func evaluate(_ system: AtomicSystem, into result: inout Evaluation) {
    let step = result.step
    result = Evaluation()
    result.step = step
    result.forces = Array(repeating: .zero, count: system.count)
    result.atomicEnergies = Array(repeating: 0, count: system.count)
  }
}

private let oblique = Matrix3([6, 0, 0], [1.5, 5.5, 0], [-1, 0.8, 7])

private func system(periodic: Bool) -> AtomicSystem {
  AtomicSystem(
    cell: periodic ? Cell(vectors: oblique) : .free, atomicNumbers: [1, 6, 8, 9], masses: [1, 12, 16, 19],
    // The third lies across a face from the second.
    positions: [[0.4, 0.2, 0.1], [5.6, 0.5, 0.3], [1.1, 1.9, 6.4], [2.8, 3.1, 2.2]])
}

private func evaluate(_ restraints: [Restraint], _ system: AtomicSystem, step: Int64 = 0) throws -> Evaluation
{
  var result = Evaluation()
  result.step = step
  try RestrainedPotential(Nothing(), restraints).evaluate(system, into: &result)
  return result
}

private func restraint(_ coordinate: Coordinate, _ profile: Profile, k: Double = 3) -> Restraint {
  Restraint(name: "r", target: .coordinate(coordinate), profile: profile, stiffness: k)
}

private func points(_ atoms: [Int], _ profile: Profile) -> Restraint {
  var moved = system(periodic: true)
  for i in 0..<4 { moved.positions[i] += Vector3(0.2, -0.3, 0.1 * Double(i)) }
  return Restraint(name: "p", target: .points(PointSet(atoms, in: moved)), profile: profile, stiffness: 2)
}

private let all: [Restraint] = [
  restraint(.distance(0, 1), .harmonic(center: 2)),
  restraint(.distanceDifference(0, 1, 1, 2), .harmonic(center: 0.5)),
  restraint(.distanceDifference(0, 1, 2, 3), .moving(from: -1, to: 3, steps: 10)),
  restraint(.angle(0, 1, 3), .harmonic(center: 2)),
  restraint(.angle(2, 0, 3), .flat(lower: 0.1, upper: 0.7)),
  restraint(.distance(1, 3), .flat(lower: 0, upper: 1.5)),
  points([0, 2, 3], .harmonic(center: 0)), points([1, 2], .flat(lower: 0, upper: 0.2)),
]

@Test(arguments: [false, true]) func forcesAreTheNegativeGradient(_ isPeriodic: Bool) throws {
  let h = 1e-5
  for restraint in all where isPeriodic || restraint.name == "r" {
    let start = system(periodic: isPeriodic)
    let result = try evaluate([restraint], start, step: 3)
    #expect(result.energy > 1e-3, "\(restraint)")
    for atom in 0..<4 {
      for axis in 0..<3 {
        var (plus, minus) = (start, start)
        plus.positions[atom][axis] += h
        minus.positions[atom][axis] -= h
        let difference =
          try (evaluate([restraint], plus, step: 3).energy - evaluate([restraint], minus, step: 3).energy)
          / (2 * h)
        #expect(abs(result.forces[atom][axis] + difference) < 1e-8, "\(restraint) \(atom) \(axis)")
      }
    }
  }
}

@Test func stressIsTheDerivativeByStrain() throws {
  let h = 1e-5
  for restraint in all {
    let start = system(periodic: true)
    let result = try evaluate([restraint], start, step: 3)
    for i in 0..<3 {
      for j in 0..<3 {
        func energy(_ e: Double) throws -> Double {
          var map = Matrix3.identity
          map[i][j] += e
          var strained = start
          strained.cell = Cell(vectors: start.cell.vectors * map)
          strained.positions = start.positions.map { $0 * map }
          return try evaluate([restraint], strained, step: 3).energy
        }
        let difference = try (energy(h) - energy(-h)) / (2 * h) / start.cell.volume
        #expect(abs(result.stress[i][j] - difference) < 1e-9, "\(restraint) \(i) \(j)")
      }
    }
  }
}

@Test func coordinatesAreThoseOfNearestImages() {
  let periodic = system(periodic: true)
  func brute(_ i: Int, _ j: Int) -> Double {
    (0..<125).map { n in
      let shift = Vector3(Double(n % 5) - 2, Double(n / 5 % 5) - 2, Double(n / 25) - 2)
      return length(periodic.positions[j] - periodic.positions[i] + shift * oblique)
    }.min() ?? 0
  }
  for (i, j) in [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3)] {
    #expect(abs(Coordinate.distance(i, j).value(in: periodic) - brute(i, j)) < 1e-12)
  }
  let water = AtomicSystem(
    cell: .free, atomicNumbers: [1, 8, 1], masses: [1, 16, 1],
    positions: [[0.9572, 0, 0], .zero, 0.9572 * [cos(1.824), sin(1.824), 0]])
  #expect(abs(Coordinate.angle(0, 1, 2).value(in: water) - 1.824) < 1e-12)
  #expect(
    abs(Coordinate.distanceDifference(0, 1, 0, 2).value(in: water) - 0.9572 * (1 - 2 * sin(0.912))) < 1e-12)
}

@Test func nothingIsInfiniteWhereADirectionIsMissing() throws {
  let line = AtomicSystem(
    cell: .free, atomicNumbers: [1, 1, 1, 1], masses: [1, 1, 1, 1],
    positions: [[0, 0, 0], [1, 0, 0], [2, 0, 0], [1, 0, 0]])
  let restraints = [
    restraint(.angle(0, 1, 2), .harmonic(center: 2)), restraint(.angle(0, 1, 3), .harmonic(center: 2)),
    restraint(.distance(1, 3), .harmonic(center: 2)),
    Restraint(
      name: "p", target: .points(PointSet([0], in: line)), profile: .harmonic(center: 0), stiffness: 1),
  ]
  for restraint in restraints {
    let result = try evaluate([restraint], line)
    #expect(result.energy.isFinite && result.forces.allSatisfy { dot($0, $0).isFinite })
  }
}

@Test func profilesAreWhatTheyAreCalled() {
  let flat = Profile.flat(lower: 1, upper: 2)
  #expect([0.5, 1, 1.5, 2, 4].map { flat.center(for: $0, at: 0) } == [1, 1, 1.5, 2, 2])
  let moving = Profile.moving(from: -1, to: 3, steps: 8)
  #expect([0, 2, 8, 9].map { moving.center(for: 0, at: $0) } == [-1, 0, 3, 3])
}

@Test func whatTheySayOfThemselvesIsInTheEvaluation() throws {
  let restraints = [
    Restraint(
      name: "d", target: .coordinate(.distance(0, 1)), profile: .moving(from: 1, to: 2, steps: 4),
      stiffness: 2),
    Restraint(
      name: "box", target: .coordinate(.distance(1, 3)), profile: .flat(lower: 0, upper: 99), stiffness: 2),
  ]
  let free = system(periodic: false)
  let result = try evaluate(restraints, free, step: 2)
  let d = length(free.positions[1] - free.positions[0])
  #expect(result.quantities["d"] == d && result.quantities["d_center"] == 1.5)
  #expect(result.quantities["restraint_energy"] == result.energy)
  #expect(abs(result.energy - (d - 1.5) * (d - 1.5)) < 1e-12)
  #expect(abs(result.atomicEnergies.reduce(0, +) - result.energy) < 1e-12)
}

@Test func pointsComeBackFromTheirState() throws {
  let restraints = [points([0, 2], .harmonic(center: 0)), restraint(.distance(0, 1), .harmonic(center: 1))]
  let elsewhere = [
    Restraint(
      name: "p", target: .points(PointSet([0, 2], in: system(periodic: true))), profile: .harmonic(center: 0),
      stiffness: 2), restraints[1],
  ]
  #expect(elsewhere != restraints)
  #expect(try elsewhere.restored(from: restraints.state) == restraints)
  #expect(throws: StateError.self) { try elsewhere.restored(from: [:]) }
  #expect(throws: StateError.self) { try [restraints[1]].restored(from: restraints.state) }
}
