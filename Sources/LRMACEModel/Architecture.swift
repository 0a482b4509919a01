// What a new model is built from, before it has weights: the sizes that its builder chooses, and what it takes from the data.
//
// Names and meaning are those of Model, whose equations they size. Angstrom, e, eV.

/// The sizes of a new model.
public struct Architecture: Sendable, Hashable {
  /// Atomic numbers, ascending.
  public var species: [Int]
  /// r_max, Angstrom.
  public var cutoff: Double
  public var layers: Int
  public var channels: Int
  /// Highest degree L of the features between layers, 0 to 2.
  public var hiddenDegree: Int
  /// Highest degree of the harmonics and of A.
  public var lmax: Int
  /// Highest power of A in the symmetric contraction, 1 to 3.
  public var correlation: Int
  /// Number of Bessel functions of the radial basis.
  public var besselCount: Int
  /// Order p of the polynomial cut-off.
  public var cutoffExponent: Int
  /// Hidden units of the radial network, layer by layer.
  public var radialWidths: [Int]
  /// Hidden units of the last layer's readout.
  public var readoutWidth: Int
  public var longRange: LongRange

  public enum LongRange: Sendable, Hashable {
    case none
    /// Sources k v of an atom's features, free queries (arXiv 2510.13055).
    case attention(Attention)
    /// Sources that keep the total of every separated part.
    case conserved(Conserved)
  }

  public struct Attention: Sendable, Hashable {
    /// Layers that attend, from 0, ascending.
    public var layers: [Int]
    /// D.
    public var columns: Int
    /// H; heads of width D / H.
    public var heads: Int
    /// Widths of the kernels, Angstrom; with several each head learns a filter over them.
    public var sigmas: [Double]
    /// Whether the sum gates all features, too.
    public var isGated: Bool

    public init(layers: [Int], columns: Int, heads: Int, sigmas: [Double], isGated: Bool) {
      self.layers = layers
      self.columns = columns
      self.heads = heads
      self.sigmas = sigmas
      self.isGated = isGated
    }
  }

  public struct Conserved: Sendable, Hashable {
    /// Layers that interact, from 0, ascending.
    public var layers: [Int]
    /// D; column 0 is the charge in e.
    public var columns: Int
    /// Width of the kernel, Angstrom.
    public var sigma: Double
    /// Species of known charge; empty to fit the constants to the frames' total charges.
    public var charges: [ChargedSpecies]
    /// Width over which dispersion is damped, Angstrom; nil for none beside the charges.
    public var dispersionSigma: Double?
    /// First guesses of the charges of elements, e, by atomic number; of others `Electronegativity` has them.
    public var atomicCharges: [Int: Double]

    public init(
      layers: [Int], columns: Int, sigma: Double, dispersionSigma: Double? = nil, charges: [ChargedSpecies],
      atomicCharges: [Int: Double] = [:]
    ) {
      self.layers = layers
      self.columns = columns
      self.sigma = sigma
      self.dispersionSigma = dispersionSigma
      self.charges = charges
      self.atomicCharges = atomicCharges
    }
  }

  /// A molecule, ion or atom whose total charge is known.
  public struct ChargedSpecies: Sendable, Hashable {
    /// As the user wrote it: `CH3I`.
    public var formula: String
    /// Atoms by atomic number.
    public var composition: [Int: Int]
    /// e.
    public var charge: Double

    public init(formula: String, composition: [Int: Int], charge: Double) {
      self.formula = formula
      self.composition = composition
      self.charge = charge
    }
  }

  public init(
    species: [Int], cutoff: Double, layers: Int, channels: Int, hiddenDegree: Int, lmax: Int,
    correlation: Int,
    besselCount: Int = 8, cutoffExponent: Int = 5, radialWidths: [Int] = [64, 64, 64], readoutWidth: Int = 16,
    longRange: LongRange = .none
  ) {
    self.species = species
    self.cutoff = cutoff
    self.layers = layers
    self.channels = channels
    self.hiddenDegree = hiddenDegree
    self.lmax = lmax
    self.correlation = correlation
    self.besselCount = besselCount
    self.cutoffExponent = cutoffExponent
    self.radialWidths = radialWidths
    self.readoutWidth = readoutWidth
    self.longRange = longRange
  }
}

/// What a new model takes from its data: E_i = scale * readouts + shift + E0, messages divided by the mean number of
/// neighbours.
public struct DataScaling: Sendable, Hashable {
  /// E0 of each element of the architecture, in its order, eV.
  public var isolatedEnergies: [Double]
  /// eV.
  public var scale: Double
  public var shift: Double
  /// Within r_max, mean over atoms.
  public var averageNeighbors: Double

  public init(isolatedEnergies: [Double], scale: Double, shift: Double, averageNeighbors: Double) {
    self.isolatedEnergies = isolatedEnergies
    self.scale = scale
    self.shift = shift
    self.averageNeighbors = averageNeighbors
  }
}
