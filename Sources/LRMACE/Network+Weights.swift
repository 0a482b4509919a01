// dE/d(weights) of the configuration that was evaluated last: from what the layers kept on their way forward and back,
//   of a matrix that acts on rows, y = x W                                     dW = sum of x^T dy      (MatrixGradient)
//   of radial functions and linear layer of the messages                      Convolution+Weights
//   of the polynomials of the messages                                        SymmetricContraction+Weights
//   of attention and readouts                                                 below
// Sums over atoms are in kernel precision, threads in their fixed order; what is handed over is in double precision.

import Kernels
import LRMACEModel
import Reciprocal

/// What gradients by weights need of the way forward and back, of all atoms: B, dE/dA and dE/dx of every layer.
final class KeptGradients<T: KernelScalar> {
  private let storage: [(products: Workspace<T>, messages: Workspace<T>, inputs: Workspace<T>)]
  private var channels = 0
  private var memory: NetworkGradient<T>?

  init(layers: Int) { storage = (0..<layers).map { _ in (Workspace(), Workspace(), Workspace()) } }

  func reserve(layer t: Int, _ layer: NetworkLayer<T>, atoms: Int, channels: Int) {
    func count(_ lmax: Int) -> Int { Features<T>.count(atoms: atoms, channels: channels, lmax: lmax) }
    self.channels = channels
    storage[t].products.reserve(count(layer.outputLmax))
    storage[t].messages.reserve(count(layer.messageLmax))
    storage[t].inputs.reserve(count(layer.inputLmax))
  }

  /// Forgets what belongs to weights that are no longer there.
  func reset() { memory = nil }

  func sums(of network: Network<T>) -> NetworkGradient<T> {
    let sums = memory ?? NetworkGradient(network)
    memory = sums
    return sums
  }

  func products(layer t: Int, _ atoms: Int) -> Features<T> { view(storage[t].products, atoms) }
  func messageGradients(layer t: Int, _ atoms: Int) -> Features<T> { view(storage[t].messages, atoms) }
  func inputGradients(layer t: Int, _ atoms: Int) -> Features<T> { view(storage[t].inputs, atoms) }

  private func view(_ memory: Workspace<T>, _ atoms: Int) -> Features<T> {
    Features(base: memory.pointer, atoms: atoms, channels: channels)
  }
}

/// Sum of dE/d(weights) over configurations, each with its factor.
public struct WeightGradient: Sendable {
  /// As `Model.weights`; those of the radial networks come in `finished`.
  var weights: [Double]
  /// dE/d(coefficients) of the radial functions of each layer, [knot][function].
  var splines: [[Double]]
}

/// Memory for the gradients of one network.
final class NetworkGradient<T: KernelScalar> {
  fileprivate struct Layer {
    let radial: Workspace<T>
    let contraction: Workspace<T>
    let linearUp: [MatrixGradient<T>]
    let linear: [[MatrixGradient<T>]]
    let skip: [[MatrixGradient<T>]]
    let product: [MatrixGradient<T>]
    let projection: MatrixGradient<T>?
    let output: MatrixGradient<T>?
    let gate: MatrixGradient<T>?
  }

  fileprivate let layers: [Layer]
  fileprivate let hidden = Workspace<T>()
  /// First value of each block of `Model.weights`.
  fileprivate let offsets: [String: Int]

  init(_ network: Network<T>) {
    let threads = network.threads
    offsets = Dictionary(
      uniqueKeysWithValues: network.model.weightBlocks.map { ($0.name, $0.range.lowerBound) })
    layers = network.layers.enumerated().map { t, layer in
      let messages = layer.messages as? Convolution<T>
      let attention = network.attention?.blocks[t]
      return Layer(
        radial: Workspace(capacity: threads * (messages?.radial.gradientCount ?? 0)),
        contraction: Workspace(capacity: threads * layer.contraction.weights.capacity),
        linearUp: layer.linearUp.map { MatrixGradient($0) },
        linear: messages?.linear.matrices.map { $0.map { MatrixGradient($0[0], parts: threads) } } ?? [],
        skip: layer.skip.map { $0.map { MatrixGradient($0) } },
        product: layer.product.map { MatrixGradient($0) },
        projection: attention.map { MatrixGradient($0.projection) },
        output: attention.map { MatrixGradient($0.output) },
        gate: attention?.gate.map { MatrixGradient($0) })
    }
  }
}

extension Network {
  func zeroGradient() -> WeightGradient {
    WeightGradient(
      of: model,
      splines: layers.map {
        guard let messages = $0.messages as? Convolution<T> else { return 0 }
        return (messages.radial.intervals + 5) * messages.radial.functions / channels * model.channels
      })
  }

  /// Adds `factor` dE/d(weights) of the configuration that `evaluate` has seen last.
  func addWeightGradient(factor: Double, to gradient: inout WeightGradient) {
    guard let kept else { preconditionFailure("the network was not compiled for gradients") }
    let memory = kept.sums(of: self)
    for t in layers.indices {
      let (layer, sums) = (layers[t], memory.layers[t])
      let (h, dnext) = (view(features[t]), view(featureGradients[t + 1]))
      let (b, dx) = (kept.products(layer: t, atoms), kept.inputGradients(layer: t, atoms))
      let path = "layers/\(t)"
      func offset(_ name: String) -> Int { memory.offsets["\(path)/\(name)"] ?? 0 }

      for (L, product) in sums.product.enumerated() {
        product.setProduct(b.degree(L), dnext.degree(L), rows: atoms * (2 * L + 1), threads: threads)
        product.add(to: &gradient.weights, at: offset("product/\(L)"), factor: factor)
      }
      for (L, skip) in sums.skip.enumerated() {
        for (s, matrix) in skip.enumerated() {
          let range = atoms(of: s)
          guard !range.isEmpty else { continue }
          matrix.setProduct(
            h.row(L, range.lowerBound), dnext.row(L, range.lowerBound), rows: range.count * (2 * L + 1),
            threads: threads)
          matrix.add(
            to: &gradient.weights, at: offset("skip/\(L)") + s * matrix.shape.rows * matrix.shape.columns,
            factor: factor)
        }
      }
      for (l, matrix) in sums.linearUp.enumerated() {
        matrix.setProduct(h.degree(l), dx.degree(l), rows: atoms * (2 * l + 1), threads: threads)
        matrix.add(to: &gradient.weights, at: offset("linear_up/\(l)"), factor: factor)
      }
      addReadoutGradient(t, memory, offset: offset, factor: factor, to: &gradient.weights)
      addAttentionGradients(t, sums, offset: offset, factor: factor, to: &gradient.weights)
      addMessageGradients(t, layer, sums, kept: kept)
      if let convolution = layer.messages as? Convolution<T> {
        let count = convolution.radial.gradientCount
        for thread in 0..<min(threads, blocks.count) {
          convolution.radial.addGradient(
            sums.radial.pointer + thread * count, modelChannels: model.channels, factor: factor,
            to: &gradient.splines[t])
        }
      }
      for (l, species) in sums.linear.enumerated() {
        for (s, matrix) in species.enumerated() {
          matrix.add(
            to: &gradient.weights, at: offset("linear/\(l)") + s * matrix.shape.rows * matrix.shape.columns,
            factor: factor)
        }
      }
      addContractionGradient(
        t, layer.contraction, sums, offset: offset, factor: factor, to: &gradient.weights)
    }
    let (dh, width) = (featureGradients[0].pointer, model.channels)
    let first = memory.offsets["embedding"] ?? 0
    for i in 0..<atoms {
      for c in 0..<width {
        gradient.weights[first + species[i] * width + c] += factor * Double(dh[i * channels + c])
      }
    }
  }

  /// Those of an element, which are contiguous.
  private func atoms(of element: Int) -> Range<Int> {
    let first = species.firstIndex(of: element) ?? 0
    let last = species.lastIndex(of: element).map { $0 + 1 } ?? first
    return first..<last
  }

  /// Radial functions, linear layer and contraction, block by block.
  private func addMessageGradients(
    _ t: Int, _ layer: NetworkLayer<T>, _ sums: NetworkGradient<T>.Layer, kept: KeptGradients<T>
  ) {
    guard let convolution = layer.messages as? Convolution<T> else { return }
    let radialCount = convolution.radial.gradientCount
    let weightCount = layer.contraction.weights.capacity
    sums.radial.fill(0, count: threads * radialCount)
    sums.contraction.fill(0, count: threads * weightCount)
    for matrix in sums.linear.joined() { matrix.clear() }
    let (a, dnext, da) = (
      view(messages[t]), view(featureGradients[t + 1]), kept.messageGradients(layer: t, atoms)
    )
    let (blocks, scratch, sources, channels) = (blocks, scratch, sources(t), channels)
    parallel(threads: threads, count: blocks.count) { thread, range in
      let s = scratch[thread]
      let linear = sums.linear.map { $0.map { $0.part(thread) } }
      for block in blocks[range] {
        let (first, count) = (block.atoms.lowerBound, block.atoms.count)
        let db = Features<T>(base: s.products.pointer, atoms: count, channels: channels)
        for l in 0...layer.outputLmax {
          layer.product[l].applyAdjoint(dnext.row(l, first), rows: count * (2 * l + 1), into: db.degree(l))
        }
        for i in block.atoms {
          layer.contraction.addWeightGradient(
            species: block.species, a: a, i, bGradient: db, i - first, scratch: s.contraction[t],
            to: sums.contraction.pointer + thread * weightCount)
        }
        let daBlock = Features<T>(base: s.messageGradients.pointer, atoms: count, channels: channels)
        for l in 0...layer.messageLmax {
          daBlock.degree(l).update(from: da.row(l, first), count: count * (2 * l + 1) * channels)
        }
        convolution.addWeightGradients(
          block, of: sources, scratch: s.messages, aGradient: daBlock,
          radialGradient: sums.radial.pointer + thread * radialCount, linearGradients: linear)
      }
    }
  }

  /// Rows of weights as `ContractionPrograms` puts them.
  private func addContractionGradient(
    _ t: Int, _ contraction: SymmetricContraction<T>, _ sums: NetworkGradient<T>.Layer,
    offset: (String) -> Int, factor: Double, to gradient: inout [Double]
  ) {
    let (width, padded, count) = (model.channels, contraction.channels, contraction.weightCount)
    func add(_ row: Int, _ s: Int, to target: Int) {
      for thread in 0..<threads {
        let source =
          sums.contraction.pointer + thread * contraction.weights.capacity + (s * count + row) * padded
        for c in 0..<width { gradient[target + c] += factor * Double(source[c]) }
      }
    }
    for s in model.species.indices {
      var row = 0
      for (L, polynomials) in model.layers[t].contraction.enumerated() {
        let path = "contraction/\(L)"
        if L <= contraction.lmax {
          add(row, s, to: offset("\(path)/weights1") + s * width)
          row += 1
        }
        for (name, terms) in [("weights2", polynomials.pairs.count), ("weights3", polynomials.triples.count)]
        {
          for n in 0..<terms {
            add(row, s, to: offset("\(path)/\(name)") + (s * terms + n) * width)
            row += 1
          }
        }
      }
    }
  }

  /// With z = h0 W and e = silu(z) . w:  dw = scale silu(z),  dW = h0^T (scale silu'(z) w).
  private func addReadoutGradient(
    _ t: Int, _ memory: NetworkGradient<T>, offset: (String) -> Int, factor: Double,
    to gradient: inout [Double]
  ) {
    let h = view(features[t + 1])
    let (width, scale) = (model.channels, factor * model.scale)
    switch model.layers[t].readout {
    case .linear:
      let first = offset("readout/weights")
      for i in 0..<atoms {
        let row = h.row(0, i)
        for c in 0..<width { gradient[first + c] += scale * Double(row[c]) }
      }
    case .network(let matrix, let weights):
      let (first, second) = (offset("readout/w1"), offset("readout/w2"))
      let units = matrix.columns
      let z = memory.hidden.reserve(units)
      for i in 0..<atoms {
        let row = h.row(0, i)
        readouts[t]?.hidden(row, into: z)
        for n in 0..<units {
          let s = silu(Double(z[n]))
          gradient[second + n] += scale * s.value
          z[n] = T(scale * s.first * weights[n])
        }
        for c in 0..<width {
          let x = Double(row[c])
          for n in 0..<units { gradient[first + c * units + n] += x * Double(z[n]) }
        }
      }
    case nil: break
    }
  }

  /// Projections to q, k, v side by side, then W_o, W_g and the filter.
  private func addAttentionGradients(
    _ t: Int, _ sums: NetworkGradient<T>.Layer, offset: (String) -> Int, factor: Double,
    to gradient: inout [Double]
  ) {
    guard let attention, let block = attention.blocks[t], let projection = sums.projection else { return }
    projection.setProduct(features[t].pointer, block.projected.pointer, rows: atoms, threads: threads)
    for (n, name) in ["rsa/W_q", "rsa/W_k", "rsa/W_v"].enumerated() {
      projection.add(
        to: &gradient, at: offset(name), factor: factor, columns: n * block.width..<(n + 1) * block.width)
    }
    let u = UnsafePointer(block.u.pointer)
    let outputGradient =
      sums.gate == nil ? featureGradients[t + 1].pointer : block.outputGradient.pointer
    sums.output?.setProduct(u, outputGradient, rows: atoms, threads: threads)
    sums.output?.add(to: &gradient, at: offset("rsa/W_o"), factor: factor)
    sums.gate?.setProduct(u, block.gateGradient.pointer, rows: atoms, threads: threads)
    sums.gate?.add(to: &gradient, at: offset("rsa/W_g"), factor: factor)
    guard block.filter.count > block.heads else { return }
    let first = offset("rsa/filter")
    let filter = attention.sum.filterGradient(
      layer: block.index, q: block.q.pointer, k: block.k.pointer, v: block.v.pointer, du: block.du.pointer)
    for (n, value) in filter.enumerated() { gradient[first + n] += factor * value }
  }
}
