// G applied to columns of sources, with all images, and its adjoint: the one door between the attention and the three
// ways to evaluate the sum.
//
//   Y_m = sum_n G(r_m - r_n) X_n        column c with G = sum_j filter_jc G_j, less the n = m part where the kernel asks
//   dX  = G dY                          G is symmetric
//   dE/dr, dE/d(strain)                 of the bilinear form sum_c dY_c^T G X_c
//
// X, Y, dX, dY are [N][columns], row-major. Use per step: `place`, then `apply` for every layer, then `adjoint` for every
// layer, then `addGradients`.

import Kernels
import Lattice

/// `PairMatrix`, `WavevectorSum` and `ParticleMesh`. Where an axis is periodic, wavevectors and weights are those of the
/// `Wavevectors` that a solver was made with, which follow the cell before it does.
protocol FieldSolver<Scalar>: AnyObject {
  associatedtype Scalar: KernelScalar

  /// Tables of one configuration; forgets the gradients gathered before.
  func place(positions: [Vector3], cell: Cell)

  /// Y of a layer from its X; the layer keeps what the adjoint needs.
  func apply(_ layer: FieldLayer<Scalar>)

  /// Gathers the gradients by positions, weights and strain from dY of a layer, and computes dX where it is asked for.
  func adjoint(_ layer: FieldLayer<Scalar>, dY: UnsafePointer<Scalar>, dX: UnsafeMutablePointer<Scalar>?)

  /// Adds dE/dr, [3][N] in eV/Angstrom, and the part of dE/d(strain) in eV that does not come from the weights of
  /// wavevectors, of all adjoints since `place`.
  func addGradients(positions: UnsafeMutablePointer<Double>, strain: inout Matrix3)
}
