// A run that blows up must stop with the atom and step that did it, before a neighbour list meets a NaN.

import Lattice

/// Limits beyond which no step is meaningful; far outside what atoms do at any temperature of interest.
public struct StabilityLimits: Sendable, Equatable {
  /// Largest |F| in eV/Angstrom.
  public var force: Double
  /// Largest |v| dt in Angstrom.
  public var displacement: Double

  public init(force: Double = 1000, displacement: Double = 0.5) {
    self.force = force
    self.displacement = displacement
  }

  /// Checks that positions are finite and that no atom moves further in `timestep` fs than allowed.
  func checkMotion(of system: AtomicSystem, timestep: Double, step: Int64) throws {
    let limit = displacement * displacement
    for atom in 0..<system.count {
      let position = system.positions[atom]
      let move = system.velocities[atom] * timestep
      let square = dot(move, move)
      if !dot(position, position).isFinite || square.isNaN {
        throw DynamicsError.nonFinitePosition(atom: atom, step: step)
      }
      if square > limit {
        throw DynamicsError.displacementTooLarge(
          atom: atom, step: step, magnitude: square.squareRoot(), limit: displacement)
      }
    }
  }

  /// Checks that energy and forces are finite and that no force exceeds the limit.
  func checkForces(_ evaluation: Evaluation, step: Int64) throws {
    let limit = force * force
    for (atom, f) in evaluation.forces.enumerated() {
      let square = dot(f, f)
      if !square.isFinite { throw DynamicsError.nonFiniteForce(atom: atom, step: step) }
      if square > limit {
        throw DynamicsError.forceTooLarge(
          atom: atom, step: step, magnitude: square.squareRoot(), limit: force)
      }
    }
    if !evaluation.energy.isFinite { throw DynamicsError.nonFiniteEnergy(step: step) }
  }
}
