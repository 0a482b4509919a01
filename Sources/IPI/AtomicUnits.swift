// Units of the protocol: bohr, hartree, hartree/bohr; the virial is an energy.

/// By the constants of ASE (3.29: CODATA 2014), so that energies and positions come back to it as the same numbers.
/// The CODATA 2018 of the rest of Bloch differ by 8e-9 (hartree) and 7e-10 (bohr); i-PI's own conversions are rounded to
/// 1e-7 (electronvolt) and 1.3e-8 (angstrom).
public enum AtomicUnits {
  /// In eV.
  public static let hartree = 27.211386024367243
  /// In Angstrom.
  public static let bohr = 0.5291772105638411
}
