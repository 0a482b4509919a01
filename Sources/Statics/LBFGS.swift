// Limited-memory BFGS without a line search: Nocedal 1980, doi 10.2307/2006193; Liu, Nocedal 1989, doi 10.1007/BF01589116.
//
//   s_k = r_(k+1) - r_k,   y_k = F_k - F_(k+1),   rho_k = 1 / (s_k . y_k)
//   d = H F by the two-loop recursion over the newest pairs, with H_0 = (s . y) / (y . y) of the newest of them
//
// A pair with s . y <= 0, where the curvature is not positive, is left out: H stays positive definite, so d always leads
// downhill. Before the first pair H_0 is 1 / (70 eV/Angstrom^2), ASE's guess of a stiff bond.

import Lattice

/// L-BFGS: a few evaluations for each order of magnitude near a minimum.
public struct LBFGS: Minimizer {
  private static let memory = 20
  /// H_0 in Angstrom^2/eV.
  private static let firstInverseCurvature = 1.0 / 70

  private let largestStep: Double
  /// Oldest first.
  private var pairs: [(s: [Vector3], y: [Vector3])] = []
  /// What was chosen last, and at which forces; empty before the first step.
  private var last: (displacement: [Vector3], forces: [Vector3]) = ([], [])

  public init(largestStep: Double) { self.largestStep = largestStep }

  public mutating func displacement(for forces: [Vector3]) -> [Vector3] {
    if !last.forces.isEmpty { learn(last.displacement, last.forces.adding(forces, times: -1)) }
    let step = newtonStep(forces).limited(to: largestStep)
    last = (step, forces)
    return step
  }

  private mutating func learn(_ s: [Vector3], _ y: [Vector3]) {
    guard dot(s, y) > 1e-10 * s.norm * y.norm else { return }
    pairs.append((s, y))
    if pairs.count > Self.memory { pairs.removeFirst() }
  }

  /// H F.
  private func newtonStep(_ forces: [Vector3]) -> [Vector3] {
    var q = forces
    var weights: [Double] = []
    for (s, y) in pairs.reversed() {
      let weight = dot(s, q) / dot(s, y)
      weights.append(weight)
      q = q.adding(y, times: -weight)
    }
    let scale = pairs.last.map { dot($0.s, $0.y) / dot($0.y, $0.y) } ?? Self.firstInverseCurvature
    q = q.scaled(by: scale)
    for ((s, y), weight) in zip(pairs, weights.reversed()) {
      q = q.adding(s, times: weight - dot(y, q) / dot(s, y))
    }
    return q
  }

  public var state: StateTree {
    [
      "method": .text("l-bfgs"), "pairs": .integers([Int64(pairs.count)]),
      "displacements": .vectors(pairs.flatMap(\.s)), "force_changes": .vectors(pairs.flatMap(\.y)),
      "last_displacement": .vectors(last.displacement), "last_forces": .vectors(last.forces),
    ]
  }

  public mutating func restore(_ state: StateTree, count: Int) throws {
    try state.read { state in
      try state.require("method", "l-bfgs")
      let number = try state.integer("pairs")
      guard (0...Int64(Self.memory)).contains(number) else { throw StateError("pairs", "holds \(number)") }
      let s = try state.vectors("displacements", count: Int(number) * count)
      let y = try state.vectors("force_changes", count: Int(number) * count)
      pairs = (0..<Int(number)).map { k in
        let range = k * count..<(k + 1) * count
        return (Array(s[range]), Array(y[range]))
      }
      guard pairs.allSatisfy({ dot($0.s, $0.y) > 0 }) else {
        throw StateError("force_changes", "hold a curvature that is not positive")
      }
      let displacement = try state.vectors("last_displacement")
      let forces = try state.vectors("last_forces", count: displacement.count)
      guard forces.isEmpty || forces.count == count else {
        throw StateError("last_forces", "are not those of this system")
      }
      last = (displacement, forces)
    }
  }
}
