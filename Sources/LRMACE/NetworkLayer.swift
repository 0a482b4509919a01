// The weights of one layer in kernel precision.

import Kernels
import LRMACEModel

final class NetworkLayer<T: KernelScalar> {
  let inputLmax: Int
  let outputLmax: Int
  let messageLmax: Int
  private(set) var messages: any MessageOperator<T>
  /// The first layer's choices.
  private let choices: (species: SpeciesConvolution<T>, pairs: PairConvolution<T>)?
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
      messages = species
    } else {
      let spline = RadialSpline(
        of: RadialNetwork(layer.radial, basis: model.radialBasis, cutoff: model.cutoff),
        tolerance: RadialSpline.tolerance(T.self))
      choices = nil
      messages = Convolution(
        layer: layer, channels: channels,
        radial: RadialTable<T>([spline], channels: model.channels, paddedChannels: channels),
        linear: MessageLinear(layer.linear.map { $0.map { [pack($0)] } }))
    }
    contraction = SymmetricContraction(
      layer.contraction, lmax: layer.messageLmax, species: model.species.count, channels: model.channels,
      paddedChannels: channels)
    linearUp = layer.linearUp.map(pack)
    skip = layer.skip.map { $0.map(pack) }
    product = layer.product.map(pack)
  }

  /// Of the messages, whatever is chosen.
  var room: MessageRoom {
    var room = messages.room
    if let choices {
      room.formUnion(choices.species.room)
      room.formUnion(choices.pairs.room)
    }
    return room
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
    messages = takesPairs ? pairs : species
  }
}
