// The weights of one layer in kernel precision, and the scratch memory that a thread needs to walk it.

import Foundation
import Kernels
import Lattice

struct NetworkLayer<T: KernelScalar> {
  let inputLmax: Int
  let outputLmax: Int
  let convolution: Convolution<T>
  let contraction: SymmetricContraction<T>
  let linearUp: [PackedMatrix<T>]
  let linear: SpeciesMatrices<T>
  let skip: [[PackedMatrix<T>]]
  let product: [PackedMatrix<T>]

  init(_ layer: Model.Layer, model: Model, channels: Int) {
    func pack(_ matrix: Matrix) -> PackedMatrix<T> {
      PackedMatrix(matrix, rowBlock: model.channels, paddedRowBlock: channels, paddedColumns: channels)
    }
    inputLmax = layer.inputLmax
    outputLmax = layer.outputLmax
    let radial = RadialTable<T>(
      network: layer.radial, basis: model.radialBasis, cutoff: model.cutoff, channels: model.channels,
      paddedChannels: channels)
    convolution = Convolution(layer: layer, lmax: model.lmax, channels: channels, radial: radial)
    contraction = SymmetricContraction(
      layer.contraction, lmax: model.lmax, species: model.species.count, channels: model.channels,
      paddedChannels: channels)
    linearUp = layer.linearUp.map(pack)
    linear = SpeciesMatrices(matrices: layer.linear.map { $0.map(pack) })
    skip = layer.skip.map { $0.map(pack) }
    product = layer.product.map(pack)
  }
}

/// One matrix per degree, for each element or for all.
struct SpeciesMatrices<T: KernelScalar> {
  let matrices: [[PackedMatrix<T>]]

  subscript(l: Int, species: Int) -> PackedMatrix<T> {
    matrices[l].count == 1 ? matrices[l][0] : matrices[l][species]
  }
}

/// What one thread writes while it walks its blocks.
final class ThreadScratch<T: KernelScalar> {
  let edges: Int
  let convolution: [Convolution<T>.Scratch]
  let contraction: [SymmetricContraction<T>.Scratch]
  /// Messages M of a block, or their gradients.
  let messages: AlignedBuffer<T>
  /// dE/dA of a block.
  let messageGradients: AlignedBuffer<T>
  /// B of a block, or dE/dB.
  let products: AlignedBuffer<T>
  /// dE/dx of all atoms from this thread's centres.
  let inputGradients = AlignedBuffer<T>()
  /// Forces on all atoms from this thread's centres.
  let forces = AlignedBuffer<Vector3>(0, zero: .zero)
  var strainGradient = Matrix3.zero
  let readout = AlignedBuffer<T>(2 * PackedReadout<T>.maximumWidth)
  var parts = Timings.Parts()

  init(_ layers: [NetworkLayer<T>], edges: Int, block: Int) {
    self.edges = edges
    convolution = layers.map { Convolution<T>.Scratch($0.convolution, edges: edges) }
    contraction = layers.map { SymmetricContraction<T>.Scratch($0.contraction) }
    messages = AlignedBuffer(block * (layers.map(\.convolution.messageCount).max() ?? 0))
    let channels = layers[0].convolution.channels
    let lmax = layers[0].contraction.lmax
    messageGradients = AlignedBuffer(Features<T>.count(atoms: block, channels: channels, lmax: lmax))
    products = AlignedBuffer(
      Features<T>.count(atoms: block, channels: channels, lmax: layers.map(\.outputLmax).max() ?? 0))
  }
}
