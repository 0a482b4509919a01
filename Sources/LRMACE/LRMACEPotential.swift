// The force field as dynamics sees it: atoms in the user's order in, energy, forces and stress out.
// Keeps the neighbour list and the inner order of atoms (by element, then along a space-filling curve). Several ranks evaluate
// a system together, each the atoms of its brick (LRMACEPotential+Domains.swift).

import Domains
import Kernels
import LRMACEModel
import Lattice
import Reciprocal

/// How to evaluate the attention of a model.
public struct AttentionEvaluation: Sendable, Hashable {
  /// Nil takes the cheapest for the system's size.
  public var method: AttentionMethod?
  /// Nil takes the cheapest that keeps forces and energy accurate to `LRMACEPotential.meshAccuracy`.
  public var mesh: MeshResolution?

  public init(method: AttentionMethod? = nil, mesh: MeshResolution? = nil) {
    self.method = method
    self.mesh = mesh
  }
}

/// LR-MACE energies, forces and stress of an atomic system.
public final class LRMACEPotential: Potential {
  public enum Precision: String, Sendable, CaseIterable {
    /// Kernels in single precision; energies, sums over atoms and phases in double.
    case mixed
    case double
  }

  public private(set) var model: Model
  public let precision: Precision
  public let threads: Int
  /// Extra reach of the neighbour list, Angstrom: long enough for a few dozen steps of a liquid.
  public static let skin = 0.8
  /// What a mesh that the potential chooses is expected to err by at most. The largest error of thousands of forces is some five times
  /// the root of their mean square; the contract is 1e-4 eV/Angstrom for that and 1e-6 eV per atom, in double precision 1e-8 and
  /// 1e-9. (Rounding adds 2e-6 eV/Angstrom in single precision.) Along open axes the energy errs by what smooth fields have as
  /// aliases, of which forces give notice.
  public static func meshAccuracy(_ precision: Precision, in cell: Cell) -> MeshAccuracy {
    switch precision {
    case .mixed: MeshAccuracy(forces: cell.isFullyPeriodic ? 1e-5 : 2e-6, energy: 5e-7)
    case .double: MeshAccuracy(forces: 5e-11, energy: 5e-10)
    }
  }

  /// Wavevectors end where a kernel has fallen to 1e-6. In a cell that has grown by these factors between two faces they end
  /// where it has fallen to 4e-6 and 7e-5: then a run that goes on chooses new ones, and one that lasts has to end.
  static let (renewalGrowth, largestGrowth) = (1.05, 1.2)

  /// Farther than this from the plan's positions, Angstrom, atoms are put in a new order: neighbours in space are to be
  /// near in memory.
  static let reorderingDistance = 5.0

  let engine: Engine
  /// Kept where other weights may come.
  private var compiled: CompiledModel?
  private let wantedAttention: AttentionEvaluation
  var list: NeighborList
  /// What this rank has of a system; nil in a process that is alone.
  let decomposition: Decomposition?
  private var timing = Timings()

  /// What order, list and network are set up for; nil while they are not.
  private var plan: EvaluationPlan?
  var networkPlan = NetworkPlan(attention: nil, takesPairs: false, ranks: 1)
  /// order[k] is the user's index of the inner atom k.
  var order: [Int32] = []
  private var species: [Int] = []
  private var atomicNumbers: [Int] = []
  /// Of all rows: of several ranks, copies of others' atoms are behind the own ones.
  var positions: [Vector3] = []
  var forces: [Vector3] = []
  var energies: [Double] = []
  /// Empty for a model without.
  var charges: [Double] = []

  /// - Parameters:
  ///   - dropsDeadPaths: leave out paths with weights of zero; the energies are the same either way.
  ///   - communicator: of the ranks that evaluate systems together, all of which call `evaluate` with the same.
  ///   - grid: bricks of these ranks along the lattice vectors, as many as there are ranks; nil for those that cost least.
  /// - Throws: `ModelError` for a model that is not valid: no kernel sees what was not checked.
  public convenience init(
    model: Model, precision: Precision = .mixed, threads: Int = 1,
    attention: AttentionEvaluation = AttentionEvaluation(), dropsDeadPaths: Bool = true,
    communicator: any Communicator = SingleProcess(), grid: SIMD3<Int>? = nil
  ) throws {
    try self.init(
      model: model, precision: precision, threads: threads, attention: attention,
      dropsDeadPaths: dropsDeadPaths, isDifferentiable: false, communicator: communicator, grid: grid)
  }

  convenience init(
    model: Model, precision: Precision, threads: Int, attention: AttentionEvaluation, dropsDeadPaths: Bool,
    isDifferentiable: Bool, communicator: any Communicator = SingleProcess(), grid: SIMD3<Int>? = nil
  ) throws {
    try model.validate()
    let compiled = CompiledModel(
      model, precision: precision, dropsDeadPaths: dropsDeadPaths, isDifferentiable: isDifferentiable,
      threads: threads)
    self.init(
      compiled, precision: precision, threads: threads, attention: attention,
      isDifferentiable: isDifferentiable, communicator: communicator, grid: grid)
  }

  private init(
    _ compiled: CompiledModel, precision: Precision, threads: Int, attention: AttentionEvaluation,
    isDifferentiable: Bool, communicator: any Communicator = SingleProcess(), grid: SIMD3<Int>? = nil
  ) {
    precondition(threads > 0)
    self.compiled = isDifferentiable ? compiled : nil
    self.model = compiled.model
    self.precision = precision
    self.threads = threads
    wantedAttention = attention
    // Frames of a training set do not move.
    list = NeighborList(
      cutoff: model.cutoff, skin: isDifferentiable ? 4 * Self.displacement(precision) : Self.skin,
      threads: threads)
    decomposition =
      communicator.size == 1
      ? nil : Decomposition(cutoff: model.cutoff, skin: Self.skin, grid: grid, communicator: communicator)
    engine =
      switch precision {
      case .mixed: .mixed(Network(compiled, threads: threads, communicator: communicator))
      case .double: .double(Network(compiled, threads: threads, communicator: communicator))
      }
  }

  /// Reads a model file.
  ///
  /// - Throws: `HDF5Error`, `ModelError`.
  public convenience init(
    modelPath: String, precision: Precision = .mixed, threads: Int = 1,
    attention: AttentionEvaluation = AttentionEvaluation(), dropsDeadPaths: Bool = true,
    communicator: any Communicator = SingleProcess(), grid: SIMD3<Int>? = nil
  ) throws {
    try self.init(
      model: Model(contentsOf: modelPath), precision: precision, threads: threads, attention: attention,
      dropsDeadPaths: dropsDeadPaths, communicator: communicator, grid: grid)
  }

  /// - Throws: `ModelError` for an element that the model does not know, `LatticeError` for positions or a cell out of
  ///   range, `MemoryError` for a system that the machine has no room for, `PlanError` for a plan of another system;
  ///   of several ranks `DomainError` for a system that is too small for them, `RankError` where another has failed.
  public func evaluate(_ system: AtomicSystem, into result: inout Evaluation) throws {
    timing.begin()
    if let plan = result.plan {
      try follow(renewed(plan, for: system), for: system)
      try requireWavevectors(of: plan, in: system.cell)
    } else {
      try arrange(by: EvaluationPlan(cell: system.cell, positions: system.positions), system)
    }
    timing.end(.neighbors)
    if result.plan == nil { try choose(for: system) }

    let count = system.count
    if result.forces.count != count {
      result.forces = Array(repeating: .zero, count: count)
      result.atomicEnergies = Array(repeating: 0, count: count)
    }
    let strainGradient = try evaluate(system.cell)
    if let decomposition {
      gather(into: &result, decomposition)
    } else {
      for (k, i) in order.enumerated() {
        result.forces[Int(i)] = forces[k]
        result.atomicEnergies[Int(i)] = energies[k]
      }
      setCharges(of: &result)
    }
    result.energy = result.atomicEnergies.reduce(0, +)
    if system.cell.isFullyPeriodic {
      // Rotational invariance makes it symmetric; rounding does not.
      result.stress = (strainGradient + strainGradient.transposed) * (0.5 / system.cell.volume)
    } else {
      result.stress = .zero
    }
    result.plan = plan
  }

  private func setCharges(of result: inout Evaluation) {
    engine.charges(into: &charges)
    guard !charges.isEmpty else {
      result.charges = nil
      return
    }
    if result.charges?.count != charges.count { result.charges = charges }
    for (k, i) in order.enumerated() { result.charges?[Int(i)] = charges[k] }
  }

  /// Calls `body` with the scalar features that leave the last layer, [channels], and the element of every atom of the last
  /// evaluation, in the order of the system.
  ///
  /// - Precondition: there is one rank.
  public func forEachFeature(_ body: (UnsafePointer<Double>, _ species: Int) throws -> Void) rethrows {
    precondition(decomposition == nil)
    try forEachOwnFeature(body)
  }

  private func forEachOwnFeature(_ body: (UnsafePointer<Double>, _ species: Int) throws -> Void) rethrows {
    // In the order of the system.
    let inner = order.indices.sorted { order[$0] < order[$1] }
    var row = Array(repeating: 0.0, count: model.channels)
    for k in inner {
      engine.copyFeatures(of: k, into: &row)
      try row.withUnsafeBufferPointer { if let h = $0.baseAddress { try body(h, species[k]) } }
    }
  }

  /// How far every atom of the last evaluation is from what the model has learned, in the order of the system: 1 for the
  /// farthest atom of the training data. Nil where the model does not say what it has learned. All ranks call it.
  public func extrapolationGrades() -> [Double]? {
    guard let domain = model.domain else { return nil }
    var grades: [Double] = []
    grades.reserveCapacity(order.count)
    forEachOwnFeature { grades.append(domain.grade($0, species: $1)) }
    return decomposition.map { gather(ascending: grades, $0) } ?? grades
  }

  private func evaluate(_ cell: Cell, measuringSources: Bool = false) throws -> Matrix3 {
    let strainGradient = try engine.evaluate(
      positions: positions, cell: cell, list: list, plan: networkPlan, atomicEnergies: &energies,
      forces: &forces, measuringSources: measuringSources)
    return decomposition?.communicator.sum(strainGradient) ?? strainGradient
  }

  /// The bricks of several ranks: how many along each axis, how thick the thinnest, and how thick they have to be, Angstrom. Nil
  /// in one process, and before the first evaluation.
  public var bricks: (counts: SIMD3<Int>, thickness: Vector3, least: Double)? { decomposition?.bricks }

  /// Atoms of this rank, and copies of others' that it has; nil as `bricks`.
  public var share: (own: Int, copies: Int)? {
    decomposition?.halo.map { ($0.owned, $0.count - $0.owned) }
  }

  /// How the last step evaluated the attention; nil for a model without it.
  public var attention: AttentionPlan? { networkPlan.attention }

  /// Seconds by part since the potential was made.
  public var timings: Timings { engine.timings + timing }

  /// Floating-point operations of the last step.
  public var operations: Operations { engine.operations }

  /// Another potential with these weights, for so many threads.
  ///
  /// - Precondition: gradients by weights are to be had.
  public func withThreads(_ threads: Int) -> LRMACEPotential {
    guard let compiled else { preconditionFailure("weights are not kept") }
    return LRMACEPotential(
      compiled, precision: precision, threads: threads, attention: wantedAttention, isDifferentiable: true)
  }

  /// The weights of another potential of the same model.
  public func load(weightsOf other: LRMACEPotential) {
    guard let compiled = other.compiled else { preconditionFailure("weights are not kept") }
    model = other.model
    engine.load(compiled)
    self.compiled = compiled
    plan = nil
  }

  /// Other weights of the same model.
  ///
  /// - Parameter threads: that share what is to be worked out before a step; usually those of the steps.
  public func load(_ weights: [Double], threads: Int? = nil) {
    model.weights = weights
    let compiled = CompiledModel(
      model, precision: precision, dropsDeadPaths: false, isDifferentiable: true, previous: compiled,
      threads: threads ?? self.threads)
    engine.load(compiled)
    self.compiled = compiled
    plan = nil
  }

  // MARK: - Plan

  public func reasonToRenew(_ plan: EvaluationPlan, for system: AtomicSystem) -> String? {
    let growth = Deformation.growth(from: plan.cell, to: system.cell)
    guard model.attention != nil, growth > Self.renewalGrowth else { return nil }
    let percent = ((growth - 1) * 1000).rounded() / 10
    return "the cell has grown by \(percent) % between two faces since its wavevectors were chosen"
  }

  private func requireWavevectors(of plan: EvaluationPlan, in cell: Cell) throws {
    guard networkPlan.attention != nil else { return }
    let growth = Deformation.growth(from: plan.cell, to: cell)
    guard growth <= Self.largestGrowth else {
      throw LatticeError.cellOutgrewItsWavevectors(growth: growth, limit: Self.largestGrowth)
    }
  }

  /// The plan itself, or with new positions where atoms have gone far from the old ones, or have left the room that they
  /// had along open axes.
  private func renewed(_ plan: EvaluationPlan, for system: AtomicSystem) throws -> EvaluationPlan {
    guard plan.positions.count == system.count else {
      throw PlanError("it was made for \(plan.positions.count) atoms, but there are \(system.count)")
    }
    guard plan.cell.isPeriodic == system.cell.isPeriodic else {
      throw PlanError("it was made for other periodic axes")
    }
    let network = plan == self.plan ? networkPlan : try engine.plan(plan)
    let deformation = Deformation(from: plan.cell, to: system.cell)
    let hasRoom = network.attention?.room?.holds(system.positions, in: system.cell) ?? true
    guard
      !hasRoom
        || !deformation.carries(
          plan.positions, to: system.positions,
          within: decomposition?.lastingDistance ?? Self.reorderingDistance)
    else { return plan }
    // As they would be in the plan's cell.
    var renewed = plan
    let back = Deformation(from: system.cell, to: plan.cell)
    renewed.positions = system.positions.map(back.apply)
    var renewedNetwork = try engine.plan(renewed)
    if renewedNetwork.attention?.room != network.attention?.room {
      // Another mesh has other transforms.
      renewedNetwork.attention?.wisdom = nil
      renewed.choices = renewedNetwork.choices
    }
    return renewed
  }

  /// Makes a plan for a system whose atoms have been arranged.
  private func choose(for system: AtomicSystem) throws {
    func choices(_ wanted: AttentionEvaluation) throws -> NetworkPlan {
      try engine.plan(
        list: list, pairs: decomposition?.communicator.sum(list.pairCount) ?? list.pairCount,
        positions: decomposition == nil ? positions : system.positions, cell: system.cell, wanted: wanted)
    }
    networkPlan = try choices(wantedAttention)
    if networkPlan.attention?.mesh != nil && wantedAttention.mesh == nil {
      _ = try evaluate(system.cell, measuringSources: true)
      let accuracy = Self.meshAccuracy(precision, in: system.cell)
      if let mesh = engine.sufficientMeshResolution(accuracy) {
        // A mesh that is finer than expected may cost more than another evaluation.
        networkPlan = try choices(AttentionEvaluation(method: wantedAttention.method, mesh: mesh))
      }
    }
    try settle()
    plan = EvaluationPlan(
      cell: system.cell, positions: system.positions, choices: networkPlan.choices)
  }

  // MARK: - Order and neighbours

  /// Sets up order, neighbour list and network, or only renews the list where the plan has not changed.
  private func follow(_ plan: EvaluationPlan, for system: AtomicSystem) throws {
    var plan = plan
    let hasBricks = decomposition?.hasBricks(for: system.cell) ?? true
    if plan == self.plan && system.atomicNumbers == atomicNumbers && hasBricks {
      guard mustBuildList(for: system) else { return }
      self.plan = nil
      try buildList(system, plan)
    } else {
      networkPlan = try engine.plan(plan)
      try arrange(by: plan, system)
      try settle()
      plan.choices = networkPlan.choices
    }
    self.plan = plan
  }

  /// Sets the positions of all rows, and says whether they need new neighbours.
  private func mustBuildList(for system: AtomicSystem) -> Bool {
    if let decomposition {
      guard !decomposition.mustDivide(system.positions, in: system.cell) else { return true }
      decomposition.setPositions(&positions, from: system.positions, in: system.cell)
      return false
    }
    for (k, i) in order.enumerated() { positions[k] = system.positions[Int(i)] }
    return list.mustRebuild(positions: positions, cell: system.cell)
  }

  /// Makes the choices that need time; those of rank 0 are everybody's.
  private func settle() throws {
    guard let decomposition else {
      networkPlan = try engine.settled(networkPlan)
      return
    }
    try settle(decomposition)
  }

  /// Orders the atoms by a plan and lists their neighbours; until all is well there is no plan that is followed.
  private func arrange(by plan: EvaluationPlan, _ system: AtomicSystem) throws {
    self.plan = nil
    let element = try elements(of: system)
    let curve = try curve(through: plan, in: system.cell)
    order = model.species.indices.flatMap { s in curve.filter { element[Int($0)] == s } }
    species = order.map { element[Int($0)] }
    atomicNumbers = system.atomicNumbers
    forces = Array(repeating: .zero, count: order.count)
    energies = Array(repeating: 0, count: order.count)
    try buildList(system, plan)
  }

  /// The atoms of this process or rank along a curve that keeps neighbours near.
  private func curve(through plan: EvaluationPlan, in cell: Cell) throws -> [Int32] {
    if let decomposition { return try ownCurve(through: plan, in: cell, decomposition) }
    return try spatialOrder(positions: plan.positions, cell: plan.cell, binWidth: model.cutoff)
  }

  private func buildList(_ system: AtomicSystem, _ plan: EvaluationPlan) throws {
    if let decomposition {
      let element = try elements(of: system)
      let composition = model.species.indices.map { s in element.count { $0 == s } }
      try buildList(system, plan, species: species, composition: composition, decomposition)
      return
    }
    positions = order.map { system.positions[Int($0)] }
    try list.build(positions: positions, cell: system.cell)
    try engine.prepare(AtomRows(species: species, elements: model.species.count), list: list, halo: nil)
  }

  /// Indices into the elements of the model.
  private func elements(of system: AtomicSystem) throws -> [Int] {
    var index: [Int: Int] = [:]
    for (s, z) in model.species.enumerated() { index[z] = s }
    return try system.atomicNumbers.enumerated().map { i, z in
      guard let s = index[z] else {
        let known = model.species.map { Elements.symbol($0) ?? "Z=\($0)" }.joined(separator: ", ")
        throw ModelError(
          file: model.name,
          reason:
            "atom \(i + 1) is \(Elements.symbol(z) ?? "Z=\(z)"), which this model does not know; it was made for \(known)"
        )
      }
      return s
    }
  }
}
