import Testing

@testable import Lattice

/// Against values that CODATA 2018 prints itself, to the digits it prints.
@Test func derivedConstantsAreThoseOfCODATA() {
  func agree(_ a: Double, _ b: Double, _ relative: Double) -> Bool { abs(a - b) < relative * b }
  #expect(agree(Units.boltzmann, 8.617333262e-5, 1e-10))  // eV/K
  #expect(agree(Units.kilojoulePerMole, 96.48533212, 1e-9))  // Faraday constant in kC/mol
  #expect(agree(Units.bar, 1.602176634e6, 1e-14))
  // u c^2 = 931.49410242 MeV with c in Angstrom/fs.
  let c = 2997.92458
  #expect(agree(c * c / Units.accelerationPerForce, 931.49410242e6, 1e-10))
  #expect(agree(Units.gramPerCubicCentimetre, 1.66053906660, 1e-14))
}
