// The weights of one layer in kernel precision, and the scratch memory that a thread needs to walk it.

import Foundation
import Kernels
import LRMACEModel
import Lattice

final class NetworkLayer<T: KernelScalar> {
  /// How the layer forms its messages.
  enum Messages {
    /// From features that depend on the element alone, by sums over the neighbours of an element, or straight to A.
    case species(SpeciesConvolution<T>)
    case pairs(PairConvolution<T>)
    case features(Convolution<T>)
  }

  /// Whether `linear` follows the messages.
  var mixesMessages: Bool {
    if case .pairs = messages { false } else { true }
  }

  let inputLmax: Int
  let outputLmax: Int
  let messageLmax: Int
  private(set) var messages: Messages
  /// The first layer's choices.
  private let choices: (species: SpeciesConvolution<T>, pairs: PairConvolution<T>)?
  /// Of messages before their linear layer.
  let layout: MessageLayout
  /// The most radial functions of an edge.
  let radialFunctions: Int
  /// Entries of t per edge; the first layer needs none.
  let tensorCount: Int
  /// Mixes paths and channels of the messages.
  let linear: MessageLinear<T>
  let contraction: SymmetricContraction<T>
  let linearUp: [PackedMatrix<T>]
  let skip: [[PackedMatrix<T>]]
  let product: [PackedMatrix<T>]

  init(_ layer: Model.Layer, isFirst: Bool, model: Model, channels: Int) {
    func pack(_ matrix: Matrix) -> PackedMatrix<T> {
      PackedMatrix(matrix, rowBlock: model.channels, paddedRowBlock: channels, paddedColumns: channels)
    }
    inputLmax = layer.inputLmax
    outputLmax = layer.outputLmax
    messageLmax = layer.messageLmax
    if isFirst, let species = SpeciesConvolution<T>(layer: layer, model: model, channels: channels),
      let pairs = PairConvolution<T>(layer: layer, model: model, channels: channels)
    {
      choices = (species, pairs)
      messages = .species(species)
      linear = species.folded
      layout = species.layout
      radialFunctions = max(species.radial.functions, pairs.functions)
      tensorCount = 0
    } else {
      let spline = RadialSpline(
        of: RadialNetwork(layer.radial, basis: model.radialBasis, cutoff: model.cutoff),
        tolerance: RadialSpline.tolerance(T.self))
      let convolution = Convolution(
        layer: layer, channels: channels,
        radial: RadialTable<T>([spline], channels: model.channels, paddedChannels: channels))
      choices = nil
      messages = .features(convolution)
      linear = MessageLinear(matrices: layer.linear.map { $0.map { [pack($0)] } })
      layout = convolution.layout
      radialFunctions = convolution.radial.functions
      tensorCount = convolution.tensorCount
    }
    contraction = SymmetricContraction(
      layer.contraction, lmax: layer.messageLmax, species: model.species.count, channels: model.channels,
      paddedChannels: channels)
    linearUp = layer.linearUp.map(pack)
    skip = layer.skip.map { $0.map(pack) }
    product = layer.product.map(pack)
  }

  /// Whether tables of pairs of elements are the cheaper way to the first layer's messages; nil where it has no choice.
  ///
  /// - Parameters:
  ///   - elements: number of those in the system.
  ///   - edges: mean number of neighbours of an atom.
  func favoursPairs(elements: Int, edges: Double) -> Bool? {
    choices.map {
      $0.pairs.cost(elements: elements, edges: edges) < $0.species.cost(elements: elements, edges: edges)
    }
  }

  var hasChoice: Bool { choices != nil }

  /// Prepares the first layer's messages for the elements of the system, ascending.
  func prepare(elements: [Int], takesPairs: Bool) {
    guard let (species, pairs) = choices else { return }
    if takesPairs { pairs.prepare(elements: elements) }
    messages = takesPairs ? .pairs(pairs) : .species(species)
  }
}

/// The linear layer of the messages, A_l = sum over blocks k of M_l,k . matrices[l][species of the centre][k]: all of M
/// is one block, or each element of the neighbours has its own. Matrices for all centres alike stand there once.
struct MessageLinear<T: KernelScalar> {
  let matrices: [[[PackedMatrix<T>]]]

  private func blocks(_ l: Int, _ species: Int) -> [PackedMatrix<T>] {
    matrices[l].count == 1 ? matrices[l][0] : matrices[l][species]
  }

  /// A <- M W for `rows` rows of degree `l`, `width` values each; `elements` are those that the system has.
  @inline(__always)
  func apply(
    _ l: Int, species: Int, elements: [Int], _ m: UnsafePointer<T>, width: Int, rows: Int,
    into a: UnsafeMutablePointer<T>
  ) {
    let blocks = blocks(l, species)
    guard blocks.count > 1 else { return blocks[0].apply(m, rows: rows, into: a) }
    for (n, z) in elements.enumerated() {
      blocks[z].apply(m + z &* blocks[z].rows, stride: width, rows: rows, into: a, adding: n > 0)
    }
  }

  /// dM <- dA W^T.
  @inline(__always)
  func applyAdjoint(
    _ l: Int, species: Int, elements: [Int], _ da: UnsafePointer<T>, rows: Int,
    into dm: UnsafeMutablePointer<T>, width: Int
  ) {
    let blocks = blocks(l, species)
    guard blocks.count > 1 else { return blocks[0].applyAdjoint(da, rows: rows, into: dm) }
    for z in elements {
      blocks[z].applyAdjoint(da, rows: rows, into: dm + z &* blocks[z].rows, stride: width)
    }
  }
}

/// What one thread writes while it walks its blocks.
final class ThreadScratch<T: KernelScalar> {
  let edges: Int
  let messageScratch: ConvolutionScratch<T>
  let contraction: [SymmetricContraction<T>.Scratch]
  /// Messages M of a block, or their gradients.
  let messages: Workspace<T>
  /// dE/dA of a block.
  let messageGradients: Workspace<T>
  /// B of a block, or dE/dB.
  let products: Workspace<T>
  /// dE/dx of all atoms from this thread's centres; zero between layers.
  let inputGradients = Workspace<T>()
  /// Hidden units of a readout.
  let readout: Workspace<T>
  var parts = Timings.Parts()

  /// All of it but dE/dx.
  var bytes: Double {
    let own = messages.bytes + messageGradients.bytes + products.bytes + readout.bytes
    return contraction.reduce(own + messageScratch.bytes) { $0 + $1.bytes }
  }

  init(_ layers: [NetworkLayer<T>], readoutWidth: Int, edges: Int, block: Int, channels: Int) {
    self.edges = edges
    readout = Workspace(capacity: readoutWidth)
    let lmax = layers.map(\.messageLmax).max() ?? 0
    messageScratch = ConvolutionScratch(
      edges: edges, functions: layers.map(\.radialFunctions).max() ?? 0,
      tensorCount: layers.map(\.tensorCount).max() ?? 0, harmonics: T.wholeLanes((lmax + 1) * (lmax + 1)))
    contraction = layers.map { SymmetricContraction<T>.Scratch($0.contraction) }
    messages = Workspace(capacity: block * (layers.map(\.layout.count).max() ?? 0))
    messageGradients = Workspace(capacity: Features<T>.count(atoms: block, channels: channels, lmax: lmax))
    products = Workspace(
      capacity: Features<T>.count(atoms: block, channels: channels, lmax: layers.map(\.outputLmax).max() ?? 0)
    )
  }
}
