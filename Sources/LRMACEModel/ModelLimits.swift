// What no model of atoms exceeds. A number beyond these limits is damage or a mistake, and would end in an overflow,
// a sum that never ends, or an energy that means nothing.

/// The range of a quantity that a model file holds under `name`.
struct Limit<Value: Comparable & Sendable>: Sendable {
  let name: String
  let range: ClosedRange<Value>
  let unit: String

  init(_ name: String, _ range: ClosedRange<Value>, _ unit: String = "") {
    self.name = name
    self.range = range
    self.unit = unit.isEmpty ? "" : " \(unit)"
  }

  /// What is wrong with `value`, or nil.
  func fault(in value: Value, name: String? = nil) -> String? {
    if range.contains(value) { return nil }
    return
      "\(name ?? self.name) is \(value)\(unit), expected \(range.lowerBound) to \(range.upperBound)\(unit)"
  }
}

enum ModelLimits {
  // MARK: - Architecture

  static let atomicNumber = Limit("species", 1...118)
  /// Harmonics, couplings and message layouts are written for degrees up to 4.
  static let lmax = Limit("lmax", 0...4)
  static let channels = Limit("channels", 1...1024)
  static let correlation = Limit("correlation", 1...3)
  /// Published models have one to three.
  static let layers = Limit("num_layers", 1...8)
  /// Matrices of a radial network, and columns of one or of a readout.
  static let depth = Limit("depth", 1...8)
  static let hiddenUnits = Limit("hidden units", 1...8192)

  // MARK: - Energies

  /// A factor of all interactions: published models have 0.1 to 100, the root mean square of their forces.
  static let scale = Limit("scale", 1e-6...1e6, "eV")
  /// The atom of oganesson with all its electrons has -1.5e6 eV.
  static let atomicEnergy = Limit("E0", -2e6...2e6, "eV")
  static let shift = Limit("shift", -2e6...2e6, "eV")

  // MARK: - Distances

  /// Shorter is inside the shortest bond (0.74 Angstrom); within 20 Angstrom water has 3,400 neighbours, whose tables no
  /// machine holds for many atoms.
  static let cutoff = Limit("r_max", 0.5...20, "Angstrom")
  /// Of the Bessel basis.
  static let frequencies = Limit("number of Bessel frequencies", 1...64)
  /// MACE has sqrt(2 / r_max), 0.3 to 2 for the cut-offs above.
  static let besselPrefactor = Limit("bessel_prefactor", 0.01...100)
  /// Below 2 the envelope has no curvature at r = 0; MACE has 5 or 6; beyond 20 it is a step that no timestep follows.
  static let cutoffExponent = Limit("cutoff_p", 2...20)
  /// A trained frequency w_n stays nearest to its own n pi / r_max.
  static let frequencyShift = 0.5
  /// Relative rounding of frequencies in single precision.
  static let frequencyRounding = 1e-6

  // MARK: - Pairs of elements

  /// From hydrogen's 0.31 to francium's 2.6 (Cordero et al., doi 10.1039/b801115j); 0.2 for elements without one.
  static let radius = Limit("covalent radius", 0.1...5, "Angstrom")
  /// Of the Agnesi transform; MACE has 1.08. Below p = 2 it has a kink at r = 0.
  static let agnesiFactor = Limit("a", 0.01...100.0)
  static let agnesiInner = Limit("p", 2...20.0)
  static let agnesiOuter = Limit("q", 0.1...20.0)
  /// Of the soft transform; MACE has 4.
  static let softSteepness = Limit("alpha", 0.1...100.0)
  /// Of a repulsion; ZBL has four terms, 14.4 eV Angstrom, 0.24 Angstrom and 0.3.
  static let screeningTerms = Limit("number of amplitudes", 1...16)
  static let screeningAmplitude = Limit("amplitude", -10...10.0)
  static let screeningDecay = Limit("decay", 0...100.0)
  static let coulomb = Limit("coulomb", 0...100.0, "eV Angstrom")
  static let screeningLength = Limit("length", 0.01...10, "Angstrom")
  static let screeningExponent = Limit("exponent", 0...2.0)

  // MARK: - Attention

  static let width = Limit("width", 1...1024)
  /// D d, the products of a key and a value that one atom spreads.
  static let columns = Limit("width x head width", 1...16384)
  static let sigmas = Limit("number of sigmas", 1...16)
  /// Wavevectors grow as 1 / sigma^3, and r_max / 2.5 is usual; above, the kernel is flat within any cell.
  static let sigma = Limit("sigma", 0.3...20, "Angstrom")
  /// Of the sum over wavevectors: less than rounding, or no sum at all.
  static let epsilon = Limit("eps", 1e-15...0.1)

  /// Of conserved sources: compositions whose charge is known, and that charge.
  static let referenceParts = Limit("number of parts of known charge", 1...1024)
  static let referenceCharge = Limit("charge", -1000...1000.0, "e")
  static let referenceAtoms = Limit("number of atoms", 0...1e6)

  /// Atoms of one element in training data.
  static let domainAtoms = Limit("number of atoms", 0...Int(Int32.max))

  // MARK: - Weights

  /// With all normalisations folded in, weights are of order 1 and the largest known 1.2e3.
  static let weight = Limit("weight", -1e6...1e6)
  /// Rows of a list of couplings: L = 4 of three out of 25 components has 29,250 monomials.
  static let couplings = 1 << 15
  /// Numbers of one array.
  static let arrayCount = 1 << 27
  /// Bytes of a name or a provenance.
  static let text = 1 << 16
}
