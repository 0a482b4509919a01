// Minima that are known, of positions and of cells.

import Dynamics
import Foundation
import Lattice
import Testing

@testable import Statics

private let methods: [MinimizerMethod] = [.fire, .lbfgs]

/// Thirteen atoms near the icosahedron, 1.1 apart, shaken.
private func shakenIcosahedron() -> AtomicSystem {
  let golden = (1 + 5.0.squareRoot()) / 2
  var sites: [Vector3] = [.zero]
  for a in [-1.0, 1] {
    for b in [-golden, golden] { sites += [Vector3(0, a, b), Vector3(a, b, 0), Vector3(b, 0, a)] }
  }
  let random = CounterRNG(seed: 3)
  return cluster(
    sites.indices.map { sites[$0] * 0.6 + 0.08 * random.normals(step: 0, atom: $0, stream: 9) })
}

@Test(arguments: methods) func thirteenLennardJonesAtomsFindTheIcosahedron(_ method: MinimizerMethod) throws {
  let potential = LennardJonesCluster()
  let end = try finish(
    Minimization(
      shakenIcosahedron(), by: method, largestStep: 0.1, in: potential, tolerance: 1e-8, steps: 2000))
  // Hoare, Pal 1971, doi 10.1080/00018737100101231.
  #expect(abs(end.frame.evaluation.energy + 44.326801) < 1e-6)
  #expect(end.isConverged && end.goal?.isReached == true)
  #expect(end.completedSteps < (method == .lbfgs ? 100 : 700), "\(end.completedSteps)")
  // One evaluation a step, and that of the start.
  #expect(potential.evaluations == Int(end.completedSteps) + 1)
}

@Test(arguments: methods) func fixedAtomsStayAndTheirForcesDoNotCount(_ method: MinimizerMethod) throws {
  let start = cluster([[0, 0, 0], [1.4, 0, 0], [0.3, 1.3, 0]], moveMask: [.zero, [1, 0, 0], .one])
  let end = try finish(
    Minimization(start, by: method, in: LennardJonesCluster(), tolerance: 1e-9, steps: 1000))
  #expect(end.isConverged)
  let (found, forces) = (end.system.positions, end.frame.evaluation.forces)
  #expect(found[0] == start.positions[0] && found[1].y == 0 && found[1].z == 0)
  #expect(length(forces[2]) < 1e-9 && abs(forces[1].x) < 1e-9)
  // All three at the distance of a pair's minimum, as nothing holds them apart.
  for (i, j) in [(0, 1), (0, 2), (1, 2)] {
    #expect(abs(length(found[i] - found[j]) - pow(2, 1.0 / 6)) < 1e-8)
  }
}

@Test func theLastStepEndsASearchThatHasNotConverged() throws {
  let end = try finish(
    Minimization(shakenIcosahedron(), by: .fire, in: LennardJonesCluster(), tolerance: 1e-8, steps: 5))
  #expect(end.completedSteps == 5 && end.isFinished && !end.isConverged)
  #expect(end.goal?.isReached == false && end.goal?.words.contains("largest force") == true)
}

@Test(arguments: methods) func aCellFindsTheStrainOfItsPressure(_ method: MinimizerMethod) throws {
  // p V = -V_0 bulk tr(E) from all sides, to be solved for V = V_0 e^tr(E).
  let potential = ElasticCube(edge: 4, bulk: 0.5, shear: 0.2)
  let start = AtomicSystem(
    cell: Cell(vectors: Matrix3([4.2, 0, 0], [0, 3.9, 0], [0, 0, 4.1])), atomicNumbers: [18], masses: [40],
    positions: [[1, 1, 1]])
  for (coupling, pressure) in [(CellCoupling.triclinic, 0.05), (.isotropic, -0.03), (.orthorhombic, 0)] {
    let cell = CellRelaxation(
      coupling: coupling, pressure: .identity * pressure, tolerance: 1e-9)
    let end = try finish(
      Minimization(start, by: method, in: potential, tolerance: 1e-6, steps: 3000, cell: cell))
    #expect(end.isConverged)
    let trace = log(end.system.cell.volume / 64)
    #expect(abs(pressure * exp(trace) + 0.5 * trace) < 1e-8)
    let rows = end.system.cell.vectors
    if coupling == .isotropic {
      // The shape stays.
      #expect(abs(rows.x.x / rows.y.y - 4.2 / 3.9) < 1e-12)
    } else {
      #expect(abs(rows.x.x - rows.y.y) < 1e-6 && abs(rows.z.z - rows.y.y) < 1e-6)
    }
    // Fractional coordinates of the one atom.
    #expect(
      length(end.system.cell.fractional(end.system.positions[0]) - start.cell.fractional([1, 1, 1])) < 1e-12)
  }
}

@Test(arguments: methods) func positionsAndCellRelaxTogether(_ method: MinimizerMethod) throws {
  let (start, potential) = shakenCrystal()
  let cell = CellRelaxation(coupling: .triclinic, pressure: .zero, tolerance: 1e-8)
  let end = try finish(
    Minimization(start, by: method, in: potential, tolerance: 1e-7, steps: 3000, cell: cell))
  #expect(end.isConverged && end.completedSteps < (method == .lbfgs ? 200 : 1500), "\(end.completedSteps)")
  #expect(end.frame.evaluation.energy < 1e-10)
  #expect(abs(end.system.cell.volume - 8 * pow(2.5, 3) / 2.0.squareRoot()) < 1e-5)
}

@Test func strainsThatAreNotRelaxedStay() throws {
  let (start, potential) = shakenCrystal()
  let cell = CellRelaxation(coupling: .components([.zz]), pressure: .zero, tolerance: 1e-8)
  let end = try finish(
    Minimization(start, by: .lbfgs, in: potential, tolerance: 1e-7, steps: 1000, cell: cell))
  #expect(end.isConverged)
  for row in 0..<3 {
    #expect(end.system.cell.vectors[row].x == start.cell.vectors[row].x)
    #expect(end.system.cell.vectors[row].y == start.cell.vectors[row].y)
  }
  #expect(abs(end.frame.evaluation.stress.z.z) < 1e-8 && abs(end.frame.evaluation.stress.x.x) > 1e-4)
}

@Test(arguments: methods) func aSearchGoesOnFromItsStateBitForBit(_ method: MinimizerMethod) throws {
  let cell = CellRelaxation(coupling: .triclinic, pressure: .zero, tolerance: 1e-8)
  func motion(_ system: AtomicSystem) -> Minimization {
    Minimization(
      system, by: method, in: shakenCrystal().1, tolerance: 1e-7, steps: 60, cell: cell)
  }
  var whole = motion(shakenCrystal().0)
  try whole.prepare()
  while whole.completedSteps < 9 { try whole.advance() }
  var rest = motion(whole.frame.system)
  try rest.restore(whole.state, at: 9)
  try rest.prepare()
  while !whole.isFinished { try whole.advance() }
  while !rest.isFinished { try rest.advance() }
  #expect(rest.completedSteps == whole.completedSteps && rest.completedSteps > 12)
  #expect(rest.system.positions == whole.system.positions && rest.system.cell == whole.system.cell)
  #expect(rest.state == whole.state)
}

@Test func aStateOfAnotherSearchIsRefused() throws {
  let (system, potential) = shakenCrystal()
  var fire = Minimization(system, by: .fire, in: potential, tolerance: 1e-3, steps: 9)
  var lbfgs = Minimization(system, by: .lbfgs, in: potential, tolerance: 1e-3, steps: 9)
  var smaller = Minimization(
    cluster([[0, 0, 0], [1, 0, 0]]), by: .lbfgs, in: LennardJonesCluster(), tolerance: 1e-3, steps: 9)
  for _ in 0..<3 {
    if fire.completedSteps == 0 { try fire.prepare(); try lbfgs.prepare() }
    try fire.advance()
    try lbfgs.advance()
  }
  let (state, other) = (fire.state, lbfgs.state)
  #expect(throws: StateError.self) { try lbfgs.restore(state, at: 3) }
  #expect(throws: StateError.self) { try fire.restore(other, at: 3) }
  #expect(throws: StateError.self) { try smaller.restore(other, at: 3) }
}

@Test func aCellThatCollapsesIsAnErrorInWords() throws {
  // Nothing withstands the pressure.
  let potential = ElasticCube(edge: 4, bulk: 1e-6, shear: 0.1)
  let start = AtomicSystem(
    cell: Cell(vectors: .identity * 4), atomicNumbers: [18], masses: [40], positions: [.zero])
  let cell = CellRelaxation(coupling: .isotropic, pressure: .identity * 10, tolerance: 1e-9)
  let error = #expect(throws: StaticsError.self) {
    _ = try finish(Minimization(start, by: .fire, in: potential, tolerance: 1e-6, steps: 3000, cell: cell))
  }
  #expect(error?.description.contains("Angstrom^3 per atom") == true)
}
