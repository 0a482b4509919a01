// The parameters of a model, which training moves, and its weights, which a step applies: weight = unit * parameter. Units are
// MACE's normalisations (arXiv 2206.07697; e3nn), so that parameters are of one size and variances stay of order one from layer
// to layer, without which hidden layers do not learn. S species, C channels, n rows of a matrix:
//   embedding    S^-1/2                                     linear    n^-1/2 / <neighbours>, without these under a density
//   radial       n^-1/2, behind a silu times 1.679,         skip      (S C)^-1/2
//                the last times sqrt(2 l3 + 1)              product   C^-1/2
//   linear_up    C^-1/2                                     readout   n^-1/2, behind a silu times 1.679
//   density      n^-1/2
//   contraction  |x_t| (ContractionBasis.swift)
// Weights of the long-range blocks are their own parameters, but those of dispersion: 3 eV^1/2 Angstrom^3, and 0.1 C^-1/2 where
// features decide. Energy is of second order in these sources, too: were they faster, what bonds lack while they are learned would
// leave molecules without any, from where no gradient leads back (ethane and propane, Examples/dimers). Constants of conserved
// sources follow from theirs, x and c, by the charges that are known: xbar = x + M^+ (Q c^T - M x) (ChargeConstraint.swift).

import Foundation

/// The parameters of a model as one vector, block by block.
public struct ModelParameters: Sendable {
  public struct Block: Sendable, Hashable {
    /// That of the dataset in the model file.
    public let name: String
    public let range: Range<Int>
    public let shape: [Int]
    /// Whether weight decay applies to it, as in mace-torch: what mixes messages, and the contraction.
    public let decays: Bool
  }

  public let blocks: [Block]
  public var values: [Double]
  /// Of a new model's values, about those that they have.
  let deviations: [Double]
  /// Weight of a parameter of one.
  let units: [Double]
  private let constants: [Constants]
  private let base: Model

  /// xbar of a layer with parts of known charge.
  private struct Constants {
    let layer: Int
    let range: Range<Int>
    /// c, where it is a parameter.
    let columns: Range<Int>?
    let constraint: ChargeConstraint
  }

  /// Those of the weights that a model has.
  ///
  /// - Parameter averageNeighbors: mean number of neighbours of an atom, by which messages are divided.
  /// - Throws: `ModelError` for charges that contradict each other.
  public init(of model: Model, averageNeighbors: Double) throws {
    base = model
    let weights = model.weights
    var (blocks, constants): ([Block], [Constants]) = ([], [])
    var (units, deviations) = (
      [Double](repeating: 1, count: weights.count), [Double](repeating: 1, count: weights.count)
    )
    for block in model.weightBlocks {
      let scale = WeightScale(block, of: model, averageNeighbors: averageNeighbors)
      for (n, index) in block.range.enumerated() {
        units[index] = scale.unit(n)
        deviations[index] = scale.deviation(n)
      }
      blocks.append(Block(name: block.name, range: block.range, shape: block.shape, decays: scale.decays))
    }
    values = weights.indices.map { weights[$0] / units[$0] }
    for (t, layer) in model.layers.enumerated() {
      guard let sources = layer.conserved, let references = sources.references else { continue }
      let name = "layers/\(t)/conserved"
      let constraint = try ChargeConstraint(
        references, species: model.species.count, file: "model \(model.name)")
      var columns: Range<Int>?
      // In the energy, column 0 is the charge in e.
      if sources.use.name != .energy {
        let range = values.count..<values.count + references.columns.count
        blocks.append(Block(name: "\(name)/c", range: range, shape: [range.count], decays: false))
        values += references.columns
        units += references.columns.map { _ in 1 }
        deviations += references.columns.map { _ in 0.5 }
        columns = range
      }
      guard let range = blocks.first(where: { $0.name == "\(name)/xbar" })?.range else { continue }
      constants.append(Constants(layer: t, range: range, columns: columns, constraint: constraint))
    }
    (self.blocks, self.units, self.deviations, self.constants) = (blocks, units, deviations, constants)
  }

  /// The model with these values.
  public var model: Model {
    var model = base
    model.weights = base.weights.indices.map { units[$0] * values[$0] }
    for c in constants {
      guard let sources = model.layers[c.layer].conserved, let references = sources.references else {
        continue
      }
      let columns = c.columns.map { Array(values[$0]) } ?? references.columns
      model.layers[c.layer].conserved?.references?.columns = columns
      model.layers[c.layer].conserved?.constants = c.constraint.constants(sources.constants, columns: columns)
    }
    return model
  }

  /// dE/d(parameters) from dE/d(weights).
  public func gradient(ofWeights gradient: [Double]) -> [Double] {
    var result = [Double](repeating: 0, count: values.count)
    for n in gradient.indices { result[n] = units[n] * gradient[n] }
    for c in constants {
      guard let width = base.layers[c.layer].conserved?.constants.columns else { continue }
      let (x, columns) = c.constraint.adjoint(
        Matrix(rows: c.range.count / width, columns: width, values: Array(gradient[c.range])))
      for (n, value) in zip(c.range, x.values) { result[n] = value }
      for (n, value) in zip(c.columns ?? 0..<0, columns) { result[n] = value }
    }
    // Column 0 of the energy is the charge in e: its weight is one.
    for (t, layer) in base.layers.enumerated() where layer.conserved?.use.name == .energy {
      guard let block = blocks.first(where: { $0.name == "layers/\(t)/conserved/s" }) else { continue }
      result[block.range.lowerBound] = 0
    }
    return result
  }
}

/// Units and deviations of one block.
private struct WeightScale {
  let decays: Bool
  let unit: (Int) -> Double
  let deviation: (Int) -> Double

  /// 1 / sqrt(<silu(z)^2>) of a normal deviate z, as e3nn normalises activations.
  private static let silu = 1.6791767923989418

  private static func constant(_ value: Double) -> (Int) -> Double { { _ in value } }

  init(_ block: Model.WeightBlock, of model: Model, averageNeighbors: Double) {
    let parts = block.name.split(separator: "/").map(String.init)
    let (channels, species) = (Double(model.channels), Double(model.species.count))
    guard parts.count > 2, parts[0] == "layers", let t = Int(parts[1]) else {
      (decays, unit, deviation) = (false, Self.constant(pow(species, -0.5)), Self.constant(1))
      return
    }
    let (layer, rows) = (model.layers[t], Double(block.shape[max(0, block.shape.count - 2)]))
    decays = ["linear", "product", "contraction"].contains(parts[2])
    switch (parts[2], parts.last ?? "") {
    case ("radial", let name):
      let inner = pow(rows, -0.5) * (name == "0" ? 1 : Self.silu)
      let columns = block.shape[1]
      let isLast = name == "\(layer.radial.count - 1)"
      unit = { n in
        inner * (isLast ? Double(2 * layer.paths[n % columns / model.channels].l3 + 1).squareRoot() : 1)
      }
      deviation = Self.constant(1)
    case ("linear", _):
      let neighbors = layer.density == nil ? averageNeighbors : 1
      (unit, deviation) = (Self.constant(pow(rows, -0.5) / neighbors), Self.constant(1))
    case ("density", _): (unit, deviation) = (Self.constant(pow(rows, -0.5)), Self.constant(1))
    case ("skip", _): (unit, deviation) = (Self.constant(pow(channels * species, -0.5)), Self.constant(1))
    case ("contraction", let name):
      let L = Int(parts[3]) ?? 0
      let basis = ContractionBasis(of: layer.contraction[L], lmax: model.lmax, L: L)
      let (norms, count) =
        switch name {
        case "weights2": (basis.pairNorms, basis.pairCount)
        case "weights3": (basis.tripleNorms, basis.tripleCount)
        default: ([1.0], 1)
        }
      unit = { n in name == "weights1" ? 1 : norms[n / model.channels % norms.count] }
      deviation = Self.constant(1 / Double(max(count, 1)))
    case ("readout", let name):
      let n = Double(block.shape[0])
      (unit, deviation) = (Self.constant(pow(n, -0.5) * (name == "w2" ? Self.silu : 1)), Self.constant(1))
    case ("rsa", let name), ("conserved", let name):
      let hasEnergy = layer.conserved?.use.name == .energy
      let size =
        switch name {
        case "W_q", "W_k", "W_v", "W_a", "W_b": pow(channels, -0.5)
        case "W_p": pow(rows, -0.5)
        case "W_r": (hasEnergy ? 0.3 : 1) * pow(rows, -0.5)
        case "xbar": hasEnergy ? 0.2 : 0.5
        default: 0.0
        }
      let ofDispersion = ["ybar": 3, "W_y": 0.1 * pow(channels, -0.5)]
      // Charges begin as `Electronegativity` has them, and hardly change hands.
      let ofCharges = !hasEnergy ? 1 : name == "xbar" ? 0 : name == "W_r" ? 0.1 : 1
      let columns = block.shape.last ?? 1
      unit = Self.constant(ofDispersion[name] ?? 1)
      deviation = { n in n % columns == 0 ? ofCharges * size : size }
    default: (unit, deviation) = (Self.constant(pow(channels, -0.5)), Self.constant(1))
    }
  }
}
