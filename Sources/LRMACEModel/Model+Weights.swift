// The arrays of a model that training changes, as one vector: block after block, each a dataset of the model file by its
// name there, row-major. Elements, isolated energies, scale, shift, the radial basis, a transform of distances and a repulsion
// stay what they are, and so do the rounding terms of a contraction and the filter of an attention that has one width alone.

extension Model {
  /// One dataset of the model file among the weights.
  public struct WeightBlock: Sendable, Hashable {
    /// `layers/0/linear_up/1`.
    public let name: String
    public let shape: [Int]
    /// Where its values lie in `weights`.
    public let range: Range<Int>
  }

  public var weightBlocks: [WeightBlock] {
    var blocks: [WeightBlock] = []
    var model = self
    model.forEachWeight { name, shape, parts in
      let first = blocks.last?.range.upperBound ?? 0
      blocks.append(
        WeightBlock(name: name, shape: shape, range: first..<first + parts.reduce(0) { $0 + $1.count }))
    }
    return blocks
  }

  /// All values, in the order of `weightBlocks`.
  public var weights: [Double] {
    get {
      var values: [Double] = []
      var model = self
      model.forEachWeight { _, _, parts in
        for part in parts { values += part }
      }
      return values
    }
    set {
      var next = 0
      forEachWeight { _, _, parts in
        for n in parts.indices {
          parts[n] = Array(newValue[next..<next + parts[n].count])
          next += parts[n].count
        }
      }
    }
  }

  /// Calls `body` with name and shape of every block and the values of the matrices that it stacks.
  private mutating func forEachWeight(
    _ body: (_ name: String, _ shape: [Int], _ parts: inout [[Double]]) -> Void
  ) {
    func visit(_ name: String, _ matrix: inout Matrix) {
      var parts = [matrix.values]
      body(name, [matrix.rows, matrix.columns], &parts)
      matrix.values = parts[0]
    }
    func visit(_ name: String, _ stack: inout [Matrix]) {
      guard let first = stack.first else { return }
      var parts = stack.map(\.values)
      body(name, [stack.count, first.rows, first.columns], &parts)
      for n in stack.indices { stack[n].values = parts[n] }
    }
    func visit(_ name: String, _ vector: inout [Double]) {
      var parts = [vector]
      body(name, [vector.count], &parts)
      vector = parts[0]
    }

    visit("embedding", &embedding)
    for t in layers.indices {
      let path = "layers/\(t)"
      for i in layers[t].radial.indices { visit("\(path)/radial/\(i)", &layers[t].radial[i]) }
      if var density = layers[t].density {
        visit("\(path)/density", &density)
        layers[t].density = density
      }
      for l in layers[t].linearUp.indices { visit("\(path)/linear_up/\(l)", &layers[t].linearUp[l]) }
      for l in layers[t].linear.indices { visit("\(path)/linear/\(l)", &layers[t].linear[l]) }
      for l in layers[t].skip.indices { visit("\(path)/skip/\(l)", &layers[t].skip[l]) }
      for L in layers[t].contraction.indices {
        let path = "\(path)/contraction/\(L)"
        visit("\(path)/weights1", &layers[t].contraction[L].weights1)
        if !layers[t].contraction[L].pairs.isEmpty {
          visit("\(path)/weights2", &layers[t].contraction[L].weights2)
        }
        if !layers[t].contraction[L].triples.isEmpty {
          visit("\(path)/weights3", &layers[t].contraction[L].weights3)
        }
      }
      for L in layers[t].product.indices { visit("\(path)/product/\(L)", &layers[t].product[L]) }
      switch layers[t].readout {
      case .linear(var weights):
        visit("\(path)/readout/weights", &weights)
        layers[t].readout = .linear(weights)
      case .network(var hidden, var weights):
        visit("\(path)/readout/w1", &hidden)
        visit("\(path)/readout/w2", &weights)
        layers[t].readout = .network(hidden: hidden, weights: weights)
      case nil: break
      }
      if var attention = layers[t].attention {
        if attention.filter.columns > 1 { visit("\(path)/rsa/filter", &attention.filter) }
        visit("\(path)/rsa/W_q", &attention.query)
        visit("\(path)/rsa/W_k", &attention.key)
        visit("\(path)/rsa/W_v", &attention.value)
        visit("\(path)/rsa/W_o", &attention.output)
        if var gate = attention.gate {
          visit("\(path)/rsa/W_g", &gate)
          attention.gate = gate
        }
        layers[t].attention = attention
      }
      guard var sources = layers[t].conserved else { continue }
      let group = "\(path)/conserved"
      visit("\(group)/xbar", &sources.constants)
      visit("\(group)/W_a", &sources.transferA)
      visit("\(group)/W_b", &sources.transferB)
      visit("\(group)/W_r", &sources.transferRadial)
      switch sources.use {
      case .attention(var query, var output):
        visit("\(group)/W_q", &query)
        visit("\(group)/W_o", &output)
        sources.use = .attention(query: query, output: output)
      case .difference(var query, var output, var radial):
        visit("\(group)/W_q", &query)
        visit("\(group)/W_o", &output)
        visit("\(group)/W_p", &radial)
        sources.use = .difference(query: query, output: output, radial: radial)
      case .energy(var weights):
        visit("\(group)/s", &weights)
        sources.use = .energy(weights: weights)
      }
      if var dispersion = sources.dispersion {
        visit("\(group)/dispersion/ybar", &dispersion.constants)
        visit("\(group)/dispersion/W_y", &dispersion.features)
        sources.dispersion = dispersion
      }
      layers[t].conserved = sources
    }
  }
}
