// An LR-MACE model as plain arrays: what a model file holds and what training produces.
//
// Every normalisation is folded into the arrays, so a layer is (MACE, arXiv 2206.07697; attention, arXiv 2510.13055):
//   x_l     = h_l . linearUp[l]                                                        input features, l = 0 ... inputLmax
//   M_p,l3  = sum_j R_p(r_ij) w3j(l1, l2, l3) x_j,l1 Y_l2(r_ij)                         one message per path p = (l1, l2, l3)
//   A_l     = [M_p for all p with l3 = l] . linear[l][species of i] / (1 + rho_i)       (0 ... lmax)
//   rho_i   = sum_j tanh((b(r_ij) . density)^2)                                        0 for a layer without a density
//   B_L     = contraction[L](A)                                                        symmetric, up to `correlation`
//   h'_L    = B_L . product[L] + h_L . skip[L][species of i] (+ reciprocal-space attention or conserved sources on L = 0)
// with R_p,c(r) a silu network of the Bessel basis b, and the energy of an atom
//   E_i = scale * (sum_layers readout(h') + repulsion) + shift + E0[species] (+ energy of conserved sources).
// Units: Angstrom and eV. Matrices are row-major, features multiply from the left.

import Reciprocal

/// A complete LR-MACE model.
public struct Model: Sendable {
  public var name: String
  /// Trained on what, by what.
  public var provenance: String
  /// Errors reached on unseen data, in words.
  public var errors: String?
  /// SHA-256 of all that the model's file held, hexadecimal: its identity (`Model.contents`).
  public var hash: String

  /// Atomic numbers of the elements that the model knows.
  public var species: [Int]
  /// Energy of the isolated atom of each element, eV.
  public var isolatedEnergies: [Double]
  public var scale: Double
  public var shift: Double
  /// Range of the messages, Angstrom.
  public var cutoff: Double
  /// Highest degree of the harmonics and of A.
  public var lmax: Int
  public var channels: Int
  public var correlation: Int
  public var radialBasis: BesselBasis
  /// Nil where the Bessel functions see the distances themselves.
  public var transform: DistanceTransform?
  /// Nil for a model without.
  public var repulsion: PairRepulsion?
  /// [species, channels]: features entering the first layer.
  public var embedding: Matrix
  /// What the long-range blocks of all layers share; nil for a model without.
  public var attention: AttentionSettings?
  public var layers: [Layer]
  /// Nil where nobody has said what was learned.
  public var domain: TrainingDomain?

  /// b_n(r) = prefactor sin(w_n x) / x f(r / cutoff), with the polynomial cut-off of order p (DimeNet, eq. 8) and x the
  /// distance or what a transform makes of it.
  public struct BesselBasis: Sendable {
    /// w_n in 1/Angstrom.
    public var frequencies: [Double]
    public var prefactor: Double
    public var cutoffExponent: Int
  }

  public struct Path: Sendable, Hashable {
    public var l1: Int
    public var l2: Int
    public var l3: Int
  }

  public struct Layer: Sendable {
    public var inputLmax: Int
    public var outputLmax: Int
    /// Silu network from the Bessel basis to [path][channel]; no activation after the last matrix.
    public var radial: [Matrix]
    /// [Bessel functions]: the density that the messages are divided by; nil for a layer without.
    public var density: [Double]?
    public var paths: [Path]
    public var linearUp: [Matrix]
    /// [l][species, or one entry for all species]: [paths with l3 = l][channel] -> channel.
    public var linear: [[Matrix]]
    /// [L][species]; empty where the layer has no skip connection.
    public var skip: [[Matrix]]
    public var contraction: [Contraction]
    public var product: [Matrix]
    public var readout: Readout?
    /// At most one of the two long-range blocks.
    public var attention: Attention?
    public var conserved: ConservedSources?

    /// Highest degree of the layer's messages.
    public var messageLmax: Int { linear.count - 1 }
  }

  /// Symmetric polynomials of A with output degree L, in the basis of coupled pairs
  ///   Q(l1, l2; l12) = w3j(l1, l2, l12) A_l1 A_l2:
  ///   B_L = w1 A_L + sum w2 Q(l1, l2; L) + sum w3 w3j(l12, l3, L) Q(l1, l2; l12) A_l3.
  public struct Contraction: Sendable {
    public struct Pair: Sendable, Hashable {
      public var l1: Int
      public var l2: Int
    }
    public struct Triple: Sendable, Hashable {
      public var l1: Int
      public var l2: Int
      public var l12: Int
      public var l3: Int
    }
    /// [species, channels].
    public var weights1: Matrix
    public var pairs: [Pair]
    /// [species][pair, channels].
    public var weights2: [Matrix]
    public var triples: [Triple]
    /// [species][triple, channels].
    public var weights3: [Matrix]
    /// What the source's coupling coefficients, rounded to single precision, add to the equivariant ones.
    public var rounding: [Monomial] = []
    /// [species][monomial, channels].
    public var roundingWeights: [Matrix] = []

    /// B_LM += weight A_i A_j ..., components by their index l^2 + l + m.
    public struct Monomial: Sendable, Hashable {
      /// Index of M, 0 ..< 2 L + 1.
      public var component: Int
      /// One to three.
      public var factors: [Int]
    }
  }

  public enum Readout: Sendable {
    /// e = h0 . weights.
    case linear([Double])
    /// e = silu(h0 . hidden) . weights.
    case network(hidden: Matrix, weights: [Double])
  }

  /// The sum over all images, one for all layers with a long-range block. Conserved sources have one head per column
  /// and one sigma.
  public struct AttentionSettings: Sendable, Hashable {
    public var heads: Int
    /// D, a multiple of the number of heads.
    public var width: Int
    public var kernelWeight: KernelWeight
    public var epsilon: Double
    public var subtractsSelf: Bool
    /// Widths of the kernels G_sigma, Angstrom.
    public var sigmas: [Double]
  }

  /// The attention of one layer.
  public struct Attention: Sendable {
    public enum Normalisation: String, Sendable, CaseIterable { case none, queryKey = "rms_qk", all = "rms" }
    public enum Activation: String, Sendable, CaseIterable { case silu, softplus, identity }

    public var normalisation: Normalisation
    public var activation: Activation
    /// [heads, sigmas]: G_h = sum_s filter[h, s] G_s.
    public var filter: Matrix
    /// [channels, D], as key and value.
    public var query: Matrix
    public var key: Matrix
    public var value: Matrix
    /// [D, channels], as the gate.
    public var output: Matrix
    public var gate: Matrix?
  }

  /// Sources that neighbours exchange and never make, and what the layer does with their potential:
  ///   X_nd   = xbar[species of n]_d + sum_j R_d(r_nj) (a_nd b_jd - a_jd b_nd)          R = B . transferRadial
  ///            a = silu(hn transferA), b = hn transferB, hn = h0 / sqrt(mean_c h0^2 + 1e-6)
  ///   phi_md = sum_n G(r_m - r_n) X_nd                                                 without the n = m term
  /// with B the model's Bessel basis. What j hands to n it lacks itself, so every separated part keeps its total.
  ///
  /// Beside an energy there may be dispersion, whose sources are not conserved and need not be: sums of 1/r^6 converge.
  public struct ConservedSources: Sendable {
    public enum Use: Sendable {
      /// h'_0 += (silu(hn query) * phi) output.
      case attention(query: Matrix, output: Matrix)
      /// h'_0 += (silu(hn query)_m * sum_j P_d(r_mj) (phi_jd - phi_md)) output, P = B . radial: no potential moves what
      /// lies in it as a whole.
      case difference(query: Matrix, output: Matrix, radial: Matrix)
      /// E_m += k_e/2 sum_d weights_d X_md phi_md, in eV whatever the scale; column 0 is the charge in e.
      case energy(weights: [Double])

      public enum Name: String, Sendable, CaseIterable { case attention, difference, energy }

      public var name: Name {
        switch self {
        case .attention: .attention
        case .difference: .difference
        case .energy: .energy
        }
      }
    }

    public var use: Use
    /// xbar, [species, D].
    public var constants: Matrix
    /// [channels, D], as b's.
    public var transferA: Matrix
    public var transferB: Matrix
    /// [Bessel functions, D], as that of the differences.
    public var transferRadial: Matrix
    /// With an energy alone.
    public var dispersion: Dispersion?
    /// For training to go on; energies do not depend on it.
    public var references: References?

    /// E_m -= 1/2 Y_m sum_n G6(r_m - r_n) Y_n with Y_n = constants[species of n] + hn features, without the n = m term, in eV
    /// whatever the scale; G6 is 1/r^6 damped over sigma (Reciprocal/DispersionKernel.swift), so that far atoms
    /// have London's C6 of Y_m Y_n.
    public struct Dispersion: Sendable {
      /// Angstrom; 1/r^6 to 1 % beyond four of it.
      public var sigma: Double
      /// ybar, [species], eV^1/2 Angstrom^3.
      public var constants: [Double]
      /// W_y, [channels, 1].
      public var features: Matrix
    }

    /// Parts of known charge: M xbar = Q c^T.
    public struct References: Sendable {
      /// M, [parts, species]: numbers of atoms.
      public var compositions: Matrix
      /// Q, e.
      public var charges: [Double]
      /// c, [D]: of a unit charge in every column.
      public var columns: [Double]
    }

    /// e^2 / (4 pi eps_0) of the model's definition, eV Angstrom: a change in the ninth digit would be another model.
    public static let coulombConstant = 14.399645
  }

  /// Beside the charges, of which there is one set at most.
  public var dispersion: ConservedSources.Dispersion? {
    layers.lazy.compactMap { $0.conserved?.dispersion }.first
  }

  /// Whether atoms have charges: column 0 of the sources of an energy.
  public var hasCharges: Bool { layers.contains { $0.conserved?.use.name == .energy } }

  /// What a reader of `bloch model info` needs: the distance over which short-range messages carry.
  public var receptiveField: Double { cutoff * Double(layers.count) }
}
