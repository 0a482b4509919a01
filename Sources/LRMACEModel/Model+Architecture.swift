// A new model of an architecture, with random weights.

import Foundation
import Lattice
import Reciprocal

extension Model {
  /// A model with random weights, a function of its arguments alone: a weight is its unit times its deviation times a normal
  /// deviate (ModelParameters.swift).
  ///
  /// All layers are residual ones, as mace_run_train has them: messages mix alike for all elements, the skip connection and
  /// the contraction tell elements apart. Every layer but the last has a linear readout.
  ///
  /// - Throws: `ModelError` for charges that contradict each other, or sizes beyond `ModelLimits`.
  public init(_ architecture: Architecture, scaling: DataScaling, name: String, seed: UInt64) throws {
    self.init(
      name: name, provenance: "random weights, seed \(seed)", errors: nil, hash: "",
      species: architecture.species, isolatedEnergies: scaling.isolatedEnergies, scale: scaling.scale,
      shift: scaling.shift, cutoff: architecture.cutoff, lmax: architecture.lmax,
      channels: architecture.channels, correlation: architecture.correlation,
      radialBasis: BesselBasis(
        frequencies: (0..<architecture.besselCount).map { Double($0 + 1) * .pi / architecture.cutoff },
        prefactor: (2 / architecture.cutoff).squareRoot(), cutoffExponent: architecture.cutoffExponent),
      embedding: Matrix(rows: architecture.species.count, columns: architecture.channels),
      attention: architecture.settings,
      layers: (0..<architecture.layers).map { Layer(architecture, $0) })
    // Counts and shapes first: what follows allocates by them.
    try validate()
    var parameters = try ModelParameters(of: self, averageNeighbors: scaling.averageNeighbors)
    let rng = CounterRNG(seed: seed)
    for n in parameters.values.indices {
      // One block of three for each: a parameter does not depend on how many are before it.
      parameters.values[n] += parameters.deviations[n] * rng.normals(step: Int64(n), atom: 0, stream: 0).x
    }
    self = parameters.model
    hash = Self.hash(of: contents)
  }
}

extension Architecture {
  fileprivate var settings: Model.AttentionSettings? {
    switch longRange {
    case .none: nil
    case .attention(let a):
      Model.AttentionSettings(
        heads: a.heads, width: a.columns, kernelWeight: .coulomb, epsilon: 1e-6, subtractsSelf: true,
        sigmas: a.sigmas)
    case .conserved(let c):
      Model.AttentionSettings(
        heads: c.columns, width: c.columns, kernelWeight: .coulomb, epsilon: 1e-6, subtractsSelf: true,
        sigmas: [c.sigma])
    }
  }
}

extension Model.Layer {
  /// Layer `t` of an architecture, its weights zero.
  fileprivate init(_ a: Architecture, _ t: Int) {
    let (channels, species, isLast) = (a.channels, a.species.count, t + 1 == a.layers)
    let (input, output) = (t == 0 ? 0 : a.hiddenDegree, isLast ? 0 : a.hiddenDegree)
    let square = Matrix(rows: channels, columns: channels)
    var paths: [Model.Path] = []
    for l3 in 0...a.lmax {
      for l1 in 0...input {
        for l2 in abs(l1 - l3)...(l1 + l3) where l2 <= a.lmax && (l1 + l2 + l3) % 2 == 0 {
          paths.append(Model.Path(l1: l1, l2: l2, l3: l3))
        }
      }
    }
    let widths = [a.besselCount] + a.radialWidths + [paths.count * channels]
    let readout: Model.Readout =
      isLast
      ? .network(
        hidden: Matrix(rows: channels, columns: a.readoutWidth),
        weights: Array(repeating: 0, count: a.readoutWidth))
      : .linear(Array(repeating: 0, count: channels))
    self.init(
      inputLmax: input, outputLmax: output,
      radial: zip(widths, widths.dropFirst()).map { Matrix(rows: $0, columns: $1) }, paths: paths,
      linearUp: Array(repeating: square, count: input + 1),
      linear: (0...a.lmax).map { l in
        [Matrix(rows: paths.filter { $0.l3 == l }.count * channels, columns: channels)]
      },
      skip: Array(repeating: Array(repeating: square, count: species), count: min(input, output) + 1),
      contraction: (0...output).map { Model.Contraction(a, L: $0, isScalarOnly: output == 0) },
      product: Array(repeating: square, count: output + 1),
      readout: readout, attention: Model.Attention(a, t),
      conserved: Model.ConservedSources(a, t))
  }
}

extension Model.Contraction {
  fileprivate init(_ a: Architecture, L: Int, isScalarOnly: Bool) {
    let basis = ContractionBasis(lmax: a.lmax, L: L, isScalarOnly: isScalarOnly)
    let (pairs, triples) = (a.correlation > 1 ? basis.pairs : [], a.correlation > 2 ? basis.triples : [])
    func stack(_ rows: Int) -> [Matrix] {
      rows == 0
        ? [] : Array(repeating: Matrix(rows: rows, columns: a.channels), count: a.species.count)
    }
    self.init(
      weights1: Matrix(rows: a.species.count, columns: a.channels), pairs: pairs,
      weights2: stack(pairs.count), triples: triples, weights3: stack(triples.count))
  }
}

extension Model.Attention {
  fileprivate init?(_ a: Architecture, _ t: Int) {
    guard case .attention(let settings) = a.longRange, settings.layers.contains(t) else { return nil }
    let projection = Matrix(rows: a.channels, columns: settings.columns)
    let output = Matrix(rows: settings.columns, columns: a.channels)
    // Heads take the widths in turn.
    var filter = Matrix(rows: settings.heads, columns: settings.sigmas.count)
    for h in 0..<settings.heads { filter[h, h % settings.sigmas.count] = 1 }
    self.init(
      normalisation: .queryKey, activation: .silu, filter: filter, query: projection, key: projection,
      value: projection, output: output, gate: settings.isGated ? output : nil)
  }
}

extension Model.ConservedSources {
  /// Differences of potential enter the features of all layers but the last of those that interact, which has the energy.
  fileprivate init?(_ a: Architecture, _ t: Int) {
    guard case .conserved(let settings) = a.longRange, settings.layers.contains(t) else { return nil }
    let width = settings.columns
    let projection = Matrix(rows: a.channels, columns: width)
    let radial = Matrix(rows: a.besselCount, columns: width)
    let hasEnergy = t == settings.layers.last
    var references: References?
    if !settings.charges.isEmpty {
      var compositions = Matrix(rows: settings.charges.count, columns: a.species.count)
      for (part, charged) in settings.charges.enumerated() {
        for (s, z) in a.species.enumerated() {
          compositions[part, s] = Double(charged.composition[z] ?? 0)
        }
      }
      references = References(
        compositions: compositions, charges: settings.charges.map(\.charge),
        columns: (0..<width).map { hasEnergy && $0 == 0 ? 1 : 0 })
    }
    // Column 0 of the energy is the charge.
    var constants = Matrix(rows: a.species.count, columns: width)
    if hasEnergy {
      for (s, z) in a.species.enumerated() {
        constants[s, 0] = settings.atomicCharges[z] ?? Electronegativity.charge(z)
      }
    }
    self.init(
      use: hasEnergy
        ? .energy(weights: (0..<width).map { $0 == 0 ? 1 : 0 })
        : .difference(
          query: projection, output: Matrix(rows: width, columns: a.channels), radial: radial),
      constants: constants, transferA: projection,
      transferB: projection, transferRadial: radial,
      dispersion: (hasEnergy ? settings.dispersionSigma : nil).map { sigma in
        Dispersion(
          sigma: sigma, constants: a.species.map { AtomicDispersion.guess($0).squareRoot() },
          features: Matrix(rows: a.channels, columns: 1))
      },
      references: references)
  }
}
