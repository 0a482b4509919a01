// Where a network adds dE/d(weights) up, under the names of `Model.weightBlocks`. Sums over the atoms of a configuration are
// in kernel precision, those over configurations in double precision:
//   y = x W           dW = sum over rows of x^T dy
//   R_f(r), a spline  dE/dc, a sum over edges on its coefficients; the network behind it follows once (`WeightGradient.finished`)

import Kernels
import LRMACEModel

/// Sum of dE/d(weights) over configurations, each with its factor.
public struct WeightGradient: Sendable {
  /// As `Model.weights`, without what lies behind splines.
  var weights: [Double]
  /// dE/d(coefficients), [knot][function], of the radial functions that a block or a group of them makes, for all pairs of
  /// elements or for one.
  var splines: [Spline: [Double]] = [:]

  struct Spline: Hashable {
    let name: String
    let pair: ElementPair?
  }

  /// Of the same weights.
  public mutating func add(_ other: WeightGradient) {
    Self.add(other.weights, to: &weights)
    for (name, values) in other.splines { Self.add(values, to: &splines[name, default: []]) }
  }

  /// An empty sum is one of zeros.
  private static func add(_ values: [Double], to sum: inout [Double]) {
    guard !sum.isEmpty else { return sum = values }
    sum.withUnsafeMutableBufferPointer { sum in
      for n in values.indices { sum[n] += values[n] }
    }
  }
}

final class WeightSums<T: KernelScalar> {
  let threads: Int
  private let blocks: [String: Model.WeightBlock]
  private let memory = Workspace<T>()
  /// Of the configuration, and the layer whose names are short.
  private var factor = 0.0
  private var path = ""
  private var gradient = WeightGradient(weights: [])

  init(_ model: Model, threads: Int) {
    self.threads = threads
    blocks = Dictionary(uniqueKeysWithValues: model.weightBlocks.map { ($0.name, $0) })
  }

  /// Calls `body` while everything that is added is multiplied by `factor` and goes to `gradient`.
  func add(to gradient: inout WeightGradient, factor: Double, _ body: () -> Void) {
    self.factor = factor
    swap(&self.gradient, &gradient)
    body()
    swap(&self.gradient, &gradient)
  }

  /// What follows is of this layer.
  func enter(layer t: Int) { path = "layers/\(t)/" }
  func leaveLayers() { path = "" }

  /// Columns of a matrix without padding.
  func columns(_ name: String) -> Int { blocks[path + name]?.shape.last ?? 0 }

  /// First value of the `part`-th of the matrices that a block stacks.
  private func offset(_ name: String, part: Int, of count: Int) -> Int {
    guard let block = blocks[path + name] else { preconditionFailure("there is no block \(path + name)") }
    return block.range.lowerBound + part * count
  }

  /// Adds values as they are.
  func add(_ name: String, part: Int = 0, _ values: [Double]) {
    let first = offset(name, part: part, of: values.count)
    for (n, value) in values.enumerated() { gradient.weights[first + n] += factor * value }
  }

  /// Adds x^T dy over so many rows; threads share the rows of W.
  ///
  /// - Parameters:
  ///   - part: which of the matrices that a block stacks.
  ///   - matrix: W as the kernels have it.
  ///   - columns: those of W, where several stand side by side in it.
  func addProduct(
    _ name: String, part: Int = 0, _ x: UnsafePointer<T>, _ dy: UnsafePointer<T>,
    like matrix: PackedMatrix<T>,
    rows: Int, columns: Range<Int>? = nil
  ) {
    let (height, width) = (matrix.rows, matrix.columns)
    let columns = columns ?? 0..<matrix.shape.columns
    let sum = memory.reserve(height * columns.count)
    parallel(threads: threads, count: height) { _, range in
      T.gemm(
        transposeA: true, transposeB: false, m: range.count, n: columns.count, k: rows, alpha: 1,
        a: x + range.lowerBound, lda: height, b: dy + columns.lowerBound, ldb: width, beta: 0,
        c: sum + range.lowerBound * columns.count, ldc: columns.count)
    }
    add(name, part: part, sum, matrix.shape, stride: columns.count, columns: columns.count)
  }

  /// Adds a padded matrix.
  func add(
    _ name: String, part: Int, _ values: UnsafePointer<T>, _ shape: PackedShape, stride: Int, columns: Int
  ) {
    let first = offset(name, part: part, of: shape.rows * columns)
    let factor = factor
    gradient.weights.withUnsafeMutableBufferPointer { weights in
      for row in 0..<shape.rows {
        let source = values + shape.paddedRow(row) * stride
        let target = first + row * columns
        for c in 0..<columns { weights[target + c] += factor * Double(source[c]) }
      }
    }
  }

  /// Adds dE/d(coefficients) of a spline, which `body` adds up block by block, each thread for itself.
  ///
  /// - Parameters:
  ///   - functions: of a path, without padding.
  ///   - shares: blocks of each thread.
  func addSpline(
    _ name: String, _ table: RadialTable<T>, functions: Int, _ blocks: [AtomBlock], _ shares: [Range<Int>],
    _ body: (_ block: AtomBlock, _ thread: Int, _ sum: UnsafeMutablePointer<T>) -> Void
  ) {
    let (count, parts) = (table.gradientCount, shares.count)
    let sums = memory.reserve(parts * count)
    parallel(shares) { thread, range in
      (sums + thread * count).update(repeating: 0, count: count)
      for block in blocks[range] { body(block, thread, sums + thread * count) }
    }
    addSpline(name, table, functions: functions, sums, parts: parts)
  }

  /// Adds the sums of so many threads.
  func addSpline(
    _ name: String, _ table: RadialTable<T>, functions: Int, _ sums: UnsafePointer<T>, parts: Int
  ) {
    let size = table.gradientCount(modelChannels: functions)
    let factor = factor
    for (k, pair) in table.pairs.enumerated() {
      let spline = WeightGradient.Spline(name: path + name, pair: pair)
      if gradient.splines[spline]?.count != size {
        gradient.splines[spline] = Array(repeating: 0, count: size)
      }
      gradient.splines[spline, default: []].withUnsafeMutableBufferPointer { coefficients in
        guard let coefficients = coefficients.baseAddress else { return }
        parallel(threads: threads, count: table.knots) { _, knots in
          for part in 0..<parts {
            table.addGradient(
              sums + part * table.gradientCount, spline: k, knots, modelChannels: functions, factor: factor,
              to: coefficients)
          }
        }
      }
    }
  }
}

extension WeightGradient {
  /// With the weights behind the splines, which threads share.
  func finished(of model: Model, threads: Int) -> [Double] {
    var networks: [String: (matrices: [Matrix], output: RadialNetwork.Output, names: [String])] = [:]
    for (t, layer) in model.layers.enumerated() {
      let path = "layers/\(t)"
      func add(_ name: String, _ matrix: Matrix, _ output: RadialNetwork.Output = .linear) {
        networks["\(path)/\(name)"] = ([matrix], output, ["\(path)/\(name)"])
      }
      networks["\(path)/radial"] = (
        layer.radial, .linear, layer.radial.indices.map { "\(path)/radial/\($0)" }
      )
      if let density = layer.density {
        add("density", Matrix(rows: density.count, columns: 1, values: density), .density)
      }
      guard let sources = layer.conserved else { continue }
      add("conserved/W_r", sources.transferRadial)
      if let radial = sources.difference { add("conserved/W_p", radial) }
    }
    // In an order of their own, for sums with the same bits.
    let splines = splines.sorted { a, b in
      let none = ElementPair(-1, -1)
      return (a.key.name, a.key.pair ?? none) < (b.key.name, b.key.pair ?? none)
    }
    let gradients = parallelMap(threads: threads, count: splines.count) { n -> [Matrix] in
      let (spline, coefficients) = splines[n]
      guard let network = networks[spline.name], let last = network.matrices.last else { return [] }
      return RadialSpline.adjoint(
        of: RadialNetwork(
          network.matrices, basis: model.radialBasis(of: spline.pair), output: network.output),
        coefficients: coefficients, functions: last.columns)
    }
    var weights = weights
    let blocks = Dictionary(uniqueKeysWithValues: model.weightBlocks.map { ($0.name, $0.range) })
    for (spline, gradient) in zip(splines, gradients) {
      for (name, matrix) in zip(networks[spline.key.name]?.names ?? [], gradient) {
        guard let range = blocks[name] else { continue }
        for (n, value) in zip(range, matrix.values) { weights[n] += value }
      }
    }
    return weights
  }
}
