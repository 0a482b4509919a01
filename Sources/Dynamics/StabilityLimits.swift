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
  /// Largest change of the cell in a step, as a strain; `Matrix3.phi1` counts on it.
  public var strain: Double
  /// Smallest volume for each atom in Angstrom^3. Hydrogen at 500 GPa has 1.1.
  public var volumePerAtom: Double

  public init(
    force: Double = 1000, displacement: Double = 0.5, energyPerAtom: Double = 2e6, strain: Double = 0.05,
    volumePerAtom: Double = 0.8
  ) {
    self.force = force
    self.displacement = displacement
    self.energyPerAtom = energyPerAtom
    self.strain = strain
    self.volumePerAtom = volumePerAtom
  }

  /// Checks a strain by which the cell of `system` is to change in the step to come.
  func check(strain e: Matrix3, of system: AtomicSystem, step: Int64) throws {
    let magnitude = doubleDot(e, e).squareRoot()
    guard magnitude <= strain else {
      throw DynamicsError.strainTooLarge(step: step, magnitude: magnitude, limit: strain)
    }
    let volume = system.cell.volume / Double(max(1, system.count))
    guard volume >= volumePerAtom else {
      throw DynamicsError.cellCollapsed(step: step, volumePerAtom: volume, limit: volumePerAtom)
    }
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
