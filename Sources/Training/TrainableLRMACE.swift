// LR-MACE as training sees it: predictions by the kernels of a run, and gradients from two first-order ones
// (LRMACEPotential+Weights.swift), by the parameters of ModelParameters.
//
// Frames of a batch go to the threads in contiguous parts, each thread with a potential of its own; a batch of fewer frames than
// threads goes frame by frame, each on all threads. Sums over threads are in their order: the same number, the same bits.

import Kernels
import LRMACE
import LRMACEModel
import Lattice

public final class TrainableLRMACE: TrainablePotential {
  public let blocks: [ParameterBlock]
  private var current: ModelParameters
  /// Of one thread each; of all threads.
  private let single: [LRMACEPotential]
  private let team: LRMACEPotential
  /// Those of them that have the current weights.
  private var loaded: [LRMACEPotential]
  /// By which plans the last systems were evaluated: their gradients follow.
  private var plans: [(positions: [Vector3], cell: Cell, plan: EvaluationPlan?)] = []

  /// - Parameters:
  ///   - model: whose weights are the first parameters.
  ///   - averageNeighbors: mean number of neighbours of an atom, the unit of what is divided by it.
  ///   - precision: of the kernels; sums over frames are in double precision.
  /// - Throws: `ModelError` for a model that is not valid.
  public init(
    _ model: Model, averageNeighbors: Double, precision: LRMACEPotential.Precision, threads: Int
  ) throws {
    let current = try ModelParameters(of: model, averageNeighbors: averageNeighbors)
    self.current = current
    blocks = current.blocks.map {
      ParameterBlock(name: $0.name, range: $0.range, shape: $0.shape, decays: $0.decays)
    }
    let first = try LRMACEPotential(differentiable: current.model, precision: precision, threads: threads)
    team = first
    loaded = [first]
    single = threads == 1 ? [first] : (0..<threads).map { _ in first.withThreads(1) }
  }

  private var threads: Int { single.count }

  public var parameters: [Double] {
    get { current.values }
    set {
      guard newValue != current.values else { return }
      current.values = newValue
      loaded = []
      plans = []
    }
  }

  /// Potentials with the current weights for so many systems: one for each thread, or one for all.
  private func potentials(for count: Int) -> [LRMACEPotential] {
    let wanted = count < threads ? [team] : single
    if loaded.isEmpty {
      wanted[0].load(current.model.weights, threads: threads)
      loaded = [wanted[0]]
    }
    let source = loaded[0]
    let others = wanted.filter { potential in !loaded.contains { $0 === potential } }
    parallel(threads: threads, count: others.count) { _, range in
      for n in range { others[n].load(weightsOf: source) }
    }
    loaded += others
    return wanted
  }

  public func predict(_ systems: [AtomicSystem]) throws -> [Prediction] {
    var results = Array(repeating: Evaluation(), count: systems.count)
    try results.withUnsafeMutableBufferPointer { results in
      try forEach(systems.count) { potential, n, _ in try potential.evaluate(systems[n], into: &results[n]) }
    }
    plans = zip(systems, results).map { ($0.positions, $0.cell, $1.plan) }
    return results.map { Prediction(energy: $0.energy, forces: $0.forces, stress: $0.stress) }
  }

  public func addGradient(of batch: [SeededSystem], to gradient: inout [Double]) throws {
    func plan(_ n: Int) -> EvaluationPlan? {
      guard n < plans.count, plans[n].positions == batch[n].system.positions else { return nil }
      return plans[n].cell == batch[n].system.cell ? plans[n].plan : nil
    }
    var sums = Array(repeating: team.zeroGradient(), count: threads)
    try sums.withUnsafeMutableBufferPointer { sums in
      try forEach(batch.count) { potential, n, thread in
        try potential.addGradient(
          of: batch[n].system, plan: plan(n), energySeed: batch[n].energy, forceSeeds: batch[n].forces,
          stressSeed: batch[n].stress, to: &sums[thread])
      }
    }
    var sum = sums[0]
    for other in sums.dropFirst() { sum.add(other) }
    let addend = current.gradient(ofWeights: potentials(for: batch.count)[0].finished(sum, threads: threads))
    for n in gradient.indices { gradient[n] += addend[n] }
  }

  public func domain(
    of systems: [AtomicSystem], until interruption: () -> Bool
  ) throws -> Model.TrainingDomain? {
    let potential = potentials(for: 1)[0]
    var result = Evaluation()
    return try Model.TrainingDomain(
      species: current.model.species.count, channels: current.model.channels
    ) { body in
      for system in systems {
        if interruption() { return false }
        result.plan = nil
        try potential.evaluate(system, into: &result)
        potential.forEachFeature(body)
      }
      return true
    }
  }

  /// Calls `body` for each of so many systems with the potential that is to evaluate it, and its thread.
  private func forEach(_ count: Int, _ body: (LRMACEPotential, _ n: Int, _ thread: Int) throws -> Void) throws
  {
    let potentials = potentials(for: count)
    guard potentials.count > 1 else {
      for n in 0..<count { try body(potentials[0], n, 0) }
      return
    }
    var failures: [(any Error)?] = Array(repeating: nil, count: threads)
    failures.withUnsafeMutableBufferPointer { failures in
      parallel(threads: threads, count: count) { thread, range in
        do {
          for n in range { try body(potentials[thread], n, thread) }
        } catch {
          failures[thread] = error
        }
      }
    }
    if let failure = failures.lazy.compactMap({ $0 }).first { throw failure }
  }

  public func model(
    with parameters: [Double], name: String, provenance: String, errors: String?
  ) -> Model {
    var current = current
    current.values = parameters
    var model = current.model
    model.name = name
    model.provenance = provenance
    model.errors = errors
    return model
  }
}
