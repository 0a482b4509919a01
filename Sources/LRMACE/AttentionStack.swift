// The long-range blocks of a model around the one sum in Reciprocal that they share (LongRangeBlock.swift).

import Domains
import Kernels
import LRMACEModel
import Lattice
import Reciprocal

final class AttentionStack<T: KernelScalar> {
  let sum: ReciprocalAttention<T>
  /// By layer; nil where a layer has none.
  private(set) var blocks: [(any LongRangeBlock<T>)?] = []
  private let channels: Int
  private let gradients = Workspace<Vector3>()

  /// Nil for a model without long-range blocks.
  init?(_ compiled: CompiledModel, channels: Int, threads: Int, communicator: any Communicator) {
    let model = compiled.model
    guard let settings = model.attention else { return nil }
    self.channels = channels
    let tails = settings.sigmas.map { _ in KernelTail.coulomb }
    let dispersion = model.dispersion
    sum = ReciprocalAttention<T>(
      kernel: ReciprocalKernel(
        sigmas: settings.sigmas + (dispersion.map { [$0.sigma] } ?? []),
        tails: tails + (dispersion == nil ? [] : [.dispersion]), tolerance: settings.epsilon,
        weight: settings.kernelWeight, subtractsSelf: settings.subtractsSelf),
      heads: settings.heads, width: settings.width,
      layers: model.layers.count { $0.attention != nil || $0.conserved != nil }, threads: threads,
      communicator: communicator)
    load(compiled)
  }

  /// The weights of a model with the same settings.
  func load(_ compiled: CompiledModel) {
    let model = compiled.model
    guard let settings = model.attention else { return }
    var index = 0
    blocks.removeAll(keepingCapacity: true)
    for (t, layer) in model.layers.enumerated() {
      let place = LongRangePlace(
        sum: sum, index: index, isFirst: t == 0, channels: model.channels, paddedChannels: channels,
        threads: sum.threads)
      if let attention = layer.attention {
        blocks.append(
          AttentionBlock(attention, settings, coupling: t == 0 ? compiled.attention : nil, at: place))
      } else if let conserved = compiled.layers[t].conserved {
        blocks.append(ConservedBlock(conserved, at: place))
      } else {
        blocks.append(nil)
        continue
      }
      index += 1
    }
  }

  /// Whether lengths of edges are needed before the first layer's messages are formed.
  var readsEdges: Bool { blocks.contains { $0?.readsEdges ?? false } }

  var room: MessageRoom {
    var room = MessageRoom()
    for case let block? in blocks { room.formUnion(block.room) }
    return room
  }

  /// Makes room for atoms, given the highest degree leaving each layer.
  func prepare(_ atoms: AtomRows, lmax: [Int]) {
    sum.expectAtoms(atoms.total)
    for (block, lmax) in zip(blocks, lmax) { block?.prepare(atoms, lmax: lmax) }
  }

  /// The plan for the atoms that were prepared, in `cell`.
  func plan(positions: [Vector3], cell: Cell, wanted: AttentionEvaluation) throws -> AttentionPlan {
    try sum.plan(
      positions: positions, cell: cell, preferring: wanted.method,
      mesh: wanted.mesh ?? ReciprocalAttention<T>.usualMesh)
  }

  func admits(_ plan: AttentionPlan) -> Bool { sum.admits(plan) }

  func settled(_ plan: AttentionPlan, atoms: Int) throws -> AttentionPlan {
    try sum.settled(plan, atoms: atoms)
  }

  /// The cheapest mesh that will do, from a step that measured its sources.
  func sufficientMeshResolution(_ accuracy: MeshAccuracy) -> MeshResolution? {
    sum.sufficientResolution(accuracy)
  }

  func prepare(
    positions: [Vector3], cell: Cell, plan: AttentionPlan, measuringSources: Bool
  ) throws {
    try sum.prepare(positions: positions, cell: cell, plan: plan, measuringSources: measuringSources)
  }

  // MARK: - A step

  func forward(layer t: Int, _ step: LongRangeStep<T>, features h0: UnsafePointer<T>) {
    blocks[t]?.forward(step, features: h0)
  }

  func mix(layer t: Int, into h: Features<T>, range: Range<Int>) {
    blocks[t]?.mix(into: h, range: range)
  }

  func adjoint(
    layer t: Int, _ step: LongRangeStep<T>, gradient: Features<T>, features h0: UnsafePointer<T>,
    inputGradient: Features<T>?
  ) {
    blocks[t]?.adjoint(step, gradient: gradient, features: h0, inputGradient: inputGradient)
  }

  /// Subtracts dE/dr from the forces and adds dE/d(strain).
  func addForces(to forces: inout [Vector3], strainGradient: inout Matrix3) {
    let sums = gradients.reserve(forces.count)
    gradients.fill(.zero, count: forces.count)
    sum.addGradients(positions: sums, strain: &strainGradient)
    for i in forces.indices { forces[i] -= sums[i] }
  }

  /// Adds dE/d(weights) of a layer's block, after all adjoints.
  func addWeightGradients(
    layer t: Int, _ step: LongRangeStep<T>, gradient: Features<T>, features h0: UnsafePointer<T>,
    to sums: WeightSums<T>
  ) {
    blocks[t]?.addWeightGradients(step, gradient: gradient, features: h0, to: sums)
  }

  /// Adds energies of the atoms that do not come from the layers' readouts.
  func addEnergies(to energies: inout [Double]) {
    for case let block? in blocks { block.addEnergies(to: &energies) }
  }

  /// Charges of the atoms, e; empty for a model that has none.
  func charges(into charges: inout [Double]) {
    for case let block? in blocks where block.charges(into: &charges) { return }
    charges.removeAll(keepingCapacity: true)
  }
}

/// Where a long-range block stands.
struct LongRangePlace<T: KernelScalar> {
  let sum: ReciprocalAttention<T>
  /// Position among the layers of `sum`.
  let index: Int
  /// Of the layers of the model: features entering it depend on the element alone.
  let isFirst: Bool
  let channels: Int
  /// Those of features, in whole lanes.
  let paddedChannels: Int
  let threads: Int

  /// Runs `body` on parts of all atoms whose rows stay in the cache from one stage to the next.
  func forEachBatch(atoms: Int, _ body: (Range<Int>) -> Void) {
    let batch = 64
    parallel(threads: threads, count: atoms) { _, range in
      for first in stride(from: range.lowerBound, to: range.upperBound, by: batch) {
        body(first..<min(first + batch, range.upperBound))
      }
    }
  }
}
