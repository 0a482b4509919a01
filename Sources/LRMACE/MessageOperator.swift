// The messages of a layer behind one door: from the features of its neighbours to A of a block of atoms, and back.
//   forward   A_i,lm,c = sum over neighbours j of what the operator makes of (r_ij, x_j)      (Model.swift)
//   adjoint   from dE/dA: dE/dY and dE/dr of the block's edges, dE/dx of their neighbours
// `PairConvolution` goes straight to A; `SpeciesConvolution` and `Convolution` form messages M, which their `MessageLinear`
// turns into A. One call for a block: what the door costs is not seen.

import Kernels

/// Atoms of one element that are walked together.
struct AtomBlock {
  let atoms: Range<Int>
  /// Their element, as an index into `Model.species`.
  let species: Int
}

/// What all messages of a layer are formed from.
struct MessageSources<T: KernelScalar> {
  /// Lengths and harmonics of all edges; the adjoint adds to their gradients.
  let geometry: EdgeGeometry<T>
  /// Element of every atom, ascending.
  let species: [Int]
  /// Those among them, ascending.
  let elements: [Int]
  /// x of all atoms; the first layer's follow from the elements and are not read.
  let features: Features<T>
}

/// What messages need of the scratch memory of a thread.
struct MessageRoom {
  /// Radial functions of an edge.
  var functions = 0
  /// Entries of the coupled harmonics t of an edge.
  var tensorCount = 0
  /// Values of M of an atom.
  var messageCount = 0

  mutating func formUnion(_ other: MessageRoom) {
    functions = max(functions, other.functions)
    tensorCount = max(tensorCount, other.tensorCount)
    messageCount = max(messageCount, other.messageCount)
  }
}

protocol MessageOperator<Scalar>: AnyObject {
  associatedtype Scalar: KernelScalar

  /// Floating-point operations of an edge, the adjoint included.
  var operationsPerEdge: Int { get }

  /// Floating-point operations of an atom's products with weight matrices, the adjoint included.
  var matrixOperations: Int { get }

  /// Writes A of the atoms of a block.
  func forward(
    _ block: AtomBlock, of sources: MessageSources<Scalar>, scratch: MessageScratch<Scalar>,
    clock: inout PartClock, into a: Features<Scalar>)

  /// Adds dE/dY and dE/dr of the block's edges to the gradients in `sources.geometry`, and dE/dx of their neighbours to
  /// `featureGradient`.
  ///
  /// - Parameter da: dE/dA of the block alone.
  func adjoint(
    _ block: AtomBlock, of sources: MessageSources<Scalar>, scratch: MessageScratch<Scalar>,
    clock: inout PartClock, aGradient da: Features<Scalar>, featureGradient dx: Features<Scalar>)
}
