// A model is checked whole before anything is built from it: kernels trust every number, count and index of it.

extension Model {
  /// Throws `ModelError` for the first thing that is not as Model.swift and `ModelLimits` say.
  ///
  /// - Parameter file: where the model came from, for the message.
  public func validate(file: String? = nil) throws {
    try ModelValidation(model: self, file: file ?? "model \(name)").run()
  }
}

/// Checks of a model; those of a layer are in ModelValidation+Layer.swift.
struct ModelValidation {
  let model: Model
  let file: String

  var channels: Int { model.channels }
  var species: Int { model.species.count }

  func fail(_ reason: String) -> ModelError { ModelError(file: file, reason: reason) }

  func run() throws {
    for (name, text) in [
      ("name", model.name), ("provenance", model.provenance), ("errors", model.errors ?? ""),
    ] where text.utf8.count > ModelLimits.text {
      throw fail("\(name) is longer than \(ModelLimits.text) bytes")
    }
    try check(model.lmax, ModelLimits.lmax)
    try check(model.channels, ModelLimits.channels)
    try check(model.correlation, ModelLimits.correlation)
    try check(model.layers.count, ModelLimits.layers)
    try check(model.scale, ModelLimits.scale)
    try check(model.shift, ModelLimits.shift)
    try elements()
    try radialBasis()
    try matrix(model.embedding, species, channels, "embedding")
    if let transform = model.transform { try check(transform) }
    if let repulsion = model.repulsion { try check(repulsion) }
    try attentionSettings()
    try domain()
    for t in model.layers.indices { try layer(t) }
    guard model.layers[model.layers.count - 1].readout != nil else {
      throw fail("its last layer has no readout")
    }
    let correlation = model.layers.flatMap(\.contraction).map {
      !$0.triples.isEmpty ? 3 : !$0.pairs.isEmpty ? 2 : 1
    }.max()
    guard correlation == model.correlation else {
      throw fail("correlation is \(model.correlation), but its contractions are of order \(correlation ?? 0)")
    }
  }

  // MARK: - Numbers and matrices

  func check<Value>(_ value: Value, _ limit: Limit<Value>, _ name: String? = nil) throws {
    if let fault = limit.fault(in: value, name: name) { throw fail(fault) }
  }

  func weights(_ values: [Double], _ count: Int, _ path: String) throws {
    guard values.count == count else { throw fail("\(path) has \(values.count) numbers, expected \(count)") }
    let limit = ModelLimits.weight.range
    // A comparison fails for what is no number, too.
    guard values.allSatisfy({ abs($0) <= limit.upperBound }) else {
      let first = values.first { !limit.contains($0) } ?? .nan
      throw fail("\(path) holds \(first), expected weights from \(limit.lowerBound) to \(limit.upperBound)")
    }
  }

  func matrix(_ m: Matrix, _ rows: Int, _ columns: Int, _ path: String) throws {
    guard m.rows == rows, m.columns == columns else {
      throw fail("\(path) has shape [\(m.rows), \(m.columns)], expected [\(rows), \(columns)]")
    }
    try weights(m.values, rows * columns, path)
  }

  func matrices(_ list: [Matrix], _ count: Int, _ rows: Int, _ columns: Int, _ path: String) throws {
    guard list.count == count else { throw fail("\(path) has \(list.count) matrices, expected \(count)") }
    for m in list { try matrix(m, rows, columns, path) }
  }

  // MARK: - What all layers share

  func elements() throws {
    guard !model.species.isEmpty else { throw fail("species is empty") }
    for z in model.species { try check(z, ModelLimits.atomicNumber) }
    var seen: Set<Int> = []
    if let twice = model.species.first(where: { !seen.insert($0).inserted }) {
      throw fail("species holds \(twice) twice")
    }
    guard model.isolatedEnergies.count == species else {
      throw fail("E0 has \(model.isolatedEnergies.count) energies for \(species) species")
    }
    for energy in model.isolatedEnergies { try check(energy, ModelLimits.atomicEnergy) }
  }

  /// Cut-off and frequencies belong together: w_n = n pi / r_max, from where training moves them little.
  func radialBasis() throws {
    try check(model.cutoff, ModelLimits.cutoff)
    try check(model.radialBasis.prefactor, ModelLimits.besselPrefactor)
    try check(model.radialBasis.cutoffExponent, ModelLimits.cutoffExponent)
    let frequencies = model.radialBasis.frequencies
    try check(frequencies.count, ModelLimits.frequencies)
    for (n, w) in zip(1..., frequencies) {
      guard abs(w * model.cutoff / .pi - Double(n)) <= ModelLimits.frequencyShift else {
        throw fail(
          "bessel_frequencies holds \(w) 1/Angstrom as number \(n), expected about n pi / r_max = "
            + "\(Double(n) * .pi / model.cutoff) with r_max \(model.cutoff) Angstrom")
      }
    }
    // Multiples of the first to the last digit were never trained: they tell the cut-off that they were made for.
    let first = frequencies[0]
    func isEqual(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= ModelLimits.frequencyRounding * abs(b) }
    if frequencies.count > 1, zip(1..., frequencies).allSatisfy({ isEqual($1, Double($0) * first) }) {
      guard isEqual(.pi / first, model.cutoff) else {
        throw fail(
          "r_max is \(model.cutoff) Angstrom, but its bessel_frequencies are those of \(.pi / first) Angstrom"
        )
      }
    }
  }

  private func radii(_ radii: [Double], _ path: String) throws {
    guard radii.count == species else {
      throw fail("\(path)/radii has \(radii.count) numbers for \(species) species")
    }
    for radius in radii { try check(radius, ModelLimits.radius, "\(path)/radii: covalent radius") }
  }

  private func check(_ transform: Model.DistanceTransform) throws {
    try radii(transform.radii, "transform")
    switch transform.form {
    case .agnesi(let a, let p, let q):
      try check(a, ModelLimits.agnesiFactor, "transform: a")
      try check(p, ModelLimits.agnesiInner, "transform: p")
      try check(q, ModelLimits.agnesiOuter, "transform: q")
      guard q < p else { throw fail("transform: q is \(q), expected less than p, which is \(p)") }
    case .soft(let alpha): try check(alpha, ModelLimits.softSteepness, "transform: alpha")
    }
    guard !model.layers.contains(where: { $0.conserved != nil }) else {
      throw fail("a model with a transform of distances has no conserved sources: they know one radial basis")
    }
  }

  private func check(_ repulsion: Model.PairRepulsion) throws {
    try radii(repulsion.radii, "repulsion")
    try check(repulsion.amplitudes.count, ModelLimits.screeningTerms, "repulsion: number of amplitudes")
    guard repulsion.decays.count == repulsion.amplitudes.count else {
      throw fail(
        "repulsion/decays has \(repulsion.decays.count) numbers for \(repulsion.amplitudes.count) amplitudes")
    }
    for amplitude in repulsion.amplitudes {
      try check(amplitude, ModelLimits.screeningAmplitude, "repulsion/amplitudes: amplitude")
    }
    for decay in repulsion.decays { try check(decay, ModelLimits.screeningDecay, "repulsion/decays: decay") }
    try check(repulsion.coulomb, ModelLimits.coulomb, "repulsion: coulomb")
    try check(repulsion.length, ModelLimits.screeningLength, "repulsion: length")
    try check(repulsion.exponent, ModelLimits.screeningExponent, "repulsion: exponent")
    try check(repulsion.cutoffExponent, ModelLimits.cutoffExponent, "repulsion: cutoff_p")
  }

  func domain() throws {
    guard let domain = model.domain else { return }
    guard domain.atoms.count == species else {
      throw fail("domain/atoms has \(domain.atoms.count) numbers for \(species) species")
    }
    for count in domain.atoms { try check(count, ModelLimits.domainAtoms, "domain/atoms: number of atoms") }
    try matrix(domain.mean, species, channels, "domain/mean")
    try matrices(domain.whitening, species, channels, channels, "domain/whitening")
  }

  func attentionSettings() throws {
    let conserves = model.layers.contains { $0.conserved != nil }
    let attends = conserves || model.layers.contains { $0.attention != nil }
    guard let settings = model.attention else {
      guard !attends else {
        throw fail("a layer attends, but rsa, the settings of the attention, is missing")
      }
      return
    }
    guard attends else { throw fail("rsa: there are settings of an attention that no layer has") }
    try check(settings.width, ModelLimits.width, "rsa: width")
    guard settings.heads > 0, settings.width % settings.heads == 0 else {
      throw fail("rsa: a width of \(settings.width) does not divide into \(settings.heads) heads")
    }
    try check(
      settings.width * (settings.width / settings.heads), ModelLimits.columns, "rsa: width x head width")
    try check(settings.epsilon, ModelLimits.epsilon, "rsa: eps")
    try check(settings.sigmas.count, ModelLimits.sigmas, "rsa: number of sigmas")
    for sigma in settings.sigmas { try check(sigma, ModelLimits.sigma, "rsa: sigma") }
    if conserves { try conservingSettings(settings) }
  }

  /// Conserved sources are charges: each column one head, all with Coulomb's kernel of one sigma, none acting on itself.
  private func conservingSettings(_ settings: Model.AttentionSettings) throws {
    guard settings.heads == settings.width, settings.sigmas.count == 1, settings.kernelWeight == .coulomb,
      settings.subtractsSelf
    else {
      throw fail(
        "rsa: conserved sources have as many heads as columns, one sigma, weight coulomb and subtract_self 1; "
          + "found \(settings.heads) heads, width \(settings.width), \(settings.sigmas.count) sigmas, weight "
          + "\(settings.kernelWeight.rawValue), subtract_self \(settings.subtractsSelf ? 1 : 0)")
    }
    let energies = model.layers.count { $0.conserved?.use.name == .energy }
    guard energies <= 1 else {
      throw fail(
        "\(energies) layers have conserved sources of use energy; there is one set of charges at most")
    }
  }
}
