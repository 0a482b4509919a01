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

  /// Messages of the first atom and their adjoint, with `copies` of every channel side by side; features and message
  /// gradients are those of one copy.
  private func evaluate(copies: Int) throws -> (channels: Int, Gradients) {
    let name = "sr_16x0e16x1o_lmax3_corr2"
    let model = try Golden.model(name)
    let system = try Golden.frames(name)[0].system
    let layer = model.layers[1]
    let channels = copies * model.channels
    let spline = RadialSpline(
      of: RadialNetwork(layer.radial, basis: model.radialBasis, cutoff: model.cutoff), tolerance: 1e-10)
    let functions = spline.coefficients.columns
    var copying = Matrix(rows: functions, columns: copies * functions)
    for f in 0..<functions {
      let (path, c) = (f / model.channels, f % model.channels)
      for copy in 0..<copies { copying[f, path * channels + copy * model.channels + c] = 1 }
    }
    let convolution = Convolution(
      layer: layer, channels: channels,
      radial: RadialTable<Double>([spline.mixed(by: copying)], channels: channels, paddedChannels: channels))

    var list = NeighborList(cutoff: model.cutoff, skin: 0.5)
    try list.build(positions: system.positions, cell: system.cell)
    let geometry = EdgeGeometry<Double>(lmax: model.lmax, cutoff: model.cutoff)
    geometry.reserve(for: list)
    geometry.forward(
      centres: 0..<system.count, positions: system.positions, list: list, cell: system.cell.vectors)
    geometry.clearGradients(of: 0)
    let scratch = ConvolutionScratch<Double>(
      edges: geometry.room(for: list).largest, functions: convolution.radial.functions,
      tensorCount: convolution.tensorCount, harmonics: Double.wholeLanes((model.lmax + 1) * (model.lmax + 1)))

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
    let messages = Workspace<Double>(repeating: 0, count: convolution.layout.count)
    let messageGradients = filled(convolution.layout.count)
    let edges = geometry.edges(of: 0)
    #expect(edges.count > 3)
    convolution.forward(
      edges, features: x, scratch: scratch, messages: MessageBlock(base: messages.pointer, atoms: 1), atom: 0)
    convolution.adjoint(
      edges, features: x, messagesGradient: MessageBlock(base: messageGradients.pointer, atoms: 1), atom: 0,
      scratch: scratch,
      harmonicsGradient: geometry.harmonicsGradient(of: 0), lengthGradient: geometry.lengthGradient(of: 0),
      featureGradient: dx)
    return (
      channels,
      Gradients(
        messages: Array(UnsafeBufferPointer(start: messages.pointer, count: convolution.layout.count)),
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
