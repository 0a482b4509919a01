// Atoms with what is known of them: the content of one frame of a structure file.

import Lattice

/// One configuration: a system and its labels.
public struct Configuration: Sendable {
  public var system: AtomicSystem
  /// Whether the file gave velocities; those of `system` are zero otherwise.
  public var hasVelocities: Bool
  /// Potential energy in eV.
  public var energy: Double?
  /// Forces in eV/Angstrom, in the order of the atoms.
  public var forces: [Vector3]?
  /// (1/V) dE/d(strain) in eV/Angstrom^3.
  public var stress: Matrix3?
  /// Every other `key=value` of the frame, as text.
  public var info: [String: String]

  public init(
    system: AtomicSystem, hasVelocities: Bool = false, energy: Double? = nil, forces: [Vector3]? = nil,
    stress: Matrix3? = nil, info: [String: String] = [:]
  ) {
    self.system = system
    self.hasVelocities = hasVelocities
    self.energy = energy
    self.forces = forces
    self.stress = stress
    self.info = info
  }
}
