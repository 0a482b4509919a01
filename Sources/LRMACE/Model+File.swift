// Model files (HDF5, `format = "bloch-model"`): what Tools/import_mace.py writes and training saves. Layout and the
// recipe of the checksum: Tools/README.md. A file is read whole and checked before anything is built from it.

import Foundation
import HDF5
import Reciprocal

/// Why a file is not a usable model.
public struct ModelError: Error, Hashable, Sendable, CustomStringConvertible {
  public let file: String
  public let reason: String

  public var description: String { "\(file): \(reason)" }
}

extension Model {
  public static let fileVersion = 1

  /// Reads a model file.
  ///
  /// - Throws: `HDF5Error` where the file cannot be read, `ModelError` where its contents are not a model of this
  ///   version.
  public init(contentsOf name: String) throws {
    let file = try HDF5File(reading: name)
    func fail(_ reason: String) -> ModelError { ModelError(file: name, reason: reason) }

    guard try file.hasAttribute("format"), try file.stringAttribute("format") == "bloch-model" else {
      throw fail("not a Bloch model; MACE models are imported by Tools/import_mace.py")
    }
    let version = try file.integerAttribute("version")
    guard version == Self.fileVersion else {
      throw fail(
        "model format version \(version), but this program reads version \(Self.fileVersion); "
          + "import the model again with the Tools of this release")
    }
    self.name = try file.stringAttribute("name")
    provenance = try file.stringAttribute("provenance")
    hash = try file.stringAttribute("sha256")
    let reader = ModelReader(file: file, name: name)
    guard try reader.checksum() == hash else {
      throw fail("its arrays do not match its checksum; the file is damaged: copy or import it again")
    }

    scale = try file.doubleAttribute("scale")
    shift = try file.doubleAttribute("shift")
    cutoff = try file.doubleAttribute("r_max")
    lmax = try file.integerAttribute("lmax")
    channels = try file.integerAttribute("channels")
    correlation = try file.integerAttribute("correlation")
    let layerCount = try file.integerAttribute("num_layers")
    guard cutoff > 0, cutoff < 100, (0...4).contains(lmax), (1...4096).contains(channels),
      (1...3).contains(correlation), (1...16).contains(layerCount)
    else {
      throw fail(
        "its architecture is out of range: r_max \(cutoff), lmax \(lmax), channels \(channels), "
          + "correlation \(correlation), layers \(layerCount)")
    }
    species = try file.readIntegers("species").values
    isolatedEnergies = try reader.vector("E0", count: species.count)
    radialBasis = BesselBasis(
      frequencies: try file.readDoubles("bessel_frequencies").values,
      prefactor: try file.doubleAttribute("bessel_prefactor"),
      cutoffExponent: try file.integerAttribute("cutoff_p"))
    embedding = try reader.matrix("embedding", rows: species.count, columns: channels)

    layers = []
    for t in 0..<layerCount {
      let layer = try reader.layer("layers/\(t)", self)
      if let last = layers.last, last.outputLmax != layer.inputLmax {
        throw fail(
          "layer \(t) expects features up to l = \(layer.inputLmax), layer \(t - 1) gives \(last.outputLmax)")
      }
      layers.append(layer)
    }
    guard layers[0].inputLmax == 0 else { throw fail("its first layer must take scalars") }
  }
}

/// Reads arrays and checks their shapes.
private struct ModelReader {
  let file: HDF5File
  let name: String

  func fail(_ reason: String) -> ModelError { ModelError(file: name, reason: reason) }

  /// SHA-256 over every dataset in ascending order of paths: the path, then its bytes (Tools/README.md).
  func checksum() throws -> String {
    var hash = SHA256()
    let integerArrays: Set<Substring> = ["species", "paths", "pairs", "triples", "rounding"]
    for path in try datasets(in: "/").sorted() {
      Array(path.utf8).withUnsafeBytes { hash.update($0) }
      if integerArrays.contains(path.split(separator: "/").last ?? "") {
        let values = try file.readIntegers(path).values.map { Int32(truncatingIfNeeded: $0).littleEndian }
        values.withUnsafeBytes { hash.update($0) }
      } else {
        try file.readDoubles(path).values.withUnsafeBytes { hash.update($0) }
      }
    }
    return SHA256.hex(hash.finalize())
  }

  /// Paths, without a leading slash, of all datasets below a group.
  private func datasets(in group: String) throws -> [String] {
    try file.children(of: group).flatMap { child -> [String] in
      let path = group == "/" ? child : "\(group)/\(child)"
      return try file.isGroup(path) ? datasets(in: path) : [path]
    }
  }

  func array(_ path: String, shape: [Int]) throws -> [Double] {
    let (values, found) = try file.readDoubles(path)
    guard found == shape else { throw fail("\(path) has shape \(found), expected \(shape)") }
    guard values.allSatisfy(\.isFinite) else { throw fail("\(path) holds a number that is not finite") }
    return values
  }

  func vector(_ path: String, count: Int) throws -> [Double] { try array(path, shape: [count]) }

  func matrix(_ path: String, rows: Int, columns: Int) throws -> Matrix {
    Matrix(rows: rows, columns: columns, values: try array(path, shape: [rows, columns]))
  }

  /// [n, rows, columns] as n matrices.
  func matrices(_ path: String, count: Int, rows: Int, columns: Int) throws -> [Matrix] {
    let values = try array(path, shape: [count, rows, columns])
    return (0..<count).map {
      Matrix(
        rows: rows, columns: columns,
        values: Array(values[($0 * rows * columns)..<(($0 + 1) * rows * columns)]))
    }
  }

  func integers(_ path: String, columns: Int, in range: ClosedRange<Int>) throws -> [[Int]] {
    let (values, shape) = try file.readIntegers(path)
    guard shape.count == 2, shape[1] == columns, values.allSatisfy(range.contains) else {
      throw fail(
        "\(path) must be a list of \(columns) degrees from \(range.lowerBound) to \(range.upperBound)")
    }
    return stride(from: 0, to: values.count, by: columns).map { Array(values[$0..<($0 + columns)]) }
  }

  func triangle(_ a: Int, _ b: Int, _ c: Int, _ path: String) throws {
    guard abs(a - b) <= c, c <= a + b else {
      throw fail("\(path) couples l = \(a), \(b), \(c), which is impossible")
    }
  }

  func layer(_ path: String, _ model: Model) throws -> Model.Layer {
    let (channels, species, lmax) = (model.channels, model.species.count, model.lmax)
    let inputLmax = try file.integerAttribute("input_lmax", at: path)
    let outputLmax = try file.integerAttribute("output_lmax", at: path)
    guard (0...4).contains(inputLmax), (0...lmax).contains(outputLmax) else {
      throw fail("\(path) maps features up to l = \(inputLmax) to l = \(outputLmax), which is out of range")
    }
    let paths = try integers("\(path)/paths", columns: 3, in: 0...lmax).map {
      Model.Path(l1: $0[0], l2: $0[1], l3: $0[2])
    }
    for p in paths {
      try triangle(p.l1, p.l2, p.l3, "\(path)/paths")
      guard p.l1 <= inputLmax else {
        throw fail("\(path)/paths uses l = \(p.l1), more than the layer's input has")
      }
    }

    var radial: [Matrix] = []
    var width = model.radialBasis.frequencies.count
    let depth = try file.children(of: "\(path)/radial").count
    guard depth > 0 else { throw fail("\(path)/radial is empty") }
    for i in 0..<depth {
      let shape = try file.shape(of: "\(path)/radial/\(i)")
      guard shape.count == 2 else { throw fail("\(path)/radial/\(i) is not a matrix") }
      radial.append(try matrix("\(path)/radial/\(i)", rows: width, columns: shape[1]))
      width = shape[1]
    }
    guard width == paths.count * channels else {
      throw fail(
        "\(path)/radial ends with \(width) columns, expected \(paths.count) paths of \(channels) channels")
    }

    let linear = try (0...lmax).map { l in
      let rows = paths.filter { $0.l3 == l }.count * channels
      guard rows > 0 else { throw fail("\(path)/paths has none that ends at l = \(l)") }
      let shape = try file.shape(of: "\(path)/linear/\(l)")
      guard let count = shape.first, count == 1 || count == species else {
        throw fail("\(path)/linear/\(l) must hold one matrix, or one per species")
      }
      return try matrices("\(path)/linear/\(l)", count: count, rows: rows, columns: channels)
    }
    let hasSkip = try file.exists("\(path)/skip")
    return Model.Layer(
      inputLmax: inputLmax, outputLmax: outputLmax, radial: radial, paths: paths,
      linearUp: try (0...inputLmax).map {
        try matrix("\(path)/linear_up/\($0)", rows: channels, columns: channels)
      },
      linear: linear,
      skip: hasSkip
        ? try (0...min(inputLmax, outputLmax)).map {
          try matrices("\(path)/skip/\($0)", count: species, rows: channels, columns: channels)
        } : [],
      contraction: try (0...outputLmax).map { try contraction("\(path)/contraction/\($0)", $0, model) },
      product: try (0...outputLmax).map {
        try matrix("\(path)/product/\($0)", rows: channels, columns: channels)
      },
      readout: try file.exists("\(path)/readout") ? try readout("\(path)/readout", channels) : nil,
      attention: try file.exists("\(path)/rsa") ? try attention("\(path)/rsa", channels) : nil)
  }

  func contraction(_ path: String, _ degree: Int, _ model: Model) throws -> Model.Contraction {
    let (channels, species) = (model.channels, model.species.count)
    var contraction = Model.Contraction(
      weights1: try matrix("\(path)/weights1", rows: species, columns: channels), pairs: [], weights2: [],
      triples: [], weights3: [])
    if try file.exists("\(path)/pairs") {
      contraction.pairs = try integers("\(path)/pairs", columns: 2, in: 0...model.lmax).map {
        .init(l1: $0[0], l2: $0[1])
      }
      for p in contraction.pairs { try triangle(p.l1, p.l2, degree, "\(path)/pairs") }
      contraction.weights2 = try matrices(
        "\(path)/weights2", count: species, rows: contraction.pairs.count, columns: channels)
    }
    if try file.exists("\(path)/triples") {
      contraction.triples = try integers("\(path)/triples", columns: 4, in: 0...(2 * model.lmax)).map {
        .init(l1: $0[0], l2: $0[1], l12: $0[2], l3: $0[3])
      }
      for t in contraction.triples {
        try triangle(t.l1, t.l2, t.l12, "\(path)/triples")
        try triangle(t.l12, t.l3, degree, "\(path)/triples")
        guard max(t.l1, t.l2, t.l3) <= model.lmax else { throw fail("\(path)/triples exceeds lmax") }
      }
      contraction.weights3 = try matrices(
        "\(path)/weights3", count: species, rows: contraction.triples.count, columns: channels)
    }
    if try file.exists("\(path)/rounding") {
      let components = (model.lmax + 1) * (model.lmax + 1)
      contraction.rounding = try integers("\(path)/rounding", columns: 4, in: -1...(components - 1)).map {
        .init(component: $0[0], factors: $0.dropFirst().filter { $0 >= 0 })
      }
      let isSound = contraction.rounding.allSatisfy {
        0...(2 * degree) ~= $0.component && !$0.factors.isEmpty
      }
      guard isSound else {
        throw fail("\(path)/rounding must name a component of L = \(degree) and its factors")
      }
      contraction.roundingWeights = try matrices(
        "\(path)/rounding_weights", count: species, rows: contraction.rounding.count, columns: channels)
    }
    return contraction
  }

  func readout(_ path: String, _ channels: Int) throws -> Model.Readout {
    switch try file.stringAttribute("kind", at: path) {
    case "linear": return .linear(try vector("\(path)/weights", count: channels))
    case "mlp":
      let shape = try file.shape(of: "\(path)/w1")
      guard shape.count == 2 else { throw fail("\(path)/w1 is not a matrix") }
      return .network(
        hidden: try matrix("\(path)/w1", rows: channels, columns: shape[1]),
        weights: try vector("\(path)/w2", count: shape[1]))
    case let kind: throw fail("\(path) is of kind '\(kind)'; this program knows 'linear' and 'mlp'")
    }
  }

  func attention(_ path: String, _ channels: Int) throws -> Model.Attention {
    let heads = try file.integerAttribute("heads", at: path)
    let width = try file.integerAttribute("width", at: path)
    guard heads > 0, width > 0, width % heads == 0 else {
      throw fail("\(path): a width of \(width) does not divide into \(heads) heads")
    }
    func choice<Choice: RawRepresentable>(_ attribute: String, _: Choice.Type) throws -> Choice
    where Choice.RawValue == String {
      let text = try file.stringAttribute(attribute, at: path)
      guard let value = Choice(rawValue: text) else { throw fail("\(path): unknown \(attribute) '\(text)'") }
      return value
    }
    let sigmas = try file.readDoubles("\(path)/sigmas").values
    guard !sigmas.isEmpty, sigmas.allSatisfy({ $0 > 0 }) else {
      throw fail("\(path)/sigmas must be positive")
    }
    let epsilon = try file.doubleAttribute("eps", at: path)
    guard epsilon > 0, epsilon < 1 else { throw fail("\(path): eps must lie between 0 and 1") }
    return Model.Attention(
      heads: heads, width: width, normalisation: try choice("norm", Model.Attention.Normalisation.self),
      activation: try choice("phi", Model.Attention.Activation.self),
      kernelWeight: try choice("weight", KernelWeight.self), epsilon: epsilon,
      subtractsSelf: try file.integerAttribute("subtract_self", at: path) != 0, sigmas: sigmas,
      filter: try matrix("\(path)/filter", rows: heads, columns: sigmas.count),
      query: try matrix("\(path)/W_q", rows: channels, columns: width),
      key: try matrix("\(path)/W_k", rows: channels, columns: width),
      value: try matrix("\(path)/W_v", rows: channels, columns: width),
      output: try matrix("\(path)/W_o", rows: width, columns: channels),
      gate: try file.exists("\(path)/W_g") ? try matrix("\(path)/W_g", rows: width, columns: channels) : nil)
  }
}
