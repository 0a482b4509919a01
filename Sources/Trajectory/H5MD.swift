// H5MD 1.1 (https://doi.org/10.1016/j.cpc.2014.01.018, https://www.nongnu.org/h5md/) as MDAnalysis and ZnH5MD
// read it.
//
//   /h5md                        version 1.1, author, creator, modules/units
//   /particles/trajectory
//       box                      dimension, boundary per axis, edges/{step,time,value[t,3,3]}, rows = vectors
//       position, velocity, force, species, charge, force_spread    {step[t], time[t], value[t,N(,3)]}
//   /observables/trajectory/NAME {step[t], time[t], value[t]}, at the stride of the positions
//   /parameters                  masses[N], deck, engine_version, model_hash; fixed[N] and atom_columns where there are any
//
// step and time of every element are hard links to those of `position`. All text is of variable length:
// MDAnalysis refuses fixed-length units, and ZnH5MD takes a fixed-length boundary `none` for periodic.

import HDF5
import Lattice

/// Names and units of the layout.
enum H5MD {
  static let particles = "/particles/trajectory"
  static let observables = "/observables/trajectory"
  static let position = particles + "/position"
  static let velocity = particles + "/velocity"
  static let force = particles + "/force"
  static let species = particles + "/species"
  static let charge = particles + "/charge"
  /// Of a committee, in the unit of forces.
  static let forceSpread = particles + "/force_spread"
  static let box = particles + "/box"
  static let edges = box + "/edges"
  static let masses = "/parameters/masses"
  /// Numbers of the atoms that do not move, from 0.
  static let fixed = "/parameters/fixed"
  /// Where other atoms are fixed: rows of an atom's number, from 0, and an axis, 0 to 2.
  static let fixedAxes = "/parameters/fixed_axes"
  /// Columns of the structure file that mean nothing to Bloch: a line that names them as extended XYZ does, then one for each
  /// atom.
  static let columns = "/parameters/atom_columns"
  /// Attribute of the time where it is the number of the step for want of another.
  static let timeStandsFor = "stands_for"

  static let timeUnit = "ps"
  static let lengthUnit = "Angstrom"
  static let velocityUnit = "Angstrom ps-1"
  /// The only molecular force unit that MDAnalysis knows beside kcal and nm.
  static let forceUnit = "kJ mol-1 Angstrom-1"

  static let chargeUnit = "e"
  /// `type` of the charge element: not the formal charges of a bond scheme.
  static let chargeType = "effective"

  /// fs per ps; also (Angstrom/ps) per (Angstrom/fs).
  static let femtosecondsPerPicosecond = 1000.0
}

/// A number stored with every frame.
public struct H5MDObservable: Hashable, Sendable {
  /// Name in the file, such as `potential_energy`.
  public let name: String
  /// Unit in H5MD's notation, such as `eV` or `K`.
  public let unit: String

  public init(name: String, unit: String) {
    self.name = name
    self.unit = unit
  }
}

/// What a trajectory stores beside positions.
public struct H5MDOptions: Hashable, Sendable {
  public var storesVelocities: Bool
  public var storesForces: Bool
  public var storesCharges: Bool
  /// How far the members of a committee are apart.
  public var storesForceSpreads: Bool
  /// Positions, velocities, forces, charges, spreads and cell in 64 instead of 32 bits; times and observables always are.
  public var isDouble: Bool
  /// Whether steps have a time.
  public var isInTime: Bool
  /// Frames that are gathered in memory before they are written and flushed together.
  public var framesPerBatch: Int

  public init(
    storesVelocities: Bool = true, storesForces: Bool = false, storesCharges: Bool = false,
    storesForceSpreads: Bool = false, isDouble: Bool = false, isInTime: Bool = true, framesPerBatch: Int = 10
  ) {
    precondition(framesPerBatch > 0)
    self.storesVelocities = storesVelocities
    self.storesForces = storesForces
    self.storesCharges = storesCharges
    self.storesForceSpreads = storesForceSpreads
    self.isDouble = isDouble
    self.isInTime = isInTime
    self.framesPerBatch = framesPerBatch
  }
}

/// Where a trajectory came from; written into it.
public struct Provenance: Hashable, Sendable {
  public var engineVersion: String
  /// SHA-256 of the model's weights.
  public var modelHash: String
  /// The resolved deck.
  public var deck: String

  public init(engineVersion: String, modelHash: String, deck: String) {
    self.engineVersion = engineVersion
    self.modelHash = modelHash
    self.deck = deck
  }
}
