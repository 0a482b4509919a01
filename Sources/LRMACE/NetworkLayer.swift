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

  /// - Parameter channels: those of the model, padded to whole lanes.
  init(_ compiled: CompiledLayer, modelChannels: Int, channels: Int) {
    func pack(_ matrix: Matrix) -> PackedMatrix<T> {
      PackedMatrix(matrix, rowBlock: modelChannels, paddedRowBlock: channels, paddedColumns: channels)
    }
    let layer = compiled.layer
    inputLmax = layer.inputLmax
    outputLmax = layer.outputLmax
    messageLmax = layer.messageLmax
    switch compiled.messages {
    case .elements(let sums, let tables):
      let species = SpeciesConvolution<T>(sums, channels: channels)
      choices = (species, PairConvolution(tables, modelChannels: modelChannels, channels: channels))
      messages = species
    case .features(let paths):
      choices = nil
      messages = Convolution(paths, modelChannels: modelChannels, channels: channels)
    }
    contraction = SymmetricContraction(compiled.contraction, channels: channels)
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

  /// Whether tables of pairs of elements are the cheaper way to the first layer's messages.
  ///
  /// - Parameters:
  ///   - elements: number of those in the system.
  ///   - edges: mean number of neighbours of an atom.
  func favoursPairs(elements: Int, edges: Double) -> Bool {
    guard let (species, pairs) = choices else { return false }
    return pairs.cost(elements: elements, edges: edges) < species.cost(elements: elements, edges: edges)
  }

  /// Prepares the first layer's messages for the elements of the system, ascending.
  func prepare(elements: [Int], takesPairs: Bool) {
    guard let (species, pairs) = choices else { return }
    if takesPairs { pairs.prepare(elements: elements) }
    messages = takesPairs ? pairs : species
  }
}
