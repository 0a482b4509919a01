// The derivative of a loss of energies, forces and stress by the weights of a model, without second derivatives. With
//   c = dL/dE,   f_i = dL/dF_i,   s = dL/dstress,      F_i = -dE/dr_i,   stress = (1/V) dE/dstrain,
// all that depends on the weights is dE/dw along a line of configurations,
//   dL/dw = c dE/dw + d/de [ dE/dw at r_i - e f_i, strain e s / V ],
// which is taken from its two ends, each one evaluation and one first-order gradient:
//   dL/dw = (c/2 + 1/(2e)) dE/dw(+e) + (c/2 - 1/(2e)) dE/dw(-e) + O(e^2).

import LRMACEModel
import Lattice

extension LRMACEPotential {
  /// Farthest that an atom is displaced, Angstrom: where the error of the difference quotient, e^2, meets that of rounding,
  /// 1/e.
  static func displacement(_ precision: Precision) -> Double { precision == .mixed ? 0.01 : 2e-5 }

  /// A potential whose gradients by the weights are to be had: it evaluates the first layer like the others.
  public convenience init(differentiable model: Model, precision: Precision, threads: Int) throws {
    try self.init(
      model: model, precision: precision, threads: threads, attention: AttentionEvaluation(),
      dropsDeadPaths: false, isDifferentiable: true)
  }

  /// No gradient yet.
  public func zeroGradient() -> WeightGradient { engine.zeroGradient() }

  /// Adds the derivative by the weights of  energySeed E + sum_i forceSeeds_i . F_i + stressSeed : stress.
  ///
  /// - Parameters:
  ///   - plan: of an evaluation of the same system.
  ///   - stressSeed: symmetric; without meaning where an axis is open.
  /// - Throws: as `evaluate`.
  public func addGradient(
    of system: AtomicSystem, plan: EvaluationPlan?, energySeed: Double, forceSeeds: [Vector3],
    stressSeed: Matrix3, to gradient: inout WeightGradient
  ) throws {
    let strain = system.cell.isFullyPeriodic ? stressSeed * (1 / system.cell.volume) : .zero
    let rows = [strain.x, strain.y, strain.z]
    // Of neighbours against each other, where a strain moves atoms.
    let stretch = model.cutoff * rows.reduce(0) { $0 + dot($1, $1) }.squareRoot()
    let farthest = forceSeeds.reduce(stretch) { max($0, length($1)) }
    var evaluation = Evaluation(plan: plan)
    guard farthest > 0 else {
      guard energySeed != 0 else { return }
      try evaluate(system, into: &evaluation)
      engine.addGradient(factor: energySeed, to: &gradient)
      return
    }
    let e = Self.displacement(precision) / farthest
    for sign in [1.0, -1.0] {
      var displaced = system
      for i in forceSeeds.indices {
        displaced.positions[i] += sign * e * (system.positions[i] * strain - forceSeeds[i])
      }
      if strain != .zero {
        displaced.cell = Cell(
          vectors: system.cell.vectors * (.identity + strain * (sign * e)),
          isPeriodic: system.cell.isPeriodic)
      }
      try evaluate(displaced, into: &evaluation)
      engine.addGradient(factor: energySeed / 2 + sign / (2 * e), to: &gradient)
    }
  }

  /// The gradient by all of `Model.weights`.
  public func finished(_ gradient: WeightGradient, threads: Int? = nil) -> [Double] {
    gradient.finished(of: model, threads: threads ?? self.threads)
  }
}
