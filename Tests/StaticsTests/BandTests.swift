// Paths between minima whose saddle point is known.

import Dynamics
import Foundation
import Lattice
import Testing

@testable import Statics

/// Atoms each on the surface U = h (x^2 - 1)^2 + k/2 (y - c (1 - x^2))^2 + k/2 z^2: minima at x = -1 and 1, y = 0, a curved path
/// y = c (1 - x^2) between them, its saddle point at (0, c) with the energy h.
private final class CurvedPass: Potential {
  static let (h, k, c) = (0.4, 5.0, 0.6)

  func evaluate(_ system: AtomicSystem, into result: inout Evaluation) {
    let (h, k, c) = (Self.h, Self.k, Self.c)
    result.plan = result.plan ?? EvaluationPlan(cell: system.cell, positions: system.positions)
    result.energy = 0
    result.forces = system.positions.map { r in
      let (w, v) = (r.x * r.x - 1, r.y - c * (1 - r.x * r.x))
      result.energy += h * w * w + k / 2 * (v * v + r.z * r.z)
      return -Vector3(4 * h * r.x * w + k * v * 2 * c * r.x, k * v, k * r.z)
    }
  }
}

private func band(
  images count: Int = 5, threads: Int = 1, atoms: Int = 1, steps: Int64 = 2000,
  _ change: (inout NudgedElasticBand.Settings) -> Void = { _ in }
) -> NudgedElasticBand {
  var settings = NudgedElasticBand.Settings()
  settings.tolerance = 1e-6
  change(&settings)
  let far = (1..<atoms).map { _ in Vector3(1, 0, 0) }
  let path = InitialPath.linear(from: [[-1, 0, 0]] + far, to: [[1, 0, 0]] + far, images: count)
  let moveMask: [Vector3] = (0..<atoms).map { $0 > 0 ? .zero : .one }
  return NudgedElasticBand(
    path.map { cluster($0, moveMask: moveMask) }, in: (0..<threads).map { _ in CurvedPass() },
    settings: settings,
    steps: steps)
}

@Test(arguments: [MinimizerMethod.fire, .lbfgs])
func theClimbingImageFindsTheSaddlePoint(_ method: MinimizerMethod) throws {
  // An even number: no image is at the saddle point by symmetry.
  let end = try finish(band(images: 4) { $0.method = method })
  #expect(end.isConverged && end.goal?.isReached == true)
  #expect(abs(end.barrier - CurvedPass.h) < 1e-9)
  let top = end.frame.system.positions[0]
  #expect(length(top - [0, CurvedPass.c, 0]) < 1e-5)
  #expect(
    end.frame.quantities["barrier"] == end.barrier
      && abs(end.frame.quantities["reaction_energy"] ?? 1) < 1e-12)
}

@Test func withoutClimbingImagesAreEvenlySpacedOnThePath() throws {
  let end = try finish(band(images: 6) { $0.climbs = false })
  #expect(end.isConverged && end.barrier < CurvedPass.h - 1e-3)
  let r = end.images.map { $0.positions[0] }
  let gaps = zip(r, r.dropFirst()).map { length($0 - $1) }
  #expect((gaps.max() ?? 1) - (gaps.min() ?? 0) < 1e-4, "\(gaps)")
  // Images of few see the path by its chords.
  for point in r { #expect(abs(point.y - CurvedPass.c * (1 - point.x * point.x)) < 0.06) }
}

@Test func theNumberOfThreadsChangesNoBit() throws {
  let ends = try [1, 2].map { try finish(band(threads: $0, atoms: 3)) }
  #expect(ends[0].images.map(\.positions) == ends[1].images.map(\.positions))
  #expect(ends[0].completedSteps == ends[1].completedSteps)
}

@Test func aBandGoesOnFromItsStateBitForBit() throws {
  var whole = band(atoms: 2)
  try whole.prepare()
  while whole.completedSteps < 31 { try whole.advance() }
  let frame = whole.frame
  var rest = NudgedElasticBand(
    whole.images.map { _ in frame.system }, in: [CurvedPass()], settings: whole.settings, steps: 2000,
    plan: frame.evaluation.plan)
  try rest.restore(whole.state, at: 31)
  try rest.prepare()
  while !whole.isFinished { try whole.advance() }
  while !rest.isFinished { try rest.advance() }
  #expect(whole.completedSteps > 31 && rest.completedSteps == whole.completedSteps)
  #expect(rest.images.map(\.positions) == whole.images.map(\.positions) && rest.state == whole.state)
}

@Test func endsThatAreNoMinimaAreRefused() {
  var settings = NudgedElasticBand.Settings()
  settings.tolerance = 0.05
  for (first, last) in [(-0.9, 1.0), (-1.0, 0.9)] {
    let path = InitialPath.linear(from: [[first, 0, 0]], to: [[last, 0, 0]], images: 3)
    let error = #expect(throws: StaticsError.self) {
      _ = try finish(
        NudgedElasticBand(path.map { cluster($0) }, in: [CurvedPass()], settings: settings, steps: 10))
    }
    #expect(error?.description.contains("the \(last == 1 ? "first" : "last") structure of the path") == true)
  }
}

// MARK: - Ends

/// A band whose ends are `first` and `last`, to be minimised.
private func open(_ first: Vector3, _ last: Vector3) -> NudgedElasticBand {
  var settings = NudgedElasticBand.Settings()
  (settings.tolerance, settings.minimizesEnds) = (1e-6, true)
  let path = InitialPath.linear(from: [first], to: [last], images: 4)
  return NudgedElasticBand(path.map { cluster($0) }, in: [CurvedPass()], settings: settings, steps: 2000)
}

private func line(_ first: AtomicSystem, _ last: [Vector3]) -> [[Vector3]] {
  InitialPath.linear(from: first.positions, to: last, images: 4)
}

@Test func endsThatAreNoMinimaAreMinimisedAndThePathIsThatBetweenMinima() throws {
  var band = open([-0.9, 0.2, 0.1], [1, 0, 0])
  let ends = try #require(try band.minimizeEnds(path: line))
  #expect(ends.count == 1)
  let end = ends[0]
  #expect(end.isFirst && end.steps > 0 && end.forces.before > 0.1 && end.forces.after <= 1e-6)
  #expect(end.energyChange < -0.01 && abs(end.displacement - length([0.1, 0.2, 0.1])) < 1e-5)
  let r = band.images.map { $0.positions[0] }
  #expect(length(r[0] - [-1, 0, 0]) < 1e-6 && r[5] == [1, 0, 0])
  for k in 1...4 { #expect(length(r[k] - (r[0] + (r[5] - r[0]) * (Double(k) / 5))) < 1e-12) }
  let found = try finish(band)
  #expect(found.isConverged && abs(found.barrier - CurvedPass.h) < 1e-9)

  // Nothing to do, and nothing done.
  var resting = open([-1, 0, 0], [1, 0, 0])
  let before = resting.images.map(\.positions)
  #expect(try resting.minimizeEnds(path: line)?.isEmpty == true && resting.images.map(\.positions) == before)
}

@Test func endsOfOneMinimumAndThoseThatDoNotRestAreRefused() throws {
  var one = open([-0.9, 0, 0], [-1.1, 0.1, 0])
  #expect(throws: StaticsError.endsAreOne) { try one.minimizeEnds(path: line) }
  var interrupted = open([-0.9, 0, 0], [1, 0, 0])
  #expect(try interrupted.minimizeEnds(path: line, isInterrupted: { true }) == nil)
  var short = open([-1, 0, 0], [1.4, 0.5, 0])
  let error = #expect(throws: StaticsError.self) { try short.minimizeEnds(steps: 1, path: line) }
  #expect(error?.description.contains("the last structure") == true)
}

// MARK: - Forces

/// Equations 8 to 11 of the paper.
@Test func tangentsFollowThePath() {
  let r: [[Vector3]] = [[[0, 0, 0]], [[1, 0, 0]], [[1, 2, 0]]]
  #expect(Band.tangent(r, [0, 1, 2], at: 1) == [[0, 1, 0]])
  #expect(Band.tangent(r, [2, 1, 0], at: 1) == [[1, 0, 0]])
  // A maximum: |dE| is 3 behind, 1 ahead; the end ahead is the higher one.
  let top = Band.tangent(r, [0, 3, 2], at: 1)[0]
  #expect(length(top - Vector3(1, 6, 0) / 37.0.squareRoot()) < 1e-15)
  // A minimum with the higher neighbour behind.
  let bottom = Band.tangent(r, [3, 0, 1], at: 1)[0]
  #expect(length(bottom - Vector3(3, 2, 0) / 13.0.squareRoot()) < 1e-15)
}

@Test func springsActAlongTheTangentAndTrueForcesAcrossIt() {
  let r: [[Vector3]] = [[[0, 0, 0]], [[1, 0, 0]], [[3, 0, 0]]]
  let f: [[Vector3]] = [[[9, 9, 9]], [[0.5, 0.25, 0]], [[9, 9, 9]]]
  #expect(Band.forces(r, [0, 1, 2], f, spring: 2) == [[[2, 0.25, 0]]])
  #expect(Band.forces(r, [0, 1, 2], f, spring: 2, climber: 1) == [[[-0.5, 0.25, 0]]])
  #expect(Band.summit([0, 2, 1]) == 1 && Band.summit([0, 1, 2]) == nil && Band.summit([2, 1, 0]) == nil)
}

// MARK: - First path

/// Of a molecule of water whose hydrogens change places a straight line has both on one spot; what turns it has all distances.
@Test(arguments: 1...6, [Vector3(0, 0, 0), Vector3(0.3, -1, 0.7)])
func idppTurnsAMoleculeWhoseAtomsChangePlaces(images: Int, axis: Vector3) {
  func turned(_ r: Vector3) -> Vector3 {
    let angle = length(axis)
    guard angle > 0 else { return r }
    let k = axis / angle
    return r * cos(angle) + cross(k, r) * sin(angle) + k * (dot(k, r) * (1 - cos(angle)))
  }
  let first = ([[0, 0, 0], [0.76, 0.59, 0], [-0.76, 0.59, 0]] as [Vector3]).map(turned)
  let last = [first[0], first[2], first[1]]
  let start = AtomicSystem(cell: .free, atomicNumbers: [8, 1, 1], masses: [16, 1, 1], positions: first)
  let path = InitialPath.idpp(from: first, to: last, images: images, of: start)
  #expect(path.first == first && path.last == last)
  for image in path {
    #expect(abs(length(image[1] - image[2]) / 1.52 - 1) < 0.1, "\(image)")
    for hydrogen in 1...2 { #expect(abs(length(image[hydrogen] - image[0]) / 0.962 - 1) < 0.1, "\(image)") }
  }
}

@Test func idppGoesRoundAnAtomThatALineGoesThrough() {
  let first: [Vector3] = [[0, 0, 0], [-2, 0.1, 0], [0, 4, 0]]
  let last: [Vector3] = [[0, 0, 0], [2, 0.1, 0], [0, 4, 0]]
  let start = cluster(first, moveMask: [.zero, .one, .one])
  let line = InitialPath.linear(from: first, to: last, images: 5)
  let path = InitialPath.idpp(from: first, to: last, images: 5, of: start)
  #expect(path.first == first && path.last == last && line.last == last)
  func nearest(_ path: [[Vector3]]) -> Double { path.map { length($0[1] - $0[0]) }.min() ?? 0 }
  #expect(nearest(line) < 0.2 && nearest(path) > 1.5)
  #expect(path.allSatisfy { $0[0] == .zero })
}
