// Training can leave whole paths with weights of 1e-38: they cost as much as live ones and add nothing. A degree of the
// messages above which every path is dead is left out, with the polynomials that use it.

import LRMACEModel

extension Model {
  /// Below this every product with a path's messages underflows; live weights are 30 orders of magnitude larger.
  private static let deadWeight = 1e-30

  /// The same energies from a layer's live degrees alone.
  func withoutDeadPaths() -> Model {
    var model = self
    for t in layers.indices {
      let layer = layers[t]
      func isAlive(_ l: Int) -> Bool {
        layer.linear[l].contains { $0.values.contains { abs($0) > Self.deadWeight } }
      }
      let highest = (0...layer.messageLmax).last(where: isAlive) ?? 0
      guard highest < layer.messageLmax else { continue }
      model.layers[t] = layer.keepingMessages(upTo: highest, channels: channels)
    }
    return model
  }
}

extension Model.Layer {
  /// Drops the paths to degrees above `lmax` and the polynomials of them.
  fileprivate func keepingMessages(upTo lmax: Int, channels: Int) -> Model.Layer {
    var layer = self
    let kept = paths.indices.filter { paths[$0].l3 <= lmax }
    layer.paths = kept.map { paths[$0] }
    layer.linear = Array(linear[0...lmax])
    let last = radial[radial.count - 1]
    var columns = Matrix(rows: last.rows, columns: kept.count * channels)
    for (k, p) in kept.enumerated() {
      for row in 0..<last.rows {
        for c in 0..<channels { columns[row, k * channels + c] = last[row, p * channels + c] }
      }
    }
    layer.radial[radial.count - 1] = columns
    layer.contraction = contraction.map { $0.keepingMessages(upTo: lmax) }
    return layer
  }
}

extension Model.Contraction {
  fileprivate func keepingMessages(upTo lmax: Int) -> Model.Contraction {
    func rows(_ matrices: [Matrix], _ kept: [Int]) -> [Matrix] {
      matrices.map { matrix in
        Matrix(
          rows: kept.count, columns: matrix.columns, values: kept.flatMap { matrix.rows($0, count: 1).values }
        )
      }
    }
    let keptPairs = pairs.indices.filter { max(pairs[$0].l1, pairs[$0].l2) <= lmax }
    let keptTriples = triples.indices.filter { max(triples[$0].l1, triples[$0].l2, triples[$0].l3) <= lmax }
    let keptRounding = rounding.indices.filter {
      rounding[$0].factors.allSatisfy { $0 < (lmax + 1) * (lmax + 1) }
    }
    var contraction = self
    contraction.pairs = keptPairs.map { pairs[$0] }
    contraction.weights2 = rows(weights2, keptPairs)
    contraction.triples = keptTriples.map { triples[$0] }
    contraction.weights3 = rows(weights3, keptTriples)
    contraction.rounding = keptRounding.map { rounding[$0] }
    contraction.roundingWeights = rows(roundingWeights, keptRounding)
    return contraction
  }
}
