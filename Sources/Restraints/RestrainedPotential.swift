// A force field and restraints as one potential, for whatever moves atoms by a potential.

import Lattice

/// The sum of a potential and of restraints. `Evaluation.quantities` has the energy of them all, and for each its value and
/// center in the units of `Restraint`.
public final class RestrainedPotential: Potential {
  public let potential: any Potential
  public let restraints: [Restraint]

  /// Under which their energy in eV stands.
  public static let energyName = "restraint_energy"

  public init(_ potential: any Potential, _ restraints: [Restraint]) {
    self.potential = potential
    self.restraints = restraints
  }

  public func evaluate(_ system: AtomicSystem, into result: inout Evaluation) throws {
    try potential.evaluate(system, into: &result)
    var total = 0.0
    for restraint in restraints {
      let energy = restraint.add(to: &result, system)
      total += energy
      let q = restraint.value(in: system)
      result.quantities[restraint.name] = q
      result.quantities[restraint.centerName] = restraint.profile.center(for: q, at: result.step)
    }
    result.quantities[Self.energyName] = total
  }

  public func reasonToRenew(_ plan: EvaluationPlan, for system: AtomicSystem) -> String? {
    potential.reasonToRenew(plan, for: system)
  }
}
