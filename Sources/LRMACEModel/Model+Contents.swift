// A model as the list of named values that its file holds (layout of versions 2 to 5, Tools/README.md), and the hash over
// them that says which model it is. Keys: `group/dataset`, and `group@attribute`.

import HDF5

/// A dataset, row-major, or an attribute, which has no shape.
enum ModelValue: Sendable, Equatable {
  case text(String)
  case integers([Int], shape: [Int])
  case numbers([Double], shape: [Int])

  static func integer(_ value: Int) -> ModelValue { .integers([value], shape: []) }
  static func number(_ value: Double) -> ModelValue { .numbers([value], shape: []) }

  fileprivate static func matrix(_ m: Matrix) -> ModelValue {
    .numbers(m.values, shape: [m.rows, m.columns])
  }

  fileprivate static func stack(_ list: [Matrix]) -> ModelValue {
    .numbers(list.flatMap(\.values), shape: [list.count, list[0].rows, list[0].columns])
  }

  fileprivate static func rows(_ rows: [[Int]]) -> ModelValue {
    .integers(rows.flatMap { $0 }, shape: [rows.count, rows[0].count])
  }

  /// Little-endian bytes.
  fileprivate func update(_ hash: inout SHA256) {
    switch self {
    case .text(let text): hash.update(Array(text.utf8))
    case .integers(let values, _): hash.update(values.map { Int32(truncatingIfNeeded: $0).littleEndian })
    case .numbers(let values, _): hash.update(values.map(\.bitPattern.littleEndian))
    }
  }

  /// Type and size as the hash names them.
  fileprivate var description: String {
    switch self {
    case .text(let text): "text \(text.utf8.count)"
    case .integers(_, let shape): "int32 \(shape.map(String.init).joined(separator: ","))"
    case .numbers(_, let shape): "float64 \(shape.map(String.init).joined(separator: ","))"
    }
  }
}

extension Model {
  /// The lowest version that holds the model: what version 2 can hold keeps its hash.
  var fileVersion: Int {
    if dispersion != nil { return 6 }
    if transform != nil || repulsion != nil || layers.contains(where: { $0.density != nil }) { return 5 }
    return domain != nil ? 4 : layers.contains { $0.conserved != nil } ? 3 : 2
  }

  /// Everything but the hash.
  var contents: [String: ModelValue] {
    var values: [String: ModelValue] = [
      "@format": .text("bloch-model"), "@version": .integer(fileVersion), "@name": .text(name),
      "@provenance": .text(provenance), "@r_max": .number(cutoff), "@lmax": .integer(lmax),
      "@channels": .integer(channels), "@num_layers": .integer(layers.count),
      "@correlation": .integer(correlation), "@cutoff_p": .integer(radialBasis.cutoffExponent),
      "@bessel_prefactor": .number(radialBasis.prefactor), "@scale": .number(scale), "@shift": .number(shift),
      "species": .integers(species, shape: [species.count]),
      "E0": .numbers(isolatedEnergies, shape: [isolatedEnergies.count]),
      "bessel_frequencies": .numbers(radialBasis.frequencies, shape: [radialBasis.frequencies.count]),
      "embedding": .matrix(embedding),
    ]
    values["@errors"] = errors.map(ModelValue.text)
    if let attention {
      values["rsa@heads"] = .integer(attention.heads)
      values["rsa@width"] = .integer(attention.width)
      values["rsa@weight"] = .text(attention.kernelWeight.rawValue)
      values["rsa@eps"] = .number(attention.epsilon)
      values["rsa@subtract_self"] = .integer(attention.subtractsSelf ? 1 : 0)
      values["rsa/sigmas"] = .numbers(attention.sigmas, shape: [attention.sigmas.count])
    }
    if let transform {
      for (key, value) in transform.contents { values["transform" + key] = value }
    }
    if let repulsion {
      for (key, value) in repulsion.contents { values["repulsion" + key] = value }
    }
    if let domain {
      values["domain/atoms"] = .integers(domain.atoms, shape: [domain.atoms.count])
      values["domain/mean"] = .matrix(domain.mean)
      values["domain/whitening"] = .stack(domain.whitening)
    }
    for (t, layer) in layers.enumerated() {
      for (key, value) in layer.contents { values["layers/\(t)" + key] = value }
    }
    return values
  }

  /// Hexadecimal SHA-256 over `contents` in ascending byte order of their keys: `KEY TYPE SHAPE`, a line feed, and the
  /// bytes of the value.
  static func hash(of contents: [String: ModelValue]) -> String {
    var hash = SHA256()
    for (key, value) in contents.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
      hash.update(Array("\(key) \(value.description)\n".utf8))
      value.update(&hash)
    }
    return SHA256.hex(hash.finalize())
  }

  /// The checksum of a file of version 1, where every attending layer had the sigmas: paths and bytes of datasets alone.
  static func checksumOfVersion1(_ contents: [String: ModelValue]) -> String {
    var datasets = contents.filter { !$0.key.contains("@") }
    if let sigmas = datasets.removeValue(forKey: "rsa/sigmas") {
      for key in datasets.keys where key.hasSuffix("/rsa/filter") {
        datasets[String(key.dropLast("filter".count)) + "sigmas"] = sigmas
      }
    }
    var hash = SHA256()
    for (key, value) in datasets.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
      hash.update(Array(key.utf8))
      value.update(&hash)
    }
    return SHA256.hex(hash.finalize())
  }
}

extension Model.Layer {
  /// Keys as they follow the layer's group.
  fileprivate var contents: [String: ModelValue] {
    var values: [String: ModelValue] = [
      "@input_lmax": .integer(inputLmax), "@output_lmax": .integer(outputLmax),
      "/paths": .rows(paths.map { [$0.l1, $0.l2, $0.l3] }),
    ]
    for (i, m) in radial.enumerated() { values["/radial/\(i)"] = .matrix(m) }
    values["/density"] = density.map { .numbers($0, shape: [$0.count]) }
    for (l, m) in linearUp.enumerated() { values["/linear_up/\(l)"] = .matrix(m) }
    for (l, list) in linear.enumerated() { values["/linear/\(l)"] = .stack(list) }
    for (l, list) in skip.enumerated() { values["/skip/\(l)"] = .stack(list) }
    for (l, m) in product.enumerated() { values["/product/\(l)"] = .matrix(m) }
    for (L, c) in contraction.enumerated() {
      let path = "/contraction/\(L)"
      values["\(path)/weights1"] = .matrix(c.weights1)
      if !c.pairs.isEmpty {
        values["\(path)/pairs"] = .rows(c.pairs.map { [$0.l1, $0.l2] })
        values["\(path)/weights2"] = .stack(c.weights2)
      }
      if !c.triples.isEmpty {
        values["\(path)/triples"] = .rows(c.triples.map { [$0.l1, $0.l2, $0.l12, $0.l3] })
        values["\(path)/weights3"] = .stack(c.weights3)
      }
      if !c.rounding.isEmpty {
        values["\(path)/rounding"] = .rows(
          c.rounding.map { [$0.component] + $0.factors + Array(repeating: -1, count: 3 - $0.factors.count) })
        values["\(path)/rounding_weights"] = .stack(c.roundingWeights)
      }
    }
    switch readout {
    case .linear(let w):
      values["/readout@kind"] = .text("linear")
      values["/readout/weights"] = .numbers(w, shape: [w.count])
    case .network(let hidden, let w):
      values["/readout@kind"] = .text("mlp")
      values["/readout/w1"] = .matrix(hidden)
      values["/readout/w2"] = .numbers(w, shape: [w.count])
    case nil: break
    }
    if let attention {
      values["/rsa@phi"] = .text(attention.activation.rawValue)
      values["/rsa@norm"] = .text(attention.normalisation.rawValue)
      values["/rsa/filter"] = .matrix(attention.filter)
      values["/rsa/W_q"] = .matrix(attention.query)
      values["/rsa/W_k"] = .matrix(attention.key)
      values["/rsa/W_v"] = .matrix(attention.value)
      values["/rsa/W_o"] = .matrix(attention.output)
      values["/rsa/W_g"] = attention.gate.map(ModelValue.matrix)
    }
    if let conserved {
      for (key, value) in conserved.contents { values["/conserved" + key] = value }
    }
    return values
  }
}

extension Model.DistanceTransform {
  /// Keys as they follow the group.
  fileprivate var contents: [String: ModelValue] {
    var values: [String: ModelValue] = [
      "@kind": .text(form.name.rawValue), "/radii": .numbers(radii, shape: [radii.count]),
    ]
    switch form {
    case .agnesi(let a, let p, let q):
      values["@a"] = .number(a)
      values["@p"] = .number(p)
      values["@q"] = .number(q)
    case .soft(let alpha): values["@alpha"] = .number(alpha)
    }
    return values
  }
}

extension Model.PairRepulsion {
  /// Keys as they follow the group.
  fileprivate var contents: [String: ModelValue] {
    [
      "@coulomb": .number(coulomb), "@length": .number(length), "@exponent": .number(exponent),
      "@cutoff_p": .integer(cutoffExponent), "/amplitudes": .numbers(amplitudes, shape: [amplitudes.count]),
      "/decays": .numbers(decays, shape: [decays.count]), "/radii": .numbers(radii, shape: [radii.count]),
    ]
  }
}

extension Model.ConservedSources {
  /// Keys as they follow the group.
  fileprivate var contents: [String: ModelValue] {
    var values: [String: ModelValue] = [
      "@use": .text(use.name.rawValue), "/xbar": .matrix(constants), "/W_a": .matrix(transferA),
      "/W_b": .matrix(transferB), "/W_r": .matrix(transferRadial),
    ]
    switch use {
    case .attention(let query, let output):
      values["/W_q"] = .matrix(query)
      values["/W_o"] = .matrix(output)
    case .difference(let query, let output, let radial):
      values["/W_q"] = .matrix(query)
      values["/W_o"] = .matrix(output)
      values["/W_p"] = .matrix(radial)
    case .energy(let weights): values["/s"] = .numbers(weights, shape: [weights.count])
    }
    if let dispersion {
      values["/dispersion@sigma"] = .number(dispersion.sigma)
      values["/dispersion/ybar"] = .numbers(dispersion.constants, shape: [dispersion.constants.count])
      values["/dispersion/W_y"] = .matrix(dispersion.features)
    }
    if let references {
      values["/M"] = .matrix(references.compositions)
      values["/Q"] = .numbers(references.charges, shape: [references.charges.count])
      values["/c"] = .numbers(references.columns, shape: [references.columns.count])
    }
    return values
  }
}
