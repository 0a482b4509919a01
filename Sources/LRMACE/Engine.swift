// A network in the precision that is asked for, and the model that is compiled for it.

import Domains
import LRMACEModel
import Lattice
import Reciprocal

/// A network in one precision. Concrete cases, so that the compiler specialises the kernels for each.
enum Engine {
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

  func charges(into charges: inout [Double]) {
    switch self {
    case .mixed(let network): network.charges(into: &charges)
    case .double(let network): network.charges(into: &charges)
    }
  }

  func copyFeatures(of atom: Int, into row: inout [Double]) {
    switch self {
    case .mixed(let network): network.copyFeatures(of: atom, into: &row)
    case .double(let network): network.copyFeatures(of: atom, into: &row)
    }
  }

  func sufficientMeshResolution(_ accuracy: MeshAccuracy) -> MeshResolution? {
    switch self {
    case .mixed(let network): network.sufficientMeshResolution(accuracy)
    case .double(let network): network.sufficientMeshResolution(accuracy)
    }
  }

  func plan(
    list: NeighborList, pairs: Int, positions: [Vector3], cell: Cell, wanted: AttentionEvaluation
  ) throws -> NetworkPlan {
    switch self {
    case .mixed(let network):
      try network.plan(list: list, pairs: pairs, positions: positions, cell: cell, wanted: wanted)
    case .double(let network):
      try network.plan(list: list, pairs: pairs, positions: positions, cell: cell, wanted: wanted)
    }
  }

  func settled(_ plan: NetworkPlan) throws -> NetworkPlan {
    switch self {
    case .mixed(let network): try network.settled(plan)
    case .double(let network): try network.settled(plan)
    }
  }

  func plan(_ plan: EvaluationPlan) throws -> NetworkPlan {
    switch self {
    case .mixed(let network): try network.plan(plan)
    case .double(let network): try network.plan(plan)
    }
  }

  func prepare(_ rows: AtomRows, list: NeighborList, halo: Halo?) throws {
    switch self {
    case .mixed(let network): try network.prepare(rows, list: list, halo: halo)
    case .double(let network): try network.prepare(rows, list: list, halo: halo)
    }
  }

  func evaluate(
    positions: [Vector3], cell: Cell, list: NeighborList, plan: NetworkPlan,
    atomicEnergies: inout [Double], forces: inout [Vector3], measuringSources: Bool
  ) throws -> Matrix3 {
    switch self {
    case .mixed(let network):
      try network.evaluate(
        positions: positions, cell: cell, list: list, plan: plan, atomicEnergies: &atomicEnergies,
        forces: &forces, measuringSources: measuringSources)
    case .double(let network):
      try network.evaluate(
        positions: positions, cell: cell, list: list, plan: plan, atomicEnergies: &atomicEnergies,
        forces: &forces, measuringSources: measuringSources)
    }
  }

  func load(_ compiled: CompiledModel) {
    switch self {
    case .mixed(let network): network.load(compiled)
    case .double(let network): network.load(compiled)
    }
  }

  func zeroGradient() -> WeightGradient {
    switch self {
    case .mixed(let network): network.zeroGradient()
    case .double(let network): network.zeroGradient()
    }
  }

  func addGradient(factor: Double, to gradient: inout WeightGradient) {
    switch self {
    case .mixed(let network): network.addWeightGradient(factor: factor, to: &gradient)
    case .double(let network): network.addWeightGradient(factor: factor, to: &gradient)
    }
  }
}

extension CompiledModel {
  init(
    _ model: Model, precision: LRMACEPotential.Precision, dropsDeadPaths: Bool, isDifferentiable: Bool,
    previous: CompiledModel? = nil, threads: Int
  ) {
    switch precision {
    case .mixed:
      self.init(
        model, for: Float.self, dropsDeadPaths: dropsDeadPaths, isDifferentiable: isDifferentiable,
        previous: previous, threads: threads)
    case .double:
      self.init(
        model, for: Double.self, dropsDeadPaths: dropsDeadPaths, isDifferentiable: isDifferentiable,
        previous: previous, threads: threads)
    }
  }
}
