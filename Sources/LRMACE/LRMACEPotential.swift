// The force field as dynamics sees it: atoms in the user's order in, energy, forces and stress out.
// Keeps the neighbour list and the inner order of atoms (by element, then along a space-filling curve).

import Kernels
import LRMACEModel
import Lattice
import Reciprocal

/// How to evaluate the attention of a model.
public struct AttentionEvaluation: Sendable, Hashable {
  /// Nil takes the cheapest for the system's size.
  public var method: AttentionMethod?
  /// Nil takes the cheapest that keeps forces accurate to `LRMACEPotential.meshForceError`.
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

  public let model: Model
  public let precision: Precision
  public let threads: Int
  /// Extra reach of the neighbour list, Angstrom: long enough for a few dozen steps of a liquid.
  public static let skin = 0.8
  /// What a mesh that the potential chooses may add to a component of the forces: its root mean square, eV/Angstrom.
  /// The largest of thousands is some twenty times as large; the contract is 1e-4 for that, 1e-6 eV per atom for energies.
  public static let meshForceError = 2e-6

  private let engine: Engine
  private let choosesMesh: Bool
  /// Whether the mesh waits for a first step to tell what it needs.
  private var isMeshOpen: Bool
  private var list: NeighborList
  private var timing = Timings()

  /// order[k] is the user's index of the inner atom k.
  private var order: [Int32] = []
  private var species: [Int] = []
  private var atomicNumbers: [Int] = []
  private var positions: [Vector3] = []
  private var forces: [Vector3] = []
  private var energies: [Double] = []

  /// - Parameter dropsDeadPaths: leave out paths with weights of zero; the energies are the same either way.
  /// - Throws: `ModelError` for a model that is not valid: no kernel sees what was not checked.
  public init(
    model: Model, precision: Precision = .mixed, threads: Int = 1,
    attention: AttentionEvaluation = AttentionEvaluation(), dropsDeadPaths: Bool = true
  ) throws {
    precondition(threads > 0)
    try model.validate()
    let model = dropsDeadPaths ? model.withoutDeadPaths() : model
    self.model = model
    self.precision = precision
    self.threads = threads
    choosesMesh = attention.mesh == nil
    isMeshOpen = choosesMesh
    list = NeighborList(cutoff: model.cutoff, skin: Self.skin, threads: threads)
    engine =
      switch precision {
      case .mixed: .mixed(Network(model: model, threads: threads, attention: attention))
      case .double: .double(Network(model: model, threads: threads, attention: attention))
      }
  }

  /// Reads a model file.
  ///
  /// - Throws: `HDF5Error`, `ModelError`.
  public convenience init(
    modelPath: String, precision: Precision = .mixed, threads: Int = 1,
    attention: AttentionEvaluation = AttentionEvaluation(), dropsDeadPaths: Bool = true
  ) throws {
    try self.init(
      model: Model(contentsOf: modelPath), precision: precision, threads: threads, attention: attention,
      dropsDeadPaths: dropsDeadPaths)
  }

  /// - Throws: `ModelError` for an element that the model does not know, `LatticeError` for positions or a cell out of
  ///   range, `MemoryError` for a system that the machine has no room for.
  public func evaluate(_ system: AtomicSystem, into result: inout Evaluation) throws {
    timing.begin()
    try updateNeighbors(system)
    timing.end(.neighbors)

    let count = system.count
    if result.forces.count != count {
      result.forces = Array(repeating: .zero, count: count)
      result.atomicEnergies = Array(repeating: 0, count: count)
    }
    var strainGradient = try evaluate(system.cell)
    if isMeshOpen && attentionMethod == .mesh {
      engine.meshResolution = engine.sufficientMeshResolution(forceError: Self.meshForceError)
      isMeshOpen = false
      strainGradient = try evaluate(system.cell)
    }
    for (k, i) in order.enumerated() {
      result.forces[Int(i)] = forces[k]
      result.atomicEnergies[Int(i)] = energies[k]
    }
    result.energy = result.atomicEnergies.reduce(0, +)
    if system.cell.isFullyPeriodic {
      // Rotational invariance makes it symmetric; rounding does not.
      result.stress = (strainGradient + strainGradient.transposed) * (0.5 / system.cell.volume)
    } else {
      result.stress = .zero
    }
  }

  private func evaluate(_ cell: Cell) throws -> Matrix3 {
    try engine.evaluate(
      positions: positions, cell: cell, list: list, atomicEnergies: &energies, forces: &forces,
      measuresSources: isMeshOpen)
  }

  /// The mesh of the last step's attention; nil where it took another way.
  public var meshResolution: MeshResolution? { attentionMethod == .mesh ? engine.meshResolution : nil }

  private static let meshSetting = "attention_mesh"
  private static let pairsSetting = "first_layer_by_pairs"

  /// What was chosen by the first configuration. The mesh: points of its window, spacing in units of sigma. The first
  /// layer's messages: 1 where they come from tables of pairs of elements.
  public var settings: [String: [Double]] {
    var settings: [String: [Double]] = [:]
    if choosesMesh, !isMeshOpen, let mesh = engine.meshResolution {
      settings[Self.meshSetting] = [Double(mesh.order), mesh.spacing]
    }
    if let takesPairs = engine.takesPairs { settings[Self.pairsSetting] = [takesPairs ? 1 : 0] }
    return settings
  }

  public func restore(settings: [String: [Double]]) throws {
    if let mesh = settings[Self.meshSetting] {
      guard mesh.count == 2, let order = Int(exactly: mesh[0]), MeshResolution.orders.contains(order),
        MeshResolution.spacings.contains(mesh[1])
      else { throw RestoreError("there is no mesh with the order and spacing \(mesh)") }
      engine.meshResolution = MeshResolution(order: order, spacing: mesh[1])
      isMeshOpen = false
    }
    if let takesPairs = settings[Self.pairsSetting] {
      guard takesPairs == [0] || takesPairs == [1] else {
        throw RestoreError("\(takesPairs) does not say how the first layer forms its messages")
      }
      engine.takesPairs = takesPairs == [1]
    }
  }

  public func forgetConfiguration() {
    isMeshOpen = choosesMesh
    if choosesMesh { engine.meshResolution = MeshResolution() }
    engine.takesPairs = nil
    atomicNumbers = []
  }

  /// How the last step evaluated the attention; nil for a model without it.
  public var attentionMethod: AttentionMethod? { engine.attentionMethod }

  /// Seconds by part since the potential was made.
  public var timings: Timings { engine.timings + timing }

  /// Floating-point operations of the last step.
  public var operations: Operations { engine.operations }

  // MARK: - Neighbour list

  public var neighborListPositions: [Vector3] {
    var built = list.buildPositions
    guard built.count == order.count else { return [] }
    for (k, i) in order.enumerated() { built[Int(i)] = list.buildPositions[k] }
    return built
  }

  /// A list in use was built where no atom has moved from by more than half the skin.
  public func rebuildNeighborList(at positions: [Vector3], system: AtomicSystem) throws {
    guard positions.count == system.count else {
      throw RestoreError(
        "the neighbour list was built for \(positions.count) atoms, but there are \(system.count)")
    }
    for (i, (built, present)) in zip(positions, system.positions).enumerated() {
      let moved = built - present
      // Not so for NaN, too.
      guard dot(moved, moved) <= Self.skin * Self.skin else {
        throw RestoreError("atom \(i + 1) is too far from where the neighbour list was built")
      }
    }
    var past = system
    past.positions = positions
    try build(past)
  }

  private func updateNeighbors(_ system: AtomicSystem) throws {
    if !atomicNumbers.isEmpty && system.atomicNumbers == atomicNumbers {
      for (k, i) in order.enumerated() { positions[k] = system.positions[Int(i)] }
      guard list.mustRebuild(positions: positions, cell: system.cell) else { return }
    }
    try build(system)
  }

  private func build(_ system: AtomicSystem) throws {
    var index: [Int: Int] = [:]
    for (s, z) in model.species.enumerated() { index[z] = s }
    let element = try system.atomicNumbers.enumerated().map { i, z -> Int in
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
    if system.atomicNumbers != atomicNumbers && !atomicNumbers.isEmpty { forgetConfiguration() }
    let curve = try spatialOrder(positions: system.positions, cell: system.cell, binWidth: model.cutoff)
    let order = model.species.indices.flatMap { s in curve.filter { element[Int($0)] == s } }
    // Until all is well the next evaluation begins anew.
    atomicNumbers = []
    try list.build(positions: order.map { system.positions[Int($0)] }, cell: system.cell)
    self.order = order
    species = order.map { element[Int($0)] }
    positions = list.buildPositions
    forces = Array(repeating: .zero, count: system.count)
    energies = Array(repeating: 0, count: system.count)
    list.groupNeighbors(by: species)
    try engine.prepare(species: species, list: list)
    atomicNumbers = system.atomicNumbers
  }
}

/// A network in one precision. Concrete cases, so that the compiler specialises the kernels for each.
private enum Engine {
  case mixed(Network<Float>)
  case double(Network<Double>)

  var timings: Timings {
    switch self {
    case .mixed(let network): network.timings
    case .double(let network): network.timings
    }
  }

  var operations: Operations {
    switch self {
    case .mixed(let network): network.operations
    case .double(let network): network.operations
    }
  }

  var attentionMethod: AttentionMethod? {
    switch self {
    case .mixed(let network): network.attentionMethod
    case .double(let network): network.attentionMethod
    }
  }

  /// Nil for a model without attention.
  var meshResolution: MeshResolution? {
    get {
      switch self {
      case .mixed(let network): network.meshResolution
      case .double(let network): network.meshResolution
      }
    }
    nonmutating set {
      switch self {
      case .mixed(let network): network.meshResolution = newValue
      case .double(let network): network.meshResolution = newValue
      }
    }
  }

  /// Nil before the first step.
  var takesPairs: Bool? {
    get {
      switch self {
      case .mixed(let network): network.takesPairs
      case .double(let network): network.takesPairs
      }
    }
    nonmutating set {
      switch self {
      case .mixed(let network): network.takesPairs = newValue
      case .double(let network): network.takesPairs = newValue
      }
    }
  }

  func sufficientMeshResolution(forceError: Double) -> MeshResolution? {
    switch self {
    case .mixed(let network): network.sufficientMeshResolution(forceError: forceError)
    case .double(let network): network.sufficientMeshResolution(forceError: forceError)
    }
  }

  func prepare(species: [Int], list: NeighborList) throws {
    switch self {
    case .mixed(let network): try network.prepare(species: species, list: list)
    case .double(let network): try network.prepare(species: species, list: list)
    }
  }

  func evaluate(
    positions: [Vector3], cell: Cell, list: NeighborList, atomicEnergies: inout [Double],
    forces: inout [Vector3], measuresSources: Bool
  ) throws -> Matrix3 {
    switch self {
    case .mixed(let network):
      try network.evaluate(
        positions: positions, cell: cell, list: list, atomicEnergies: &atomicEnergies, forces: &forces,
        measuresSources: measuresSources)
    case .double(let network):
      try network.evaluate(
        positions: positions, cell: cell, list: list, atomicEnergies: &atomicEnergies, forces: &forces,
        measuresSources: measuresSources)
    }
  }
}
