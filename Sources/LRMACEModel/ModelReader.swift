// A model from its file: every group, dataset and attribute is asked for by its name, and what is there beside them is
// refused. Shapes are compared with the architecture before memory is taken; numbers are the matter of
// `Model.validate`.

import HDF5
import Reciprocal

struct ModelReader {
  let file: HDF5File
  let version: Int

  func fail(_ reason: String) -> ModelError { ModelError(file: file.name, reason: reason) }

  func model() throws -> Model {
    let found = try members(
      of: "/",
      ["E0", "bessel_frequencies", "embedding", "layers", "species"] + (version == 1 ? [] : ["rsa"])
        + (version > 3 ? ["domain"] : []) + (version > 4 ? ["transform", "repulsion"] : []),
      attributes: [
        "format", "version", "sha256", "name", "provenance", "errors", "r_max", "lmax", "channels",
        "num_layers",
        "correlation", "cutoff_p", "bessel_prefactor", "scale", "shift",
      ])
    let species = try list("species", ModelLimits.atomicNumber.range.upperBound)
    let frequencies = try vector("bessel_frequencies", atMost: ModelLimits.frequencies.range.upperBound)
    let channels = try integer(ModelLimits.channels)
    var model = Model(
      name: try file.stringAttribute("name"), provenance: try file.stringAttribute("provenance"),
      errors: try file.hasAttribute("errors") ? file.stringAttribute("errors") : nil, hash: "",
      species: species, isolatedEnergies: try array("E0", [species.count]),
      scale: try file.doubleAttribute("scale"), shift: try file.doubleAttribute("shift"),
      cutoff: try file.doubleAttribute("r_max"), lmax: try integer(ModelLimits.lmax), channels: channels,
      correlation: try integer(ModelLimits.correlation),
      radialBasis: Model.BesselBasis(
        frequencies: frequencies, prefactor: try file.doubleAttribute("bessel_prefactor"),
        cutoffExponent: try integer(ModelLimits.cutoffExponent)),
      embedding: try matrix("embedding", species.count, channels), attention: nil, layers: [], domain: nil)
    if found.contains("transform") { model.transform = try transform("transform", species.count) }
    if found.contains("repulsion") { model.repulsion = try repulsion("repulsion", species.count) }
    let layerCount = try integer(ModelLimits.layers)
    try numbered("layers", layerCount)
    model.attention =
      version == 1 ? try settingsOfLayers(layerCount) : found.contains("rsa") ? try settings("rsa") : nil
    for t in 0..<layerCount { model.layers.append(try layer("layers/\(t)", model)) }
    if found.contains("domain") { model.domain = try domain("domain", species.count, channels) }
    return model
  }

  private func domain(_ path: String, _ species: Int, _ channels: Int) throws -> Model.TrainingDomain {
    try members(of: path, ["atoms", "mean", "whitening"])
    return Model.TrainingDomain(
      atoms: try list("\(path)/atoms", species), mean: try matrix("\(path)/mean", species, channels),
      whitening: try matrices("\(path)/whitening", species, channels, channels))
  }

  // MARK: - Pairs of elements

  private func transform(_ path: String, _ species: Int) throws -> Model.DistanceTransform {
    let name = try choice("kind", at: path, Model.DistanceTransform.Form.Name.self)
    let own = name == .agnesi ? ["a", "p", "q"] : ["alpha"]
    try members(of: path, ["radii"], attributes: ["kind"] + own)
    func number(_ name: String) throws -> Double { try file.doubleAttribute(name, at: path) }
    let form: Model.DistanceTransform.Form =
      switch name {
      case .agnesi: .agnesi(a: try number("a"), p: try number("p"), q: try number("q"))
      case .soft: .soft(alpha: try number("alpha"))
      }
    return Model.DistanceTransform(form: form, radii: try array("\(path)/radii", [species]))
  }

  private func repulsion(_ path: String, _ species: Int) throws -> Model.PairRepulsion {
    try members(
      of: path, ["amplitudes", "decays", "radii"], attributes: ["coulomb", "length", "exponent", "cutoff_p"])
    let amplitudes = try vector("\(path)/amplitudes", atMost: ModelLimits.screeningTerms.range.upperBound)
    return Model.PairRepulsion(
      coulomb: try file.doubleAttribute("coulomb", at: path), amplitudes: amplitudes,
      decays: try array("\(path)/decays", [amplitudes.count]),
      length: try file.doubleAttribute("length", at: path),
      exponent: try file.doubleAttribute("exponent", at: path),
      cutoffExponent: try integer(ModelLimits.cutoffExponent, at: path),
      radii: try array("\(path)/radii", [species]))
  }

  // MARK: - Names

  /// The names of a group's members, which must be among `names`; so must its attributes.
  @discardableResult
  func members(of group: String, _ names: [String], attributes: [String] = []) throws -> Set<String> {
    let children = try file.children(of: group)
    if let unknown = children.first(where: { !names.contains($0) }) {
      throw fail(
        "'\(group == "/" ? "" : group + "/")\(unknown)' is not known in a model of version \(version)")
    }
    try requireAttributes(of: group, attributes)
    return Set(children)
  }

  private func requireAttributes(of path: String, _ names: [String]) throws {
    if let unknown = try file.attributeNames(at: path).first(where: { !names.contains($0) }) {
      throw fail("attribute '\(unknown)' of \(path) is not known in a model of version \(version)")
    }
  }

  /// Requires the members 0, 1 ... of a group.
  private func numbered(_ group: String, _ count: Int) throws {
    let names = (0..<count).map(String.init)
    let found = try members(of: group, names)
    if let missing = names.first(where: { !found.contains($0) }) {
      throw fail("\(group)/\(missing) is missing")
    }
  }

  // MARK: - Values

  private func integer(_ limit: Limit<Int>, at group: String = "/") throws -> Int {
    let value = try file.integerAttribute(limit.name, at: group)
    let place = group == "/" ? limit.name : "\(group): \(limit.name)"
    if let fault = limit.fault(in: value, name: place) { throw fail(fault) }
    return value
  }

  private func choice<Choice: RawRepresentable & CaseIterable>(
    _ attribute: String, at group: String, _: Choice.Type
  ) throws -> Choice where Choice.RawValue == String {
    let text = try file.stringAttribute(attribute, at: group)
    guard let value = Choice(rawValue: text) else {
      let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw fail("\(group): \(attribute) is '\(text)'; this program knows \(known)")
    }
    return value
  }

  /// The shape of a dataset, each axis within its bound. A model's datasets have no attributes.
  private func shape(_ path: String, _ bounds: [ClosedRange<Int>]) throws -> [Int] {
    let shape = try file.shape(of: path)
    guard shape.count == bounds.count, zip(shape, bounds).allSatisfy({ $1.contains($0) }) else {
      let expected = bounds.map {
        $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound) to \($0.upperBound)"
      }
      throw fail("\(path) has shape \(shape), expected [\(expected.joined(separator: ", "))]")
    }
    var (count, overflow) = (1, false)
    for size in shape where !overflow { (count, overflow) = count.multipliedReportingOverflow(by: size) }
    guard !overflow, count <= ModelLimits.arrayCount else {
      throw fail("\(path) has shape \(shape), more than \(ModelLimits.arrayCount) numbers")
    }
    try requireAttributes(of: path, [])
    return shape
  }

  private func array(_ path: String, _ expected: [Int]) throws -> [Double] {
    let shape = try shape(path, expected.map { $0...$0 })
    let (values, found) = try file.readDoubles(path)
    guard found == shape else { throw fail("\(path) changes while it is read") }
    return values
  }

  private func vector(_ path: String, atMost count: Int) throws -> [Double] {
    try array(path, shape(path, [1...count]))
  }

  private func integers(_ path: String, _ bounds: [ClosedRange<Int>]) throws -> (values: [Int], shape: [Int])
  {
    let shape = try shape(path, bounds)
    let (values, found) = try file.readIntegers(path)
    guard found == shape else { throw fail("\(path) changes while it is read") }
    if let large = values.first(where: { Int32(exactly: $0) == nil }) {
      throw fail("\(path) holds \(large), more than 32 bits hold")
    }
    return (values, shape)
  }

  private func list(_ path: String, _ count: Int) throws -> [Int] { try integers(path, [1...count]).values }

  /// Rows of so many columns.
  private func rows(_ path: String, columns: Int) throws -> [[Int]] {
    let values = try integers(path, [1...ModelLimits.couplings, columns...columns]).values
    return stride(from: 0, to: values.count, by: columns).map { Array(values[$0..<($0 + columns)]) }
  }

  private func matrix(_ path: String, _ rows: Int, _ columns: Int) throws -> Matrix {
    Matrix(rows: rows, columns: columns, values: try array(path, [rows, columns]))
  }

  /// A matrix whose number of columns is its own, up to `limit`.
  private func matrix(_ path: String, _ rows: Int, atMost limit: Int) throws -> Matrix {
    try matrix(path, rows, shape(path, [rows...rows, 1...limit])[1])
  }

  /// [n, rows, columns] as n matrices.
  private func matrices(_ path: String, _ count: Int, _ rows: Int, _ columns: Int) throws -> [Matrix] {
    let values = try array(path, [count, rows, columns])
    let size = rows * columns
    return (0..<count).map {
      Matrix(rows: rows, columns: columns, values: Array(values[($0 * size)..<(($0 + 1) * size)]))
    }
  }

  // MARK: - Attention

  /// Of version 1, where every attending layer states them.
  private func settingsOfLayers(_ count: Int) throws -> Model.AttentionSettings? {
    var first: (settings: Model.AttentionSettings, path: String)?
    for path in (0..<count).map({ "layers/\($0)/rsa" }) where try file.exists(path) {
      let settings = try settings(path)
      guard let first else {
        first = (settings, path)
        continue
      }
      let values = { (s: Model.AttentionSettings) in
        [
          ("heads", "\(s.heads)"), ("width", "\(s.width)"), ("weight", s.kernelWeight.rawValue),
          ("eps", "\(s.epsilon)"), ("subtract_self", "\(s.subtractsSelf ? 1 : 0)"), ("sigmas", "\(s.sigmas)"),
        ]
      }
      for (mine, its) in zip(values(settings), values(first.settings)) where mine.1 != its.1 {
        throw fail(
          "\(path): \(mine.0) is \(mine.1), but that of \(first.path) is \(its.1); all layers share one "
            + "attention, they may differ in norm, phi, filter and weights alone")
      }
    }
    return first?.settings
  }

  private func settings(_ path: String) throws -> Model.AttentionSettings {
    if version > 1 {
      try members(of: path, ["sigmas"], attributes: ["heads", "width", "weight", "eps", "subtract_self"])
    }
    return Model.AttentionSettings(
      heads: try integer(Limit("heads", ModelLimits.width.range), at: path),
      width: try integer(ModelLimits.width, at: path),
      kernelWeight: try choice("weight", at: path, KernelWeight.self),
      epsilon: try file.doubleAttribute("eps", at: path),
      subtractsSelf: try integer(Limit("subtract_self", 0...1), at: path) == 1,
      sigmas: try vector("\(path)/sigmas", atMost: ModelLimits.sigmas.range.upperBound))
  }

  private func attention(_ path: String, _ model: Model) throws -> Model.Attention {
    guard let settings = model.attention else { throw fail("\(path) is there, but the group rsa is missing") }
    let isOld = version == 1
    let found = try members(
      of: path, ["filter", "W_q", "W_k", "W_v", "W_o", "W_g"] + (isOld ? ["sigmas"] : []),
      attributes: ["phi", "norm"] + (isOld ? ["heads", "width", "weight", "eps", "subtract_self"] : []))
    let (channels, width) = (model.channels, settings.width)
    return Model.Attention(
      normalisation: try choice("norm", at: path, Model.Attention.Normalisation.self),
      activation: try choice("phi", at: path, Model.Attention.Activation.self),
      filter: try matrix("\(path)/filter", settings.heads, settings.sigmas.count),
      query: try matrix("\(path)/W_q", channels, width), key: try matrix("\(path)/W_k", channels, width),
      value: try matrix("\(path)/W_v", channels, width), output: try matrix("\(path)/W_o", width, channels),
      gate: found.contains("W_g") ? try matrix("\(path)/W_g", width, channels) : nil)
  }

  // MARK: - Conserved sources

  private func conserved(_ path: String, _ model: Model) throws -> Model.ConservedSources {
    guard let width = model.attention?.width else {
      throw fail("\(path) is there, but the group rsa is missing")
    }
    let use = try choice("use", at: path, Model.ConservedSources.Use.Name.self)
    let own =
      switch use {
      case .attention: ["W_q", "W_o"]
      case .difference: ["W_q", "W_o", "W_p"]
      case .energy: ["s"] + (version > 5 ? ["dispersion"] : [])
      }
    let found = try members(
      of: path, ["xbar", "W_a", "W_b", "W_r", "M", "Q", "c"] + own, attributes: ["use"])
    let (channels, basis) = (model.channels, model.radialBasis.frequencies.count)
    func matrix(_ name: String, _ rows: Int) throws -> Matrix {
      try self.matrix("\(path)/\(name)", rows, width)
    }
    func output() throws -> Matrix { try self.matrix("\(path)/W_o", width, channels) }
    func potentialUse() throws -> Model.ConservedSources.Use {
      switch use {
      case .attention: .attention(query: try matrix("W_q", channels), output: try output())
      case .difference:
        .difference(
          query: try matrix("W_q", channels), output: try output(), radial: try matrix("W_p", basis))
      case .energy: .energy(weights: try array("\(path)/s", [width]))
      }
    }
    return Model.ConservedSources(
      use: try potentialUse(), constants: try matrix("xbar", model.species.count),
      transferA: try matrix("W_a", channels), transferB: try matrix("W_b", channels),
      transferRadial: try matrix("W_r", basis),
      dispersion: found.contains("dispersion") ? try dispersion("\(path)/dispersion", model) : nil,
      references: found.isDisjoint(with: ["M", "Q", "c"]) ? nil : try references(path, model, width))
  }

  private func dispersion(_ path: String, _ model: Model) throws -> Model.ConservedSources.Dispersion {
    try members(of: path, ["ybar", "W_y"], attributes: ["sigma"])
    return .init(
      sigma: try file.doubleAttribute("sigma", at: path),
      constants: try array("\(path)/ybar", [model.species.count]),
      features: try matrix("\(path)/W_y", model.channels, 1))
  }

  private func references(
    _ path: String, _ model: Model, _ width: Int
  ) throws -> Model.ConservedSources.References {
    let charges = try vector("\(path)/Q", atMost: ModelLimits.referenceParts.range.upperBound)
    return .init(
      compositions: try matrix("\(path)/M", charges.count, model.species.count), charges: charges,
      columns: try array("\(path)/c", [width]))
  }

  // MARK: - Layers

  private func layer(_ path: String, _ model: Model) throws -> Model.Layer {
    let (channels, species) = (model.channels, model.species.count)
    let found = try members(
      of: path,
      ["radial", "paths", "linear_up", "linear", "contraction", "product", "skip", "readout", "rsa"]
        + (version > 2 ? ["conserved"] : []) + (version > 4 ? ["density"] : []),
      attributes: ["input_lmax", "output_lmax"])
    let inputLmax = try integer(Limit("input_lmax", ModelLimits.lmax.range), at: path)
    let outputLmax = try integer(Limit("output_lmax", 0...model.lmax), at: path)
    let paths = try rows("\(path)/paths", columns: 3).map { Model.Path(l1: $0[0], l2: $0[1], l3: $0[2]) }

    func degrees<Value>(_ name: String, upTo lmax: Int, _ read: (String, Int) throws -> Value) throws
      -> [Value]
    {
      try numbered("\(path)/\(name)", lmax + 1)
      return try (0...lmax).map { try read("\(path)/\(name)/\($0)", $0) }
    }
    func square(_ path: String, _: Int) throws -> Matrix { try matrix(path, channels, channels) }
    return Model.Layer(
      inputLmax: inputLmax, outputLmax: outputLmax,
      radial: try radial("\(path)/radial", model, columns: paths.count * channels),
      density: found.contains("density")
        ? try array("\(path)/density", [model.radialBasis.frequencies.count]) : nil,
      paths: paths,
      linearUp: try degrees("linear_up", upTo: inputLmax, square),
      linear: try degrees("linear", upTo: model.lmax) { path, l in
        let rows = paths.count { $0.l3 == l } * channels
        let isShared = try file.shape(of: path).first == 1
        return try matrices(path, isShared ? 1 : species, rows, channels)
      },
      skip: found.contains("skip")
        ? try degrees("skip", upTo: min(inputLmax, outputLmax)) { path, _ in
          try matrices(path, species, channels, channels)
        } : [],
      contraction: try degrees("contraction", upTo: outputLmax) { path, _ in try contraction(path, model) },
      product: try degrees("product", upTo: outputLmax, square),
      readout: found.contains("readout") ? try readout("\(path)/readout", channels) : nil,
      attention: found.contains("rsa") ? try attention("\(path)/rsa", model) : nil,
      conserved: found.contains("conserved") ? try conserved("\(path)/conserved", model) : nil)
  }

  private func radial(_ path: String, _ model: Model, columns: Int) throws -> [Matrix] {
    let depth = try file.children(of: path).count
    if let fault = ModelLimits.depth.fault(in: depth, name: "\(path): number of matrices") {
      throw fail(fault)
    }
    try numbered(path, depth)
    var matrices: [Matrix] = []
    for i in 0..<depth {
      let rows = matrices.last?.columns ?? model.radialBasis.frequencies.count
      matrices.append(
        i + 1 == depth
          ? try matrix("\(path)/\(i)", rows, columns)
          : try matrix("\(path)/\(i)", rows, atMost: ModelLimits.hiddenUnits.range.upperBound))
    }
    return matrices
  }

  private func contraction(_ path: String, _ model: Model) throws -> Model.Contraction {
    let (channels, species) = (model.channels, model.species.count)
    let found = try members(
      of: path, ["weights1", "pairs", "weights2", "triples", "weights3", "rounding", "rounding_weights"])
    for (list, weights) in [("pairs", "weights2"), ("triples", "weights3"), ("rounding", "rounding_weights")]
    where found.contains(weights) && !found.contains(list) {
      throw fail("\(path)/\(weights) is there, but \(path)/\(list) is missing")
    }
    var contraction = Model.Contraction(
      weights1: try matrix("\(path)/weights1", species, channels), pairs: [], weights2: [], triples: [],
      weights3: [])
    func weights(_ name: String, _ count: Int) throws -> [Matrix] {
      try matrices("\(path)/\(name)", species, count, channels)
    }
    if found.contains("pairs") {
      contraction.pairs = try rows("\(path)/pairs", columns: 2).map { .init(l1: $0[0], l2: $0[1]) }
      contraction.weights2 = try weights("weights2", contraction.pairs.count)
    }
    if found.contains("triples") {
      contraction.triples = try rows("\(path)/triples", columns: 4).map {
        .init(l1: $0[0], l2: $0[1], l12: $0[2], l3: $0[3])
      }
      contraction.weights3 = try weights("weights3", contraction.triples.count)
    }
    if found.contains("rounding") {
      contraction.rounding = try rows("\(path)/rounding", columns: 4).map { row in
        let factors = row.dropFirst().prefix { $0 != -1 }
        guard row.dropFirst(1 + factors.count).allSatisfy({ $0 == -1 }) else {
          throw fail("\(path)/rounding holds \(row), a factor behind an absent one")
        }
        return .init(component: row[0], factors: Array(factors))
      }
      contraction.roundingWeights = try weights("rounding_weights", contraction.rounding.count)
    }
    return contraction
  }

  private func readout(_ path: String, _ channels: Int) throws -> Model.Readout {
    switch try file.stringAttribute("kind", at: path) {
    case "linear":
      try members(of: path, ["weights"], attributes: ["kind"])
      return .linear(try array("\(path)/weights", [channels]))
    case "mlp":
      try members(of: path, ["w1", "w2"], attributes: ["kind"])
      let hidden = try matrix("\(path)/w1", channels, atMost: ModelLimits.hiddenUnits.range.upperBound)
      return .network(hidden: hidden, weights: try array("\(path)/w2", [hidden.columns]))
    case let kind: throw fail("\(path): kind is '\(kind)'; this program knows linear, mlp")
    }
  }
}
