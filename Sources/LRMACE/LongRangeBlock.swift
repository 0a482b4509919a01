// The long-range block of a layer behind one door: from the scalars h0 entering the layer to what is added to those
// leaving it, and to the energy.
//   forward   all that needs every atom: sources, fields
//   mix       what a block of atoms makes of its fields, h' <- h' + ...
//   adjoint   from dE/dh': dE/dh0 and dE/dr of edges; the sum in Reciprocal keeps dE/d(positions)
// `AttentionBlock` is reciprocal-space attention, `ConservedBlock` has sources that neighbours exchange.

import Domains
import Kernels

/// What blocks see of a step beside features.
struct LongRangeStep<T: KernelScalar> {
  /// Edges of all atoms; the adjoint adds to dE/dr.
  let edges: MessageSources<T>
  let blocks: [AtomBlock]
  /// Blocks of each thread where it adds up a sum of its own.
  let shares: [Range<Int>]
  let queue: WorkQueue
  let scratch: [ThreadScratch<T>]
  /// Nil where one process has all atoms.
  let halo: Halo?

  /// Calls `body` for every block of atoms; it writes rows of its own alone.
  func forEachBlock(_ body: (AtomBlock, MessageScratch<T>) -> Void) {
    parallel(queue, count: blocks.count) { thread, n in body(blocks[n], scratch[thread].messages) }
  }
}

/// Whoever calls knows neither the type nor its scalar: methods that do work are specialised by name.
protocol LongRangeBlock<Scalar>: AnyObject {
  associatedtype Scalar: KernelScalar

  /// Whether it needs lengths of edges before the first layer's messages are formed, and adds to their gradients.
  var readsEdges: Bool { get }

  /// What it needs of a thread's scratch memory.
  var room: MessageRoom { get }

  /// Makes room for atoms and features up to `lmax`; tells the sum what will come.
  func prepare(_ atoms: AtomRows, lmax: Int)

  func forward(_ step: LongRangeStep<Scalar>, features h0: UnsafePointer<Scalar>)

  func mix(into h: Features<Scalar>, range: Range<Int>)

  /// Adjoint of `mix` and `forward`: rescales `gradient` where a gate acts and adds to `inputGradient`, which the first
  /// layer does not have.
  func adjoint(
    _ step: LongRangeStep<Scalar>, gradient: Features<Scalar>, features h0: UnsafePointer<Scalar>,
    inputGradient: Features<Scalar>?)

  /// Adds dE/d(weights) from what `adjoint` has left behind, given the same.
  func addWeightGradients(
    _ step: LongRangeStep<Scalar>, gradient: Features<Scalar>, features h0: UnsafePointer<Scalar>,
    to sums: WeightSums<Scalar>)

  /// Adds energies of the atoms, eV.
  func addEnergies(to energies: inout [Double])

  /// Charges of the atoms, e, if the block has any.
  func charges(into charges: inout [Double]) -> Bool
}
