// The weights of one layer in kernel precision.

import Kernels
import LRMACEModel

final class NetworkLayer<T: KernelScalar> {
  let inputLmax: Int
  let outputLmax: Int
  let messageLmax: Int
  /// For the elements of the system; nil until these are known.
  private(set) var messages: (any MessageOperator<T>)?
  /// Nil for a layer without.
  private(set) var density: DensityNormalization<T>?
  let contraction: SymmetricContraction<T>
  let linearUp: [PackedMatrix<T>]
  let skip: [[PackedMatrix<T>]]
  let product: [PackedMatrix<T>]

  private let compiled: CompiledLayer
  private let species: Int
  private let modelChannels: Int
  private let channels: Int
  /// What is ready, for these elements: the first layer's choices, or the operator of the others.
  private var sums: (elements: [Int], ready: SpeciesConvolution<T>)?
  private var tables: (elements: [Int], ready: PairConvolution<T>)?
  private var known: [Int] = []

  /// - Parameters:
  ///   - species: number of elements of the model.
  ///   - channels: those of the model, padded to whole lanes.
  init(_ compiled: CompiledLayer, species: Int, modelChannels: Int, channels: Int) {
    func pack(_ matrix: Matrix) -> PackedMatrix<T> {
      PackedMatrix(matrix, rowBlock: modelChannels, paddedRowBlock: channels, paddedColumns: channels)
    }
    let layer = compiled.layer
    inputLmax = layer.inputLmax
    outputLmax = layer.outputLmax
    messageLmax = layer.messageLmax
    contraction = SymmetricContraction(compiled.contraction, channels: channels)
    linearUp = layer.linearUp.map(pack)
    skip = layer.skip.map { $0.map(pack) }
    product = layer.product.map(pack)
    self.compiled = compiled
    (self.species, self.modelChannels, self.channels) = (species, modelChannels, channels)
  }

  /// Whether messages are kept beside those that the contraction takes.
  var keepsMessages: Bool { compiled.density != nil && contraction.replacesMessages }

  /// Of the messages in a system of so many elements, whatever is chosen.
  func room(elements: Int) -> MessageRoom {
    var room = compiled.density == nil ? MessageRoom() : DensityNormalization<T>.room
    switch compiled.messages {
    case .elements(let sums, let tables):
      room.formUnion(SpeciesConvolution<T>.room(sums, elements: elements))
      room.formUnion(PairConvolution<T>.room(tables, channels: channels))
    case .features(let paths): room.formUnion(Convolution<T>.room(paths, channels: channels))
    }
    return room
  }

  /// Whether tables of pairs of elements are the cheaper way to the first layer's messages.
  ///
  /// - Parameters:
  ///   - elements: number of those in the system.
  ///   - edges: mean number of neighbours of an atom.
  func favoursPairs(elements: Int, edges: Double) -> Bool {
    guard case .elements(let sums, let tables) = compiled.messages else { return false }
    return PairConvolution<T>.cost(tables, channels: channels, elements: elements, edges: edges)
      < SpeciesConvolution<T>.cost(sums, channels: channels, elements: elements, edges: edges)
  }

  /// Bytes of the tables of all pairs of so many elements.
  func tableBytes(elements: Int) -> Double {
    guard case .features(let paths) = compiled.messages, paths.radial.dependsOnElements else { return 0 }
    let numbers = (paths.radial.intervals + 5) * paths.paths.count * channels
    return Double(elements * (elements + 1) / 2) * Double(numbers) * Double(MemoryLayout<T>.stride)
  }

  /// Makes messages and density ready for the elements of the system, ascending.
  func prepare(elements: [Int], takesPairs: Bool) {
    switch compiled.messages {
    case .elements(let coupling, let pairs):
      if takesPairs {
        if tables?.elements != elements {
          let made = PairConvolution<T>(
            pairs, elements: elements, modelChannels: modelChannels, channels: channels)
          tables = (elements, made)
        }
        messages = tables?.ready
      } else {
        if sums?.elements != elements {
          sums = (elements, SpeciesConvolution(coupling, elements: elements, channels: channels))
        }
        messages = sums?.ready
      }
    case .features(let paths):
      guard messages == nil || paths.radial.dependsOnElements && !elements.allSatisfy(known.contains) else {
        break
      }
      messages = Convolution<T>(
        paths, elements: union(elements), species: species, modelChannels: modelChannels, channels: channels)
    }
    if let functions = compiled.density,
      density == nil || functions.dependsOnElements && !elements.allSatisfy(known.contains)
    {
      density = DensityNormalization(
        functions, elements: union(elements), species: species, lmax: messageLmax,
        keepsMessages: keepsMessages)
    }
    if !elements.allSatisfy(known.contains) { known = union(elements) }
  }

  /// With the elements met before: frames of a data set differ in theirs.
  private func union(_ elements: [Int]) -> [Int] { Set(known).union(elements).sorted() }
}
