// What can be asked for, by the word for it on the command line.

import Lattice

public enum Quantity: String, Sendable, CaseIterable {
  case means, rdf, msd, vacf, profile, hbonds, dipole, chi, sk, cell, viscosity

  public var title: String {
    switch self {
    case .means: "Means"
    case .rdf: "Radial distribution functions and coordination numbers"
    case .msd: "Mean square displacement and self-diffusion"
    case .vacf: "Velocity autocorrelation and vibrational density of states"
    case .profile: "Density profile"
    case .hbonds: "Hydrogen bonds"
    case .dipole: "Dipole moments and dielectric constant"
    case .chi: "Longitudinal dielectric susceptibility"
    case .sk: "Structure factors"
    case .cell: "Cell and elastic response"
    case .viscosity: "Shear viscosity"
    }
  }

  /// Ends of the names of its tables, `Findings.tables`.
  public var tables: [String] {
    switch self {
    case .means, .cell: []
    case .vacf: ["vacf", "vdos"]
    case .chi: ["chi", "chi_zz"]
    case .rdf, .msd, .profile, .hbonds, .dipole, .sk, .viscosity: [rawValue]
    }
  }
}

/// How quantities are to be computed; nil leaves a choice to them.
public struct AnalysisSettings: Sendable {
  /// Nil for all that the trajectory allows.
  public var quantities: [Quantity]? {
    didSet { insists = quantities != nil }
  }
  /// Whether a quantity that cannot be computed is an error; else it is left out, with a word.
  public var insists = false
  public var charges: ChargeSource = .frames
  /// Pairs of atomic numbers for the RDF.
  public var pairs: [(Int, Int)]?
  /// Reach and shell of the RDF, slices of the profile, Angstrom.
  public var reach: Double?
  public var shell = 0.05
  public var slice = 0.2
  public var axis = Axis.c
  public var hydrogenBonds = HydrogenBonds.Criterion()
  /// Largest wavevector of S(k) and of chi(k), 1/Angstrom.
  public var largestWavevector: Double?
  /// Lags for the slope of the MSD, and the longest of autocorrelations of velocities and stress, fs.
  public var fit: ClosedRange<Double>?
  public var longestLag: Double?
  /// In eV fs/Angstrom^3 and K.
  public var viscosity: Double?
  public var temperature: Double?
  /// Of frames as a run makes them; nil where all are at hand.
  public var schedule: FrameSchedule?
  public var threads = 1

  public init() {}
}
