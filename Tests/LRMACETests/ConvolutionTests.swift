// Channels do not mix in the messages: many channels, which pass through the sums in bundles, against the same ones few at
// a time. The few are held against the reference by the golden frames.

import Kernels
import Lattice
import Testing

@testable import LRMACE
@testable import LRMACEModel

@Suite struct ConvolutionTests {
  private struct Gradients {
    var messages: [Double] = []
    var features: [Double] = []
    var harmonics: [Double] = []
    var lengths: [Double] = []
  }

  /// A of the first atom and the adjoint, with `copies` of every channel side by side; features and the gradient of A
  /// are those of one copy.
  private func evaluate(copies: Int) throws -> (channels: Int, Gradients) {
    let name = "sr_16x0e16x1o_lmax3_corr2"
    let model = try Golden.model(name)
    let system = try Golden.frames(name)[0].system
    let layer = model.layers[1]
    let channels = copies * model.channels
    let functions = layer.paths.count * model.channels
    var copying = Matrix(rows: functions, columns: copies * functions)
    for f in 0..<functions {
      let (path, c) = (f / model.channels, f % model.channels)
      for copy in 0..<copies { copying[f, path * channels + copy * model.channels + c] = 1 }
    }
    let linear = layer.linear.map { matrices in
      let matrix = matrices[0]
      var copied = Matrix(rows: copies * matrix.rows, columns: channels)
      for row in 0..<matrix.rows {
        let (path, c) = (row / model.channels, row % model.channels)
        for k in 0..<model.channels {
          for copy in 0..<copies {
            let place = copy * model.channels
            copied[path * channels + place + c, place + k] = matrix[row, k]
          }
        }
      }
      return [copied]
    }
    var network = layer.radial
    network[network.count - 1] = network[network.count - 1] * copying
    let compiled = PathMessages(
      layer.paths, lmax: layer.messageLmax, radial: RadialFunctions(network, of: model, tolerance: 1e-10),
      linear: linear)
    let convolution: any MessageOperator<Double> = Convolution(
      compiled, elements: [0], species: model.species.count, modelChannels: channels, channels: channels)

    var list = NeighborList(cutoff: model.cutoff, skin: 0.5)
    try list.build(positions: system.positions, cell: system.cell)
    let geometry = EdgeGeometry<Double>(lmax: model.lmax, cutoff: model.cutoff)
    geometry.reserve(for: list)
    geometry.forward(
      centres: 0..<system.count, positions: system.positions, list: list, cell: system.cell.vectors)
    geometry.clearGradients(of: 0)
    let scratch = MessageScratch<Double>(
      Convolution<Double>.room(compiled, channels: channels), edges: geometry.room(for: list).largest,
      atoms: 1,
      harmonics: Double.wholeLanes((model.lmax + 1) * (model.lmax + 1)))

    /// The same numbers in every copy of a channel.
    func filled(_ count: Int) -> Workspace<Double> {
      Workspace(
        (0..<count).map { n in
          let (row, c) = (n / channels, n % channels % model.channels)
          return Double((row * model.channels + c) * 7919 % 1013) / 1013 - 0.5
        })
    }
    let count = Features<Double>.count(atoms: system.count, channels: channels, lmax: layer.inputLmax)
    let (features, gradient) = (filled(count), Workspace<Double>(repeating: 0, count: count))
    let x = Features(base: features.pointer, atoms: system.count, channels: channels)
    let dx = Features(base: gradient.pointer, atoms: system.count, channels: channels)
    let length = Features<Double>.count(atoms: 1, channels: channels, lmax: layer.messageLmax)
    let (messages, messageGradients) = (Workspace<Double>(repeating: 0, count: length), filled(length))
    let edges = geometry.edges(of: 0)
    #expect(edges.count > 3)
    let block = AtomBlock(atoms: 0..<1, species: 0)
    let sources = MessageSources(
      geometry: geometry, species: Array(repeating: 0, count: system.count), elements: [0], features: x)
    var clock = PartClock()
    convolution.forward(
      block, of: sources, scratch: scratch, clock: &clock,
      into: Features(base: messages.pointer, atoms: 1, channels: channels))
    convolution.adjoint(
      block, of: sources, scratch: scratch, clock: &clock,
      aGradient: Features(base: messageGradients.pointer, atoms: 1, channels: channels), featureGradient: dx)
    return (
      channels,
      Gradients(
        messages: Array(UnsafeBufferPointer(start: messages.pointer, count: length)),
        features: Array(UnsafeBufferPointer(start: gradient.pointer, count: count)),
        harmonics: Array(
          UnsafeBufferPointer(
            start: geometry.harmonicsGradient(of: 0), count: edges.count * edges.harmonicStride)),
        lengths: Array(UnsafeBufferPointer(start: geometry.lengthGradient(of: 0), count: edges.count)))
    )
  }

  @Test(arguments: [2, 5]) func channelsInBundlesAreChannelsOneByOne(copies: Int) throws {
    let (few, one) = try evaluate(copies: 1)
    let (many, all) = try evaluate(copies: copies)
    for (a, b) in [(one.messages, all.messages), (one.features, all.features)] {
      #expect(a.contains { abs($0) > 1e-3 })
      #expect(b.indices.allSatisfy { abs(b[$0] - a[$0 / many * few + $0 % many % few]) < 1e-12 })
    }
    for (a, b) in [(one.harmonics, all.harmonics), (one.lengths, all.lengths)] {
      #expect(a.contains { abs($0) > 1e-3 })
      #expect(zip(a, b).allSatisfy { abs(Double(copies) * $0 - $1) < 1e-11 })
    }
  }
}
