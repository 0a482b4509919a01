// Units inside Bloch: eV, Angstrom, fs, atomic mass unit (u), kelvin. Stress and pressure in eV/Angstrom^3.
// Constants: CODATA 2018 (https://physics.nist.gov/cuu/Constants/); e, k_B, N_A and the calorie are exact.

/// Conversions and constants, each with its source value.
public enum Units {
  /// Elementary charge in C, exact.
  static let elementaryCharge = 1.602176634e-19
  /// Boltzmann constant in J/K, exact.
  static let boltzmannSI = 1.380649e-23
  /// Avogadro constant in 1/mol, exact.
  static let avogadro = 6.02214076e23
  /// Atomic mass constant in kg.
  static let atomicMassSI = 1.66053906660e-27

  /// Boltzmann constant in eV/K.
  public static let boltzmann = boltzmannSI / elementaryCharge
  /// e^2 / (4 pi epsilon_0) in eV Angstrom: 14.399645.
  public static let coulomb = elementaryCharge / (4 * Double.pi * 8.8541878128e-12) * 1e10
  /// Acceleration in Angstrom/fs^2 of one u under one eV/Angstrom: 9.648533e-3.
  public static let accelerationPerForce = elementaryCharge / atomicMassSI * 1e-10
  /// One eV in kJ/mol: 96.48533.
  public static let kilojoulePerMole = elementaryCharge * avogadro * 1e-3
  /// One kcal/mol, of thermochemical calories, in eV: 0.04336410.
  public static let kilocaloriePerMole = 4.184 / kilojoulePerMole
  /// One bohr in Angstrom.
  public static let bohr = 0.529177210903
  /// One hartree in eV.
  public static let hartree = 27.211386245988
  /// One eV/Angstrom^3 in bar: 1.602176634e6.
  public static let bar = elementaryCharge * 1e30 * 1e-5
  /// One u/Angstrom^3 in g/cm^3: 1.66053906660.
  public static let gramPerCubicCentimetre = atomicMassSI * 1e3 * 1e24
}
