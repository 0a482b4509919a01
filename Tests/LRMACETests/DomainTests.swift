// A system divided among ranks has the energy, forces, stress and charges that it has in one process; the ranks are threads.

import Domains
import Foundation
import Lattice
import Testing
import ThreadRanks

@testable import LRMACE
@testable import LRMACEModel
@testable import Reciprocal

/// Models that between them hold every block that looks at neighbours or at all atoms.
private let models = [
  "lr_f_4heads_filter_self_gate_l1_corr3", "lr_l_default_d1", "x_a_l2_lmax4_corr3", "c_b_vectors_ions_d24",
  "c_c_attention_d10", "c_d_3layers_lmax3_corr3", "c_f_energy_first", "f_f_all",
]

enum Boundary: String, CaseIterable {
  case crystal, slab, cluster

  var isPeriodic: [Bool] {
    switch self {
    case .crystal: [true, true, true]
    case .slab: [true, true, false]
    case .cluster: [false, false, false]
    }
  }
}

/// Atoms of the model's elements on a jittered grid, so large that eight bricks or three in a row are as thick as atoms see.
private func sample(_ model: Model, _ boundary: Boundary, seed: UInt64 = 1) -> AtomicSystem {
  let random = CounterRNG(seed: seed)
  let unit = model.cutoff + LRMACEPotential.skin
  let vectors =
    boundary == .cluster
    ? Matrix3([3.9 * unit, 0, 0], [0, 2.8 * unit, 0], [0, 0, 2.8 * unit])
    : Matrix3(
      [3.2 * unit, 1, 0], [-1.2, 2.15 * unit, 0.5], [0.7, 0.9, (boundary == .slab ? 2.9 : 2.15) * unit])
  let counts = SIMD3(7, 5, 5)
  var (numbers, positions): ([Int], [Vector3]) = ([], [])
  for n in 0..<counts.x * counts.y * counts.z {
    let place = Vector3(Double(n / 25), Double(n / 5 % 5), Double(n % 5)) / Vector3(counts)
    let u = random.uniforms(step: 0, atom: n, stream: 0)
    // Far from home along periodic axes.
    let home = Vector3(boundary == .cluster ? 0 : Double(n % 3 - 1), 0, 0)
    positions.append((place + home + (Vector3(u.x, u.y, u.z) - Vector3(0.5, 0.5, 0.5)) * 0.1) * vectors)
    numbers.append(model.species[n * 7 / 3 % model.species.count])
  }
  return AtomicSystem(
    cell: boundary == .cluster ? .free : Cell(vectors: vectors, isPeriodic: boundary.isPeriodic),
    atomicNumbers: numbers, masses: numbers.map(Double.init), positions: positions)
}

/// The sample, moved less than half the skin, and farther.
private func way(_ system: AtomicSystem) -> [AtomicSystem] {
  [0, 0.2, 1.1].map { distance in
    var moved = system
    for i in moved.positions.indices {
      moved.positions[i] += Vector3(sin(Double(i)), cos(Double(i)), sin(Double(3 * i))) * (distance / 2)
    }
    if system.cell.isFullyPeriodic {
      // And strained.
      let strain = Matrix3.identity * (1 + 0.02 * distance)
      moved.cell = Cell(vectors: system.cell.vectors * strain)
      moved.positions = moved.positions.map { $0 * strain }
    }
    return moved
  }
}

/// Results along a way of configurations, each by the plan of the one before.
private func results(
  _ model: Model, _ systems: [AtomicSystem], _ precision: LRMACEPotential.Precision, threads: Int = 1,
  _ method: AttentionMethod? = nil, communicator: any Communicator = SingleProcess()
) throws -> [Evaluation] {
  let potential = try LRMACEPotential(
    model: model, precision: precision, threads: threads, attention: AttentionEvaluation(method: method),
    communicator: communicator)
  var result = Evaluation()
  return try systems.map { system in
    try potential.evaluate(system, into: &result)
    return result
  }
}

private func expectEqual(
  _ a: Evaluation, _ b: Evaluation, _ precision: LRMACEPotential.Precision, _ comment: String
) {
  func far(_ x: [Vector3], _ y: [Vector3]) -> Double { zip(x, y).map { largest($0 - $1) }.max() ?? .infinity }
  let isDouble = precision == .double
  let count = Double(a.forces.count)
  let scale = max(a.forces.map(largest).max() ?? 0, 1)
  let perAtom = (a.atomicEnergies.map { abs($0) }.max() ?? 0)
  #expect(abs(a.energy - b.energy) / count < (isDouble ? 1e-10 * max(1, perAtom) : 2e-6), "\(comment)")
  #expect(
    far(a.forces, b.forces) < (isDouble ? 1e-10 * scale : 2e-4),
    "\(comment), \(scale) eV/A")
  let stress = max(largest(a.stress.x), largest(a.stress.y), largest(a.stress.z))
  let rows = far([a.stress.x, a.stress.y, a.stress.z], [b.stress.x, b.stress.y, b.stress.z])
  #expect(rows <= (isDouble ? 1e-10 : 1e-5) * stress, "\(comment)")
  #expect((a.charges == nil) == (b.charges == nil))
  for (q, r) in zip(a.charges ?? [], b.charges ?? []) { #expect(abs(q - r) < (isDouble ? 1e-11 : 1e-5)) }
}

/// Results on so many ranks are those of one process, `alone`.
private func expectRanks(
  _ numbers: [Int], toHave alone: [Evaluation], _ model: Model, _ systems: [AtomicSystem],
  _ precision: LRMACEPotential.Precision, _ comment: String
) throws {
  for ranks in numbers {
    let all = try onRanks(ranks) { try results(model, systems, precision, communicator: $0) }
    for n in systems.indices {
      expectEqual(
        alone[n], all[0][n], precision, "\(comment) \(precision), \(ranks) ranks, configuration \(n)")
      for rank in all {
        #expect(rank[n].forces == all[0][n].forces && rank[n].energy == all[0][n].energy)
        #expect(rank[n].stress == all[0][n].stress && rank[n].plan == all[0][n].plan)
      }
    }
  }
}

@Suite struct DomainTests {
  /// Eight bricks in double precision, and three in a row in mixed; not where the attention of random weights along open
  /// axes is less exact in mixed precision, also in one process.
  @Test(arguments: models, Boundary.allCases)
  func ranksHaveTheResultOfOneProcess(name: String, boundary: Boundary) throws {
    let model = try Golden.model(name)
    let way = way(sample(model, boundary))
    let systems = [way[0], way[2]]
    try expectRanks(
      [8], toHave: results(model, systems, .double), model, systems, .double, "\(name) \(boundary)")
    guard boundary == .crystal || name.hasPrefix("c") else { return }
    try expectRanks(
      [3], toHave: results(model, systems, .mixed), model, systems, .mixed, "\(name) \(boundary)")
  }

  @Test(arguments: ["c_b_vectors_ions_d24", "c_f_energy_first"], Boundary.allCases)
  func ranksHaveTheDispersionOfOneProcess(name: String, boundary: Boundary) throws {
    let model = try Golden.model(name).withDispersion()
    let systems = [sample(model, boundary)]
    for (ranks, precision) in [(8, LRMACEPotential.Precision.double), (3, .mixed)] {
      try expectRanks(
        [ranks], toHave: results(model, systems, precision), model, systems, precision, "\(name) \(boundary)")
    }
  }

  @Test(arguments: LRMACEPotential.Precision.allCases)
  func anyNumberOfRanksHasIt(precision: LRMACEPotential.Precision) throws {
    let model = try Golden.model("c_b_vectors_ions_d24")
    let systems = way(sample(model, .crystal))
    let alone = try results(model, systems, precision)
    try expectRanks([1, 2, 3, 4, 8], toHave: alone, model, systems, precision, "c_b")
  }

  /// Wide heads, heads of width 1, and fields that each layer makes by itself.
  @Test(
    arguments: ["lr_f_4heads_filter_self_gate_l1_corr3", "lr_l_default_d1", "c_b_vectors_ions_d24"],
    [AttentionMethod.pairwise, .kSum, .mesh])
  func ranksHaveItByEveryWayToSumTheAttention(name: String, method: AttentionMethod) throws {
    let model = try Golden.model(name)
    // Boxes of open axes have a million wavevectors, which are too many for a sum.
    for boundary in method == .kSum ? [Boundary.crystal] : [.crystal, .slab] {
      let systems = [sample(model, boundary, seed: 2)]
      let alone = try results(model, systems, .double, method)
      let all = try onRanks(8) { try results(model, systems, .double, method, communicator: $0) }
      expectEqual(alone[0], all[0][0], .double, "\(name) \(method) \(boundary)")
    }
  }

  /// What a run that goes on from a checkpoint needs.
  @Test(arguments: [1, 2]) func sameRanksAndPlanGiveTheSameBits(threads: Int) throws {
    let model = try Golden.model("c_b_vectors_ions_d24")
    let systems = way(sample(model, .crystal))
    let along = try onRanks(4) { try results(model, systems, .mixed, threads: threads, communicator: $0) }[0]
    for n in systems.indices {
      let fresh = try onRanks(4) { communicator -> Evaluation in
        let potential = try LRMACEPotential(model: model, threads: threads, communicator: communicator)
        var result = Evaluation(plan: along[n].plan)
        try potential.evaluate(systems[n], into: &result)
        return result
      }[0]
      #expect(fresh.forces == along[n].forces && fresh.energy == along[n].energy)
      #expect(fresh.stress == along[n].stress && fresh.charges == along[n].charges)
      #expect(fresh.plan == along[n].plan)
    }
  }

  /// All atoms in one corner, closer together than atoms see: bricks without atoms hand on, and take their columns of the fields.
  @Test func ranksWithoutAtomsTakePart() throws {
    let model = try Golden.model("c_b_vectors_ions_d24")
    let unit = model.cutoff + LRMACEPotential.skin
    let full = sample(model, .crystal)
    let near = full.positions.indices.filter { i in
      full.cell.wrap(full.positions[i]).position.max() < unit
    }
    let system = AtomicSystem(
      cell: Cell(vectors: Matrix3([5 * unit, 0, 0], [0, 5 * unit, 0], [0, 0, 5 * unit])),
      atomicNumbers: near.map { full.atomicNumbers[$0] }, masses: near.map { full.masses[$0] },
      positions: near.map { full.cell.wrap(full.positions[$0]).position })
    #expect(near.count > 4)
    for precision in LRMACEPotential.Precision.allCases {
      let alone = try results(model, [system], precision)
      let all = try onRanks(8) { communicator -> (Evaluation, atoms: Int) in
        let potential = try LRMACEPotential(model: model, precision: precision, communicator: communicator)
        var result = Evaluation()
        try potential.evaluate(system, into: &result)
        return (result, potential.share?.own ?? 0)
      }
      expectEqual(alone[0], all[0].0, precision, "corner")
      #expect(all.contains { $0.atoms == 0 } && all.reduce(0) { $0 + $1.atoms } == near.count)
    }
  }

  /// A film of liquid with gas above it in an oblique cell, which is pressed together on the way, so that the bricks of the
  /// same plan are others: the results are those of one process, and those of ranks that begin with the plan, to the bit.
  @Test func aFilmUnderGasHasTheResultOfOneProcess() throws {
    let model = try Golden.model("c_b_vectors_ions_d24")
    let unit = model.cutoff + LRMACEPotential.skin
    var film = sample(model, .crystal)
    let old = film.cell.vectors
    film.cell = Cell(vectors: Matrix3(old.x, old.y, old.z + [0.4 * unit, 0.2 * unit, 4 * unit]))
    for i in film.positions.indices where i % 20 == 0 {
      film.positions[i] += old.z + Vector3(0, 0, (1 + Double(i) / 100) * unit)
    }
    var pressed = film
    let strain = Matrix3([1, 0, 0], [0, 1, 0], [0, 0, 0.93])
    pressed.cell = Cell(vectors: film.cell.vectors * strain)
    pressed.positions = film.positions.map { $0 * strain }
    let systems = [film, pressed]
    for ranks in [3, 8] {
      try expectRanks(
        [ranks], toHave: results(model, systems, .double), model, systems, .double, "film under gas")
      let along = try onRanks(ranks) { try results(model, systems, .double, communicator: $0) }[0]
      let shares = try onRanks(ranks) { communicator -> (thickness: Vector3, own: Int) in
        let potential = try LRMACEPotential(model: model, precision: .double, communicator: communicator)
        var result = Evaluation(plan: along[1].plan)
        try potential.evaluate(systems[1], into: &result)
        #expect(result.energy == along[1].energy && result.forces == along[1].forces)
        #expect(result.stress == along[1].stress && result.plan == along[1].plan)
        return (try #require(potential.bricks).thickness, try #require(potential.share).own)
      }
      let mean = Double(film.count) / Double(ranks)
      #expect(Double(shares.map(\.own).max() ?? 0) < 1.5 * mean, "\(shares)")
    }
  }

  @Test func anyGridHasTheResultOfOneProcess() throws {
    let model = try Golden.model("c_b_vectors_ions_d24")
    let systems = [sample(model, .crystal)]
    let alone = try results(model, systems, .double)
    for grid in [SIMD3(3, 1, 1), SIMD3(1, 2, 1), SIMD3(2, 1, 2)] {
      let all = try onRanks(grid.x * grid.y * grid.z) { communicator -> Evaluation in
        let potential = try LRMACEPotential(
          model: model, precision: .double, communicator: communicator, grid: grid)
        var result = Evaluation()
        try potential.evaluate(systems[0], into: &result)
        #expect(potential.bricks?.counts == grid)
        return result
      }
      expectEqual(alone[0], all[0], .double, "\(grid)")
    }
  }

  /// What ranks receive in a step, how many own atoms and copies each has, by a potential that has been evaluated before.
  private func traffic(
    _ model: Model, ranks: Int
  ) throws -> [(bytes: Traffic, own: Int, copies: Int, division: MeshDivision)] {
    let system = sample(model, .crystal)
    return try onRanks(ranks) { communicator in
      let potential = try LRMACEPotential(
        model: model, attention: AttentionEvaluation(method: model.attention == nil ? nil : .mesh),
        communicator: communicator)
      var result = Evaluation()
      try potential.evaluate(system, into: &result)
      let before = communicator.traffic
      try potential.evaluate(system, into: &result)
      let halo = try #require(potential.decomposition?.halo)
      var division = MeshDivision(groups: ranks)
      if case .mixed(let network) = potential.engine, let sum = network.attention?.sum,
        let plan = potential.attention
      {
        division = sum.division(of: plan)
      }
      return (communicator.traffic - before, halo.owned, halo.count - halo.owned, division)
    }
  }

  /// Each copy has a position and a force, and for every layer but the first (lmax + 1)^2 C features and their gradients.
  /// `HaloTests` has the number of copies.
  @Test(arguments: ["sr_16x0e16x1o_lmax3_corr2", "x_b_l2_corr1_3layers"])
  func bytesOfAStepFollowFromCopiesAndChannels(name: String) throws {
    let model = try Golden.model(name)
    let all = try traffic(model, ranks: 8)
    let values = model.layers.dropFirst().reduce(0) { sum, layer in
      sum + (layer.inputLmax + 1) * (layer.inputLmax + 1) * Float.wholeLanes(model.channels)
    }
    let (vector, features) = (MemoryLayout<Vector3>.stride, values * MemoryLayout<Float>.stride)
    #expect(values > 0)
    for (bytes, _, copies, _) in all {
      #expect(bytes[.positions] == copies * vector && bytes[.features] == copies * features)
      #expect(bytes[.columns] == 0 && bytes[.places] == 0 && bytes[.division] == 0)
    }
    // What stands on the others comes back.
    let copies = all.reduce(0) { $0 + $1.copies }
    #expect(all.reduce(0) { $0 + $1.bytes[.forces] } == copies * vector)
    #expect(all.reduce(0) { $0 + $1.bytes[.gradients] } == copies * features)
  }

  /// Columns go to every group of ranks that has some, and come back: X and Y of both layers, dE/dY and dE/dX of the first; the
  /// energy of the last is a form of X. What a rank sends itself is no message.
  @Test(arguments: [2, 8, 12]) func bytesOfTheLongRangeFollowFromColumns(ranks: Int) throws {
    let model = try Model(contentsOf: shippedModel)
    let all = try traffic(model, ranks: ranks)
    let atoms = all.reduce(0) { $0 + $1.own }
    let division = all[0].division
    let width = division.width(columns: 16)
    let taking = (16 + width - 1) / width
    func total(_ cargo: Cargo) -> Int { all.reduce(0) { $0 + $1.bytes[cargo] } }
    let row = 3 * 2 * width * MemoryLayout<Float>.stride
    #expect(total(.columns) <= atoms * taking * row && total(.columns) >= atoms * (taking - 1) * row)
    #expect((total(.pencils) > 0) == (division.slabs > 1))
    // A position there, three numbers back, of each group.
    let place = MemoryLayout<Vector3>.stride + 3 * MemoryLayout<Double>.stride
    #expect(total(.places) >= atoms * (division.groups - 1) * place)
    let counts = ranks * (ranks - 1) * 64 * MemoryLayout<Int>.stride
    #expect(total(.places) <= atoms * division.groups * place + counts)
  }

  @Test func gradesOfAllAtomsComeInTheirOrder() throws {
    let model = try Model(contentsOf: shippedModel)
    let system = sample(model, .crystal)
    @Sendable func grades(_ communicator: any Communicator) throws -> [Double] {
      let potential = try LRMACEPotential(model: model, precision: .double, communicator: communicator)
      var result = Evaluation()
      try potential.evaluate(system, into: &result)
      return try #require(potential.extrapolationGrades())
    }
    let alone = try grades(SingleProcess())
    let all = try onRanks(3) { try grades($0) }
    for rank in all { for (a, b) in zip(alone, rank) { #expect(abs(a - b) < 1e-8 * a) } }
  }

  /// Of a liquid's forces, and as its molecules go on.
  @Test(arguments: LRMACEPotential.Precision.allCases)
  func ranksHaveTheResultOfTheShippedModel(precision: LRMACEPotential.Precision) throws {
    let model = try Model(contentsOf: shippedModel)
    let systems = [0, 0.2, 0.6].map(water)
    let alone = try results(model, systems, precision)
    try expectRanks([3, 8], toHave: alone, model, systems, precision, "water")
  }

  @Test func aSystemTooSmallForItsRanksIsAnErrorOnAll() throws {
    let model = try Golden.model("c_b_vectors_ions_d24")
    let system = sample(model, .crystal)
    let errors = try onRanks(27) { communicator -> String in
      do { _ = try results(model, [system], .double, communicator: communicator) } catch { return "\(error)" }
      return ""
    }
    for error in errors { #expect(error.hasPrefix("27 ranks are too many"), "\(error)") }
  }
}

/// Molecules of water, each turned about z by some angle, 3.1 Angstrom from each other and moved by less than `distance`.
private func water(moved distance: Double) -> AtomicSystem {
  let counts = SIMD3(6, 4, 4)
  let edges = Vector3(counts) * 3.1
  var (numbers, positions): ([Int], [Vector3]) = ([], [])
  for n in 0..<counts.x * counts.y * counts.z {
    let home = Vector3(Double(n / 16), Double(n / 4 % 4), Double(n % 4)) * 3.1
    let u = CounterRNG(seed: 1).uniforms(step: 0, atom: n, stream: 0)
    let (cosine, sine) = (cos(2 * .pi * u.x), sin(2 * .pi * u.x))
    let centre = home + (Vector3(u.y, u.z, u.w) - Vector3(0.5, 0.5, 0.5)) * distance
    for (z, x, y) in [(8, 0.0, 0.0), (1, 0.76, 0.59), (1, -0.76, 0.59)] {
      numbers.append(z)
      positions.append(centre + Vector3(cosine * x - sine * y, sine * x + cosine * y, 0))
    }
  }
  return AtomicSystem(
    cell: Cell(vectors: Matrix3([edges.x, 0, 0], [0, edges.y, 0], [0, 0, edges.z])), atomicNumbers: numbers,
    masses: numbers.map(Double.init), positions: positions)
}

private let shippedModel = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .appendingPathComponent("../../Models/water.h5").path
