// First guesses of charges: atoms take electrons from less electronegative ones,
//   q(Z) = (chi(C) - chi(Z)) / 2   in e,   chi on Pauling's scale,
// which training moves. Where all molecules are neutral the energy is of second order in the charges: their sign is arbitrary and
// their slope vanishes with them. So random ones fade while the rest has not learned yet: on liquid water oxygen was left with
// 0.01 e, with these at the beginning with -0.13, at the same errors (Examples/train-water).
//
// Pauling's scale as revised by A. L. Allred, J. Inorg. Nucl. Chem. 17, 215 (1961), with later additions for the heavy elements,
// as in the CRC Handbook of Chemistry and Physics.

enum Electronegativity {
  /// q, in e; zero where no value is known.
  static func charge(_ atomicNumber: Int) -> Double {
    guard pauling.indices.contains(atomicNumber - 1), pauling[atomicNumber - 1] > 0 else { return 0 }
    return (pauling[6 - 1] - pauling[atomicNumber - 1]) / 2
  }

  /// chi of Z = 1 ... 94; zero for none.
  private static let pauling: [Double] = [
    // H to Ne, Na to Ar
    2.20, 0, 0.98, 1.57, 2.04, 2.55, 3.04, 3.44, 3.98, 0,
    0.93, 1.31, 1.61, 1.90, 2.19, 2.58, 3.16, 0,
    // K to Kr
    0.82, 1.00, 1.36, 1.54, 1.63, 1.66, 1.55, 1.83, 1.88, 1.91, 1.90, 1.65, 1.81, 2.01, 2.18, 2.55, 2.96, 0,
    // Rb to Xe
    0.82, 0.95, 1.22, 1.33, 1.6, 2.16, 1.9, 2.2, 2.28, 2.20, 1.93, 1.69, 1.78, 1.96, 2.05, 2.1, 2.66, 0,
    // Cs to Lu, Hf to Rn
    0.79, 0.89, 1.10, 1.12, 1.13, 1.14, 1.13, 1.17, 1.2, 1.20, 1.1, 1.22, 1.23, 1.24, 1.25, 1.1, 1.27,
    1.3, 1.5, 2.36, 1.9, 2.2, 2.20, 2.28, 2.54, 2.00, 1.62, 2.33, 2.02, 2.0, 2.2, 0,
    // Fr to Pu
    0.7, 0.9, 1.1, 1.3, 1.5, 1.38, 1.36, 1.28,
  ]
}
