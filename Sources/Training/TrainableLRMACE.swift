// LR-MACE as training sees it: predictions by the kernels of a run, and gradients from two first-order ones
// (LRMACEPotential+Weights.swift), by the parameters of ModelParameters.

import LRMACE
import LRMACEModel
import Lattice

public final class TrainableLRMACE: TrainablePotential {
  public let blocks: [ParameterBlock]
  private var current: ModelParameters
  private let potential: LRMACEPotential
  /// How the last system was evaluated: its gradient follows.
  private var last: (positions: [Vector3], cell: Cell, plan: EvaluationPlan)?

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
    potential = try LRMACEPotential(differentiable: current.model, precision: precision, threads: threads)
  }

  public var parameters: [Double] {
    get { current.values }
    set {
      guard newValue != current.values else { return }
      current.values = newValue
      potential.load(current.model.weights)
    }
  }

  public func predict(_ system: AtomicSystem) throws -> Prediction {
    var result = Evaluation()
    try potential.evaluate(system, into: &result)
    last = result.plan.map { (system.positions, system.cell, $0) }
    return Prediction(energy: result.energy, forces: result.forces, stress: result.stress)
  }

  public func addGradient(
    of system: AtomicSystem, energySeed: Double, forceSeeds: [Vector3], stressSeed: Matrix3,
    to gradient: inout [Double]
  ) throws {
    let isLast = last.map { $0.positions == system.positions && $0.cell == system.cell } ?? false
    var sum = potential.zeroGradient()
    try potential.addGradient(
      of: system, plan: isLast ? last?.plan : nil, energySeed: energySeed, forceSeeds: forceSeeds,
      stressSeed: stressSeed, to: &sum)
    let addend = current.gradient(ofWeights: potential.finished(sum))
    for n in gradient.indices { gradient[n] += addend[n] }
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
