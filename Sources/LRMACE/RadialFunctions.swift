// The radial functions of a network as splines: the same for all pairs of elements, or under a transform of distances those of
// each pair, made when somebody first asks for them. All have the same knots, as fine as the pairs of the shortest and the
// longest covalent radii ask for: a spline is a function of model and pair alone.

import LRMACEModel
import Synchronization

final class RadialFunctions: Sendable {
  /// Their number.
  let count: Int
  let intervals: Int
  private let network: [Matrix]
  private let output: RadialNetwork.Output
  private let model: Model
  private let made: Mutex<[ElementPair?: RadialSpline]>

  init(_ network: [Matrix], output: RadialNetwork.Output = .linear, of model: Model, tolerance: Double) {
    (self.network, self.output, self.model) = (network, output, model)
    count = network.last?.columns ?? 0
    let splines = model.representativeBases(2).map {
      RadialSpline(of: RadialNetwork(network, basis: $0, output: output), tolerance: tolerance)
    }
    intervals = splines.map(\.intervals).max() ?? 0
    made = Mutex(model.transform == nil ? [nil: splines[0]] : [:])
  }

  /// Those of a pair of elements; of nil where all are the same.
  func spline(of pair: ElementPair?) -> RadialSpline {
    if let spline = made.withLock({ $0[pair] }) { return spline }
    let exact = RadialNetwork(network, basis: model.radialBasis(of: pair), output: output)
    let spline = RadialSpline(of: exact, intervals: intervals)
    return made.withLock { made in
      made[pair] = spline
      return spline
    }
  }

  /// Which of them atoms of elements s and z see.
  func pair(_ s: Int, _ z: Int) -> ElementPair? { model.pair(s, z) }

  /// Whether pairs of elements differ in them.
  var dependsOnElements: Bool { model.transform != nil }
}
