// Checks of one layer: degrees that can couple, matrices of the shapes that those degrees ask for.

extension ModelValidation {
  func layer(_ t: Int) throws {
    let (layer, path) = (model.layers[t], "layers/\(t)")
    try check(layer.inputLmax, ModelLimits.lmax, "\(path): input_lmax")
    try check(layer.outputLmax, Limit("", 0...model.lmax), "\(path): output_lmax")
    let entering = t == 0 ? 0 : model.layers[t - 1].outputLmax
    guard layer.inputLmax == entering else {
      throw fail(
        "\(path): input_lmax is \(layer.inputLmax), but the features that enter reach l = \(entering)")
    }
    try check(layer.linear.count, Limit("", 1...(model.lmax + 1)), "\(path)/linear: number of degrees")
    try paths(of: layer, path)
    try radialNetwork(of: layer, path)
    if let density = layer.density {
      try weights(density, model.radialBasis.frequencies.count, "\(path)/density")
    }

    let square = { (list: [Matrix], path: String) in
      for (l, m) in list.enumerated() { try matrix(m, channels, channels, "\(path)/\(l)") }
    }
    try count(layer.linearUp, layer.inputLmax + 1, "\(path)/linear_up")
    try square(layer.linearUp, "\(path)/linear_up")
    for (l, list) in layer.linear.enumerated() {
      let rows = layer.paths.count { $0.l3 == l } * channels
      try matrices(list, list.count == 1 ? 1 : species, rows, channels, "\(path)/linear/\(l)")
    }
    if !layer.skip.isEmpty {
      try count(layer.skip, min(layer.inputLmax, layer.outputLmax) + 1, "\(path)/skip")
      for (l, list) in layer.skip.enumerated() {
        try matrices(list, species, channels, channels, "\(path)/skip/\(l)")
      }
    }
    try count(layer.contraction, layer.outputLmax + 1, "\(path)/contraction")
    for (L, c) in layer.contraction.enumerated() {
      try contraction(c, to: L, messageLmax: layer.messageLmax, "\(path)/contraction/\(L)")
    }
    try count(layer.product, layer.outputLmax + 1, "\(path)/product")
    try square(layer.product, "\(path)/product")
    if let readout = layer.readout { try check(readout, "\(path)/readout") }
    if let attention = layer.attention, let settings = model.attention {
      try check(attention, settings, "\(path)/rsa")
    }
    if let conserved = layer.conserved, let settings = model.attention {
      guard layer.attention == nil else {
        throw fail("\(path) has both rsa and conserved, expected one of them at most")
      }
      try check(conserved, width: settings.width, "\(path)/conserved")
    }
  }

  private func count(_ list: [some Any], _ expected: Int, _ path: String) throws {
    guard list.count == expected else {
      throw fail("\(path) has \(list.count) degrees, expected \(expected)")
    }
  }

  // MARK: - Degrees

  private func isTriangle(_ a: Int, _ b: Int, _ c: Int) -> Bool { abs(a - b) <= c && c <= a + b }

  /// Every entry once, and each of them possible: degrees that couple, with a product even under inversion.
  private func couplings<Coupling: Hashable>(
    _ list: [Coupling], _ path: String, _ isPossible: (Coupling) -> Bool
  ) throws {
    if let wrong = list.first(where: { !isPossible($0) }) {
      throw fail("\(path) holds \(wrong), degrees that do not couple or are not there")
    }
    guard Set(list).count == list.count else { throw fail("\(path) holds an entry twice") }
  }

  private func paths(of layer: Model.Layer, _ path: String) throws {
    let (degrees, input) = (0...layer.messageLmax, 0...layer.inputLmax)
    try couplings(layer.paths, "\(path)/paths") { p in
      input.contains(p.l1) && (0...model.lmax).contains(p.l2) && degrees.contains(p.l3)
        && isTriangle(p.l1, p.l2, p.l3) && (p.l1 + p.l2 + p.l3) % 2 == 0
    }
    if let missing = degrees.first(where: { l in !layer.paths.contains { $0.l3 == l } }) {
      throw fail("\(path)/paths has none that ends at l = \(missing)")
    }
  }

  private func radialNetwork(of layer: Model.Layer, _ path: String) throws {
    try check(layer.radial.count, ModelLimits.depth, "\(path)/radial: number of matrices")
    var width = model.radialBasis.frequencies.count
    for (i, m) in layer.radial.enumerated() {
      let isLast = i + 1 == layer.radial.count
      if !isLast { try check(m.columns, ModelLimits.hiddenUnits, "\(path)/radial/\(i): columns") }
      let columns = isLast ? layer.paths.count * channels : m.columns
      try matrix(m, width, columns, "\(path)/radial/\(i)")
      width = columns
    }
  }

  // MARK: - Blocks

  private func contraction(_ c: Model.Contraction, to L: Int, messageLmax: Int, _ path: String) throws {
    let degrees = 0...messageLmax
    try matrix(c.weights1, species, channels, "\(path)/weights1")
    try couplings(c.pairs, "\(path)/pairs") { p in
      degrees.contains(p.l1) && degrees.contains(p.l2) && isTriangle(p.l1, p.l2, L)
        && (p.l1 + p.l2 + L) % 2 == 0
    }
    try couplings(c.triples, "\(path)/triples") { t in
      degrees.contains(t.l1) && degrees.contains(t.l2) && degrees.contains(t.l3)
        && isTriangle(t.l1, t.l2, t.l12) && isTriangle(t.l12, t.l3, L) && (t.l1 + t.l2 + t.l3 + L) % 2 == 0
    }
    let components = 0..<((messageLmax + 1) * (messageLmax + 1))
    try couplings(c.rounding, "\(path)/rounding") { m in
      (0...(2 * L)).contains(m.component) && (1...3).contains(m.factors.count)
        && m.factors.allSatisfy(components.contains)
    }
    for (list, weights, name) in [
      (c.pairs.count, c.weights2, "weights2"), (c.triples.count, c.weights3, "weights3"),
      (c.rounding.count, c.roundingWeights, "rounding_weights"),
    ] where list > 0 || !weights.isEmpty {
      try matrices(weights, species, list, channels, "\(path)/\(name)")
    }
  }

  private func check(_ readout: Model.Readout, _ path: String) throws {
    switch readout {
    case .linear(let w): try weights(w, channels, "\(path)/weights")
    case .network(let hidden, let w):
      try check(hidden.columns, ModelLimits.hiddenUnits, "\(path)/w1: columns")
      try matrix(hidden, channels, hidden.columns, "\(path)/w1")
      try weights(w, hidden.columns, "\(path)/w2")
    }
  }

  private func check(_ a: Model.Attention, _ settings: Model.AttentionSettings, _ path: String) throws {
    try matrix(a.filter, settings.heads, settings.sigmas.count, "\(path)/filter")
    for (m, name) in [(a.query, "W_q"), (a.key, "W_k"), (a.value, "W_v")] {
      try matrix(m, channels, settings.width, "\(path)/\(name)")
    }
    try matrix(a.output, settings.width, channels, "\(path)/W_o")
    if let gate = a.gate { try matrix(gate, settings.width, channels, "\(path)/W_g") }
  }
  private func check(_ c: Model.ConservedSources, width: Int, _ path: String) throws {
    let basis = model.radialBasis.frequencies.count
    try matrix(c.constants, species, width, "\(path)/xbar")
    try matrix(c.transferA, channels, width, "\(path)/W_a")
    try matrix(c.transferB, channels, width, "\(path)/W_b")
    try matrix(c.transferRadial, basis, width, "\(path)/W_r")
    switch c.use {
    case .attention(let query, let output):
      try matrix(query, channels, width, "\(path)/W_q")
      try matrix(output, width, channels, "\(path)/W_o")
    case .difference(let query, let output, let radial):
      try matrix(query, channels, width, "\(path)/W_q")
      try matrix(output, width, channels, "\(path)/W_o")
      try matrix(radial, basis, width, "\(path)/W_p")
    case .energy(let energyWeights): try weights(energyWeights, width, "\(path)/s")
    }
    if let dispersion = c.dispersion {
      guard c.use.name == .energy else {
        throw fail("\(path) has dispersion, but its use is \(c.use.name.rawValue), not energy")
      }
      try check(dispersion.sigma, ModelLimits.sigma, "\(path)/dispersion: sigma")
      try weights(dispersion.constants, species, "\(path)/dispersion/ybar")
      try matrix(dispersion.features, channels, 1, "\(path)/dispersion/W_y")
    }
    guard let references = c.references else { return }
    try check(references.charges.count, ModelLimits.referenceParts, "\(path): number of parts in Q")
    for charge in references.charges { try check(charge, ModelLimits.referenceCharge, "\(path)/Q: charge") }
    try matrix(references.compositions, references.charges.count, species, "\(path)/M")
    for count in references.compositions.values {
      try check(count, ModelLimits.referenceAtoms, "\(path)/M: number of atoms")
    }
    try weights(references.columns, width, "\(path)/c")
  }
}
