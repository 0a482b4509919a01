// Atoms with what is known of them: the content of one frame of a structure file.

import Diagnostics
import Lattice

/// Energy, forces and stress from elsewhere, in the units of a configuration's own; nil where not known.
public struct Labels: Sendable, Equatable {
  public var energy: Double?
  public var forces: [Vector3]?
  public var stress: Matrix3?

  public init(energy: Double? = nil, forces: [Vector3]? = nil, stress: Matrix3? = nil) {
    self.energy = energy
    self.forces = forces
    self.stress = stress
  }
}

/// What a frame of a file says under which names, uninterpreted.
public struct NamedValues: Sendable, Equatable {
  /// Of the comment line in the file, from 1.
  public var line: Int
  /// Every `key=value` of the comment line.
  public var values: [String: String]
  /// Columns of three real numbers other than the positions, kept on request; NaN for what is no number.
  public var vectors: [String: [Vector3]]

  public init(line: Int, values: [String: String], vectors: [String: [Vector3]] = [:]) {
    self.line = line
    self.values = values
    self.vectors = vectors
  }
}

/// One configuration: a system and what was computed of it.
public struct Configuration: Sendable {
  public var system: AtomicSystem
  /// Whether the file gave velocities; those of `system` are zero otherwise.
  public var hasVelocities: Bool
  /// Where they stood and in which unit they were read: "the column `velo`, in Angstrom/fs". Nil without a file.
  public var velocitySource: String?
  /// Why nothing can move as the file wants it: an atom is fixed along lattice vectors that are not axes. It is free in `system`.
  public var partialMask: StructureError?
  /// Potential energy in eV.
  public var energy: Double?
  /// Forces in eV/Angstrom, in the order of the atoms.
  public var forces: [Vector3]?
  /// (1/V) dE/d(strain) in eV/Angstrom^3.
  public var stress: Matrix3?
  /// Charges in e, and in e Angstrom the dipole that they make of a free cluster. They are written, and not read: what other
  /// calculators have found is left out.
  public var charges: [Double]?
  public var dipole: Vector3?
  /// What a user keeps for comparison: `REF_energy`, `REF_forces`, `REF_stress`.
  public var reference: Labels
  /// Every other `key=value` of the frame, as text; results of other calculators are not among them.
  public var info: [String: String]
  /// Columns of the file beside those that are understood, where they were asked for.
  public var columns: [AtomColumn]
  /// Nil for a configuration that no file gave.
  public var named: NamedValues?
  /// About what the file gives and is left out here.
  public var warnings: [Diagnostic]

  public init(
    system: AtomicSystem, hasVelocities: Bool = false, energy: Double? = nil, forces: [Vector3]? = nil,
    stress: Matrix3? = nil, charges: [Double]? = nil, dipole: Vector3? = nil, reference: Labels = Labels(),
    info: [String: String] = [:], columns: [AtomColumn] = [], named: NamedValues? = nil,
    warnings: [Diagnostic] = []
  ) {
    self.system = system
    self.hasVelocities = hasVelocities
    self.energy = energy
    self.forces = forces
    self.stress = stress
    self.charges = charges
    self.dipole = dipole
    self.reference = reference
    self.info = info
    self.columns = columns
    self.named = named
    self.warnings = warnings
  }
}
