// Both ways to form the first layer's messages against the sum that defines them, neighbour by
// neighbour and path by path, and their adjoints against what they are linear in and against differences.

import Equivariant
import Foundation
import Kernels
import Lattice
import Testing

@testable import LRMACE
@testable import LRMACEModel

@Suite struct FirstLayerTests {
  /// A golden model's first layer on its first frame, atoms sorted by element.
  private struct Problem {
    let model: Model
    let layer: Model.Layer
    let channels: Int
    var positions: [Vector3]
    let species: [Int]
    let elements: [Int]
    let cell: Cell
    var list: NeighborList
    let geometry: EdgeGeometry<Double>
    let blocks: [AtomBlock]

    init(_ name: String) throws {
      let model = try Golden.model(name)
      let system = try Golden.frames(name)[0].system
      let kinds = try system.atomicNumbers.map { try #require(model.species.firstIndex(of: $0)) }
      let order = kinds.indices.sorted { (kinds[$0], $0) < (kinds[$1], $1) }
      let species = order.map { kinds[$0] }
      positions = order.map { system.positions[$0] }
      cell = system.cell
      list = NeighborList(cutoff: model.cutoff, skin: 0.5)
      try list.build(positions: positions, cell: cell)
      geometry = EdgeGeometry(lmax: model.lmax, cutoff: model.cutoff)
      geometry.reserve(for: list)
      blocks = species.indices.map { AtomBlock(atoms: $0..<($0 + 1), species: species[$0]) }
      elements = model.species.indices.filter(kinds.contains)
      (self.model, layer, self.species) = (model, model.layers[0], species)
      channels = Double.wholeLanes(model.channels)
      place()
    }

    func place() {
      geometry.forward(
        centres: 0..<species.count, positions: positions, list: list, cell: cell.vectors)
    }

    var degrees: Int { layer.messageLmax + 1 }
    var length: Int { degrees * degrees * channels }

    var compiled: NetworkLayer<Double> {
      NetworkLayer(
        CompiledModel(model, for: Double.self, dropsDeadPaths: false).layers[0], species: model.species.count,
        modelChannels: model.channels, channels: channels)
    }

    func scratch() -> MessageScratch<Double> {
      MessageScratch(
        compiled.room(elements: elements.count), edges: geometry.room(for: list).largest, atoms: 1,
        harmonics: Double.wholeLanes(degrees * degrees))
    }

    /// The operators of the first layer read no features.
    var sources: MessageSources<Double> {
      MessageSources(geometry: geometry, species: species, elements: elements, features: noFeatures)
    }

    private let nothing = Workspace<Double>()
    var noFeatures: Features<Double> { Features(base: nothing.pointer, atoms: 0, channels: channels) }
  }

  /// By sums over the neighbours of an element, and by tables of pairs of elements.
  private func ways(_ p: Problem) -> [any MessageOperator<Double>] {
    let layer = p.compiled
    return [false, true].compactMap { takesPairs in
      layer.prepare(elements: p.elements, takesPairs: takesPairs)
      return layer.messages
    }
  }

  /// A of every atom, [atom][harmonic][channel].
  private func messages(_ p: Problem, _ way: any MessageOperator<Double>) -> [Double] {
    let scratch = p.scratch()
    let atoms = p.species.count
    let storage = Workspace<Double>(capacity: atoms * p.length)
    let a = Features<Double>(base: storage.pointer, atoms: atoms, channels: p.channels)
    var clock = PartClock()
    for block in p.blocks { way.forward(block, of: p.sources, scratch: scratch, clock: &clock, into: a) }
    return p.species.indices.flatMap { i in
      (0..<p.degrees).flatMap { l in
        Array(UnsafeBufferPointer(start: a.row(l, i), count: (2 * l + 1) * p.channels))
      }
    }
  }

  /// The same as it is defined.
  private func defined(_ p: Problem) -> [Double] {
    let harmonics = SphericalHarmonics(lmax: p.model.lmax)
    let features = p.model.embedding * p.layer.linearUp[0]
    let channels = p.model.channels
    var a = [Double](repeating: 0, count: p.species.count * p.length)
    for i in p.species.indices {
      for pair in p.list.pairs(of: i) {
        let d = p.list.displacement(pair, of: i, positions: p.positions, cell: p.cell)
        let r = dot(d, d).squareRoot()
        guard r < p.model.cutoff else { continue }
        var y = [SIMD2<Double>](repeating: .zero, count: harmonics.count)
        let u = d / r
        harmonics.evaluate(
          (SIMD2(repeating: u.x), SIMD2(repeating: u.y), SIMD2(repeating: u.z)), into: &y)
        let z = p.species[Int(p.list.neighbors[pair])]
        let basis = p.model.radialBasis(of: p.model.pair(p.species[i], z))
        let radial = RadialNetwork(p.layer.radial, basis: basis).values(at: [r])
        for l in 0..<p.degrees {
          let linear = p.layer.linear[l][p.layer.linear[l].count == 1 ? 0 : p.species[i]]
          let paths = p.layer.paths.indices.filter { p.layer.paths[$0].l3 == l }
          let coupling = Wigner3j(0, l, l).entries[0].value
          for (slot, path) in paths.enumerated() {
            for m in 0..<(2 * l + 1) {
              for c in 0..<channels {
                let message = radial[path * channels + c] * features[z, c] * coupling * y[l * l + m][0]
                let row = i * p.length + (l * l + m) * p.channels
                for k in 0..<channels { a[row + k] += message * linear[slot * channels + c, k] }
              }
            }
          }
        }
      }
    }
    return a
  }

  private static let names = [
    "lr_b_16x0e_2layer_lmax3_corr3", "rc_trained", "x_a_l2_lmax4_corr3", "f_b_agnesi", "f_f_all",
  ]

  @Test(arguments: names) func bothWaysAreTheSumOverNeighbours(name: String) throws {
    let p = try Problem(name)
    let a = defined(p)
    let scale = a.map(abs).max() ?? 0
    #expect(scale > 1e-3)
    for way in ways(p) {
      #expect(zip(a, messages(p, way)).allSatisfy { abs($0 - $1) < 1e-12 * scale })
    }
  }

  @Test(arguments: names) func adjointsAreThoseOfTheSum(name: String) throws {
    var p = try Problem(name)
    let ways = ways(p)
    let atoms = p.species.count
    // Padding channels have no gradient.
    let da: [Double] = (0..<atoms * p.length).map {
      $0 % p.channels < p.model.channels ? sin(1.7 * Double($0)) : 0
    }

    /// dE/dY . Y and dE/dr of all edges, with E = sum A dA.
    func gradients(_ way: any MessageOperator<Double>) -> (euler: Double, lengths: [Double]) {
      var (euler, lengths, clock) = (0.0, [Double](), PartClock())
      let scratch = p.scratch()
      let atom = Workspace<Double>(capacity: p.length)
      for i in 0..<atoms {
        atom.pointer.update(from: Array(da[(i * p.length)..<((i + 1) * p.length)]), count: p.length)
        p.geometry.clearGradients(of: i)
        way.adjoint(
          p.blocks[i], of: p.sources, scratch: scratch, clock: &clock,
          aGradient: Features(base: atom.pointer, atoms: 1, channels: p.channels),
          featureGradient: p.noFeatures)
        let edges = p.geometry.edges(of: i)
        for e in 0..<edges.count {
          for n in 0..<(p.degrees * p.degrees) {
            euler +=
              edges.harmonics[e * edges.harmonicStride + n]
              * p.geometry.harmonicsGradient(of: i)[e * edges.harmonicStride + n]
          }
          lengths.append(p.geometry.lengthGradient(of: i)[e])
        }
      }
      return (euler, lengths)
    }
    let found = ways.map(gradients)

    // A is linear in Y: dE/dY . Y = E.
    let energy = zip(defined(p), da).reduce(0) { $0 + $1.0 * $1.1 }
    let scale = zip(defined(p), da).reduce(0) { $0 + abs($1.0 * $1.1) }
    for way in found { #expect(abs(way.euler - energy) < 1e-12 * scale) }

    // Stretching everything changes lengths alone: dE/ds = sum of r dE/dr.
    let lengths = (0..<atoms).flatMap { i in
      let edges = p.geometry.edges(of: i)
      return (0..<edges.count).map { edges.lengths[$0] }
    }
    let h = 1e-5
    var energies: [Double] = []
    let (positions, cell) = (p.positions, p.cell)
    for s in [1 - h, 1 + h] {
      p.positions = positions.map { $0 * s }
      p.geometry.forward(
        centres: 0..<atoms, positions: p.positions, list: p.list, cell: cell.vectors * s)
      energies.append(zip(messages(p, ways[1]), da).reduce(0) { $0 + $1.0 * $1.1 })
    }
    let difference = (energies[1] - energies[0]) / (2 * h)
    for way in found {
      let slope = zip(way.lengths, lengths).reduce(0) { $0 + $1.0 * $1.1 }
      #expect(abs(slope - difference) < 1e-8 * scale)
    }
  }

  @Test func fewNeighboursGoByPairsAndManyByElement() throws {
    let path = Golden.folder.appendingPathComponent("../../Models/water.h5").path
    let model = try Model(contentsOf: path)
    let layer = NetworkLayer<Float>(
      CompiledModel(model, for: Float.self).layers[0], species: model.species.count,
      modelChannels: model.channels, channels: Float.wholeLanes(model.channels))
    #expect(layer.favoursPairs(elements: 2, edges: 5) == true)
    #expect(layer.favoursPairs(elements: 1, edges: 200) == false)
    for takesPairs in [true, false] {
      layer.prepare(elements: [0, 1], takesPairs: takesPairs)
      #expect(layer.messages is PairConvolution<Float> == takesPairs)
    }
  }

  @Test func choiceOfTheFirstConfigurationIsKeptAndRestored() throws {
    let frame = try Golden.frames("rc_trained")[0]
    let first = try LRMACEPotential(model: Golden.model("rc_trained"))
    var (a, b) = (Evaluation(), Evaluation())
    try first.evaluate(frame.system, into: &a)
    var plan = try #require(a.plan)
    plan.choices["first_layer"] = plan.choices["first_layer"] == "pairs" ? "species" : "pairs"
    let other = try LRMACEPotential(model: Golden.model("rc_trained"))
    b.plan = plan
    try other.evaluate(frame.system, into: &b)
    #expect(b.plan == plan)
    // Two roundings of one function.
    #expect(a.forces != b.forces)
    #expect(abs(a.energy - b.energy) < 2e-6 * Double(frame.system.count))
    #expect(zip(a.forces, b.forces).allSatisfy { largest($0 - $1) < 2e-4 })
  }
}
