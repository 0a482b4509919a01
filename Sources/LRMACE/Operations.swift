// Floating-point operations of a step, forward and adjoint, in the parts where they are known: what the formulae ask
// for, a multiply-add counted as two, of channels padded to whole lanes.

import Kernels

/// Floating-point operations of one step, by part.
public struct Operations: Sendable {
  private(set) var counts = Timings.Parts()

  /// Nil for parts that do not count theirs.
  public subscript(part: Timings.Part) -> Double? { counts[part.rawValue] > 0 ? counts[part.rawValue] : nil }

  /// - Parameter edges: ordered pairs within the cut-off.
  init<T: KernelScalar>(_ layers: [NetworkLayer<T>], atoms: Int, edges: Int) {
    func add(_ count: Int, _ multiple: Int, to part: Timings.Part) {
      counts[part.rawValue] += Double(count) * Double(multiple)
    }
    for (t, layer) in layers.enumerated() {
      add(layer.matrixOperations(isFirst: t == 0), atoms, to: .linear)
      add(layer.contraction.operations, atoms, to: .contraction)
      add(layer.messages?.operationsPerEdge ?? 0, edges, to: .convolution)
      add(layer.density?.operationsPerEdge ?? 0, edges, to: .convolution)
    }
  }
}

extension NetworkLayer {
  /// Of an atom's products with weight matrices. Nothing depends on what enters the first layer.
  fileprivate func matrixOperations(isFirst: Bool) -> Int {
    func product(_ l: Int, _ matrix: PackedMatrix<T>) -> Int {
      (2 * l + 1) * 2 * matrix.rows * matrix.columns
    }
    var count = messages?.matrixOperations ?? 0
    for (l, matrix) in self.product.enumerated() { count += 2 * product(l, matrix) }
    for (l, matrices) in skip.prefix(outputLmax + 1).enumerated() {
      count += (isFirst ? 1 : 2) * product(l, matrices[0])
    }
    if !isFirst {
      for (l, matrix) in linearUp.enumerated() { count += 2 * product(l, matrix) }
    }
    return count
  }
}

extension LRMACEPotential {
  /// Of one core, in the precision of the network.
  public func peakOperationsPerSecond() -> Double {
    precision == .double ? Double.peakOperationsPerSecond() : Float.peakOperationsPerSecond()
  }
}
