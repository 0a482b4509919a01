// What one thread writes while it walks its blocks of atoms.

import Kernels

final class ThreadScratch<T: KernelScalar> {
  /// Most of a centre.
  let edges: Int
  /// Most of a system.
  let elements: Int
  let messages: MessageScratch<T>
  let contraction: [SymmetricContraction<T>.Scratch]
  /// dE/dA of a block.
  let messageGradients: Workspace<T>
  /// B of a block, or dE/dB.
  let products: Workspace<T>
  /// dE/dx of all atoms from this thread's centres; zero between layers.
  let inputGradients = Workspace<T>()
  /// Hidden units of a readout and their slopes, of a block.
  let readout: Workspace<T>
  var clock = PartClock()

  /// All of it but dE/dx.
  var bytes: Double {
    let own = messages.bytes + messageGradients.bytes + products.bytes + readout.bytes
    return contraction.reduce(own) { $0 + $1.bytes }
  }

  /// - Parameter longRange: what long-range blocks need.
  init(
    _ layers: [NetworkLayer<T>], longRange: MessageRoom, readoutWidth: Int, edges: Int, elements: Int,
    block: Int, channels: Int
  ) {
    (self.edges, self.elements) = (edges, elements)
    readout = Workspace(capacity: 2 * block * readoutWidth)
    let lmax = layers.map(\.messageLmax).max() ?? 0
    var room = longRange
    for layer in layers { room.formUnion(layer.room(elements: elements)) }
    messages = MessageScratch(
      room, edges: edges, atoms: block, harmonics: T.wholeLanes((lmax + 1) * (lmax + 1)))
    contraction = layers.map { SymmetricContraction<T>.Scratch($0.contraction) }
    messageGradients = Workspace(capacity: Features<T>.count(atoms: block, channels: channels, lmax: lmax))
    products = Workspace(
      capacity: Features<T>.count(atoms: block, channels: channels, lmax: layers.map(\.outputLmax).max() ?? 0)
    )
  }
}
