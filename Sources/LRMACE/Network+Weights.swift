// dE/d(weights) of the configuration that was evaluated last, from what the layers kept on their way forward and back:
//   of matrices that act on rows                                               WeightSums
//   of radial functions and linear layer of the messages                      Convolution+Weights
//   of the density that these are divided by                                  DensityNormalization
//   of the polynomials of the messages                                        SymmetricContraction+Weights
//   of the long-range blocks                                                  LongRangeBlock

import Kernels
import LRMACEModel

/// What gradients by weights need of the way forward and back, of all atoms: B, dE/dA and dE/dx of every layer.
final class KeptGradients<T: KernelScalar> {
  private let layers: [(products: Workspace<T>, messages: Workspace<T>, inputs: Workspace<T>)]
  private let channels: Int
  let sums: WeightSums<T>
  /// Of every thread, of one layer: of the messages' splines and linear layers, and of the contraction.
  fileprivate let splines = Workspace<T>()
  fileprivate let linear = Workspace<T>()
  fileprivate let contraction = Workspace<T>()
  fileprivate let hidden = Workspace<T>()

  init(_ model: Model, channels: Int, threads: Int) {
    layers = model.layers.map { _ in (Workspace(), Workspace(), Workspace()) }
    self.channels = channels
    sums = WeightSums(model, threads: threads)
  }

  func reserve(layer t: Int, _ layer: NetworkLayer<T>, atoms: Int) {
    func count(_ lmax: Int) -> Int { Features<T>.count(atoms: atoms, channels: channels, lmax: lmax) }
    layers[t].products.reserve(count(layer.outputLmax))
    layers[t].messages.reserve(count(layer.messageLmax))
    layers[t].inputs.reserve(count(layer.inputLmax))
  }

  func products(layer t: Int, _ atoms: Int) -> Features<T> { view(layers[t].products, atoms) }
  func messageGradients(layer t: Int, _ atoms: Int) -> Features<T> { view(layers[t].messages, atoms) }
  func inputGradients(layer t: Int, _ atoms: Int) -> Features<T> { view(layers[t].inputs, atoms) }

  private func view(_ memory: Workspace<T>, _ atoms: Int) -> Features<T> {
    Features(base: memory.pointer, atoms: atoms, channels: channels)
  }
}

extension Network {
  func zeroGradient() -> WeightGradient {
    WeightGradient(weights: Array(repeating: 0, count: model.weightBlocks.last?.range.upperBound ?? 0))
  }

  /// Adds `factor` dE/d(weights) of the configuration that `evaluate` has seen last.
  func addWeightGradient(factor: Double, to gradient: inout WeightGradient) {
    guard let kept else { preconditionFailure("the network was not compiled for gradients") }
    kept.sums.add(to: &gradient, factor: factor) {
      for t in layers.indices { addWeightGradients(layer: t, kept) }
      kept.sums.leaveLayers()
      kept.sums.add("embedding", embeddingGradient())
    }
  }

  private func addWeightGradients(layer t: Int, _ kept: KeptGradients<T>) {
    let (layer, sums) = (layers[t], kept.sums)
    let (h, dnext) = (view(features[t]), view(featureGradients[t + 1]))
    let (b, dx) = (kept.products(layer: t, atoms), kept.inputGradients(layer: t, atoms))
    sums.enter(layer: t)
    for (L, matrix) in layer.product.enumerated() {
      sums.addProduct("product/\(L)", b.degree(L), dnext.degree(L), like: matrix, rows: atoms * (2 * L + 1))
    }
    for (L, matrices) in layer.skip.enumerated() {
      for z in elements {
        let range = atoms(of: z)
        sums.addProduct(
          "skip/\(L)", part: z, h.row(L, range.lowerBound), dnext.row(L, range.lowerBound),
          like: matrices[z], rows: range.count * (2 * L + 1))
      }
    }
    for (l, matrix) in layer.linearUp.enumerated() {
      sums.addProduct("linear_up/\(l)", h.degree(l), dx.degree(l), like: matrix, rows: atoms * (2 * l + 1))
    }
    addReadoutGradient(t, kept)
    addMessageGradients(t, layer, kept)
    if let density = layer.density {
      let (sources, scratch) = (sources(t), scratch)
      sums.addSpline("density", density.radial, functions: 1, blocks, shares) { block, thread, sum in
        density.addWeightGradients(block, of: sources, scratch: scratch[thread].messages, to: sum)
      }
    }
    attention?.addWeightGradients(
      layer: t, longRangeStep(t), gradient: dnext, features: features[t].pointer, to: sums)
  }

  /// dE/dh entering the first layer, summed over the atoms of each element.
  private func embeddingGradient() -> [Double] {
    let (dh, width) = (featureGradients[0].pointer, model.channels)
    var gradient = [Double](repeating: 0, count: model.species.count * width)
    for i in 0..<atoms {
      for c in 0..<width { gradient[species[i] * width + c] += Double(dh[i * channels + c]) }
    }
    return gradient
  }

  /// Those of an element, which are contiguous.
  private func atoms(of element: Int) -> Range<Int> {
    let first = species.firstIndex(of: element) ?? 0
    let last = species.lastIndex(of: element).map { $0 + 1 } ?? first
    return first..<last
  }

  /// Radial functions, linear layer and contraction, block by block, each thread for itself.
  private func addMessageGradients(_ t: Int, _ layer: NetworkLayer<T>, _ kept: KeptGradients<T>) {
    guard let convolution = layer.messages as? Convolution<T> else { return }
    let matrices = convolution.linear.matrices
    let (splineCount, weightCount) = (convolution.radial.gradientCount, layer.contraction.weights.capacity)
    let linearCount = matrices.joined().reduce(0) { $0 + $1.rows * $1.columns }
    let workers = workers
    let sums = [(kept.splines, splineCount), (kept.linear, linearCount), (kept.contraction, weightCount)]
    for (memory, count) in sums { memory.reserve(workers * count) }
    let (a, dnext, da) = (
      view(messages[t]), view(featureGradients[t + 1]), kept.messageGradients(layer: t, atoms)
    )
    let (blocks, scratch, sources, channels) = (blocks, scratch, sources(t), channels)
    parallel(shares) { thread, range in
      // By the thread that adds: memory that another core has just written takes longer to come than all that is added there.
      for (memory, count) in sums { (memory.pointer + thread * count).update(repeating: 0, count: count) }
      let s = scratch[thread]
      var next = kept.linear.pointer + thread * linearCount
      let linear = matrices.map {
        $0.map { matrix in
          defer { next += matrix.rows * matrix.columns }
          return next
        }
      }
      for block in blocks[range] {
        let (first, count) = (block.atoms.lowerBound, block.atoms.count)
        let db = Features<T>(base: s.products.pointer, atoms: count, channels: channels)
        for L in 0...layer.outputLmax {
          layer.product[L].applyAdjoint(dnext.row(L, first), rows: count * (2 * L + 1), into: db.degree(L))
        }
        for i in block.atoms {
          layer.contraction.addWeightGradient(
            species: block.species, a: a, i, bGradient: db, i - first, scratch: s.contraction[t],
            to: kept.contraction.pointer + thread * weightCount)
        }
        let daBlock = Features<T>(base: s.messageGradients.pointer, atoms: count, channels: channels)
        for l in 0...layer.messageLmax {
          daBlock.degree(l).update(from: da.row(l, first), count: count * (2 * l + 1) * channels)
        }
        convolution.addWeightGradients(
          block, of: sources, scratch: s.messages, aGradient: daBlock,
          radialGradient: kept.splines.pointer + thread * splineCount, linearGradients: linear)
      }
    }
    kept.sums.addSpline(
      "radial", convolution.radial, functions: model.channels, kept.splines.pointer, parts: workers)
    for thread in 0..<workers {
      var next = kept.linear.pointer + thread * linearCount
      for (l, centres) in matrices.enumerated() {
        for (z, matrix) in centres.enumerated() {
          kept.sums.add(
            "linear/\(l)", part: z, next, matrix.shape, stride: matrix.columns, columns: matrix.shape.columns)
          next += matrix.rows * matrix.columns
        }
      }
      addContractionGradient(t, layer.contraction, kept.contraction.pointer + thread * weightCount, kept.sums)
    }
  }

  /// Rows of weights as `ContractionPrograms` puts them.
  private func addContractionGradient(
    _ t: Int, _ contraction: SymmetricContraction<T>, _ values: UnsafePointer<T>, _ sums: WeightSums<T>
  ) {
    let padded = contraction.channels
    for s in model.species.indices {
      var row = values + s * contraction.weightCount * padded
      func add(_ name: String, terms: Int) {
        let shape = PackedShape(rows: terms, columns: model.channels, rowBlock: 1, paddedRowBlock: 1)
        sums.add(name, part: s, row, shape, stride: padded, columns: model.channels)
        row += terms * padded
      }
      for (L, polynomials) in model.layers[t].contraction.enumerated() {
        if L <= contraction.lmax { add("contraction/\(L)/weights1", terms: 1) }
        if !polynomials.pairs.isEmpty { add("contraction/\(L)/weights2", terms: polynomials.pairs.count) }
        if !polynomials.triples.isEmpty { add("contraction/\(L)/weights3", terms: polynomials.triples.count) }
      }
    }
  }

  /// With z = h0 W and e = silu(z) . w:  dw = scale silu(z),  dW = h0^T (scale silu'(z) w).
  private func addReadoutGradient(_ t: Int, _ kept: KeptGradients<T>) {
    let h = view(features[t + 1])
    let (width, scale) = (model.channels, model.scale)
    switch model.layers[t].readout {
    case .linear:
      var dw = [Double](repeating: 0, count: width)
      for i in 0..<atoms {
        let row = h.row(0, i)
        for c in 0..<width { dw[c] += scale * Double(row[c]) }
      }
      kept.sums.add("readout/weights", dw)
    case .network(let matrix, let weights):
      let units = matrix.columns
      var (dMatrix, dw) = (Matrix(rows: width, columns: units), [Double](repeating: 0, count: units))
      let z = kept.hidden.reserve(units)
      for i in 0..<atoms {
        let row = h.row(0, i)
        readouts[t]?.hidden(row, into: z)
        for n in 0..<units {
          let s = silu(Double(z[n]))
          dw[n] += scale * s.value
          z[n] = T(scale * s.first * weights[n])
        }
        for c in 0..<width {
          let x = Double(row[c])
          for n in 0..<units { dMatrix[c, n] += x * Double(z[n]) }
        }
      }
      kept.sums.add("readout/w1", dMatrix.values)
      kept.sums.add("readout/w2", dw)
    case nil: break
    }
  }
}
