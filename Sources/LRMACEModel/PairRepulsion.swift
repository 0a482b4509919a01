// The repulsion of two nuclei behind their screening electrons, which a model may add to what it has learned. Angstrom, eV.

extension Model {
  /// The universal potential of Ziegler, Biersack and Littmark (ZBL, The Stopping and Range of Ions in Solids, 1985), which
  /// ends where the covalent radii of two atoms do (MACE's ZBLBasis):
  ///   V(r) = coulomb Z_i Z_j / r sum_k amplitudes_k exp(-decays_k r / a) f(r / (radii_i + radii_j)),
  ///   a = length / (Z_i^exponent + Z_j^exponent),
  /// f the polynomial cut-off of order `cutoffExponent`. An atom has scale/2 sum_j V(r_ij) of it, over its edges.
  public struct PairRepulsion: Sendable, Hashable {
    /// eV Angstrom.
    public var coulomb: Double
    public var amplitudes: [Double]
    public var decays: [Double]
    /// Angstrom.
    public var length: Double
    public var exponent: Double
    public var cutoffExponent: Int
    /// Of the elements, Angstrom.
    public var radii: [Double]

    public init(
      coulomb: Double, amplitudes: [Double], decays: [Double], length: Double, exponent: Double,
      cutoffExponent: Int, radii: [Double]
    ) {
      self.coulomb = coulomb
      self.amplitudes = amplitudes
      self.decays = decays
      self.length = length
      self.exponent = exponent
      self.cutoffExponent = cutoffExponent
      self.radii = radii
    }
  }
}
