// A run that blows up must stop with the atom and step that did it, before a neighbour list meets a NaN.

import Lattice

/// Limits beyond which no number is meaningful; far outside what atoms do at any temperature of interest.
public struct StabilityLimits: Sendable, Equatable {
  /// Largest |F| in eV/Angstrom.
  public var force: Double
  /// Largest |v| dt in Angstrom.
  public var displacement: Double
  /// Largest |E| / N in eV. Oganesson, the heaviest atom, has -1.5e6 eV with all its electrons.
  public var energyPerAtom: Double

  public init(force: Double = 1000, displacement: Double = 0.5, energyPerAtom: Double = 2e6) {
    self.force = force
    self.displacement = displacement
    self.energyPerAtom = energyPerAtom
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

  /// Checks that energy, forces and stress are finite, and that energy and forces keep to their limits.
  /// - Parameter step: nil outside a run.
  /// - Throws: `DynamicsError`.
  public func check(_ evaluation: Evaluation, step: Int64?) throws {
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
    let perAtom = abs(evaluation.energy) / Double(max(1, evaluation.forces.count))
    if perAtom > energyPerAtom {
      throw DynamicsError.energyTooLarge(step: step, perAtom: perAtom, limit: energyPerAtom)
    }
    let stress = evaluation.stress
    if !(stress.x + stress.y + stress.z).sum().isFinite { throw DynamicsError.nonFiniteStress(step: step) }
  }
}
