// First guesses of the dispersion between atoms, which training moves: half of London's C6 of free atoms (Chu and Dalgarno,
// doi:10.1063/1.1779576, as in the method of Tkatchenko and Scheffler, doi:10.1103/PhysRevLett.102.073005), since atoms in molecules
// have 0.6 to 0.8 of the volume of free ones, and C6 goes as its square.

enum AtomicDispersion {
  /// Half of C6, eV Angstrom^6. Atoms with loosely bound electrons lose them in compounds: no more than silicon's.
  static func guess(_ atomicNumber: Int) -> Double {
    let known = table.indices.contains(atomicNumber - 1) ? table[atomicNumber - 1] : 0
    return (known > 0 ? min(known, silicon) : silicon) * hartreeBohr6 / 2
  }

  private static let silicon = 305.0
  /// Of Eh a0^6.
  private static let hartreeBohr6 = 0.597_526

  /// C6 of Z = 1 ... 54, Eh a0^6; zero for none.
  private static let table: [Double] = [
    // H to Ne, Na to Ar
    6.5, 1.42, 1392, 227, 99.5, 46.6, 24.2, 15.6, 9.52, 6.2,
    1518, 626, 528, 305, 185, 134, 94.6, 64.2,
    // K to Kr
    0, 2163, 1383, 1044, 832, 602, 552, 482, 408, 373, 253, 284, 0, 0, 246, 210, 162, 130,
    // Rb to Xe
    0, 3175, 0, 0, 0, 0, 0, 0, 0, 158, 339, 0, 0, 0, 0, 445, 385, 0,
  ]
}
