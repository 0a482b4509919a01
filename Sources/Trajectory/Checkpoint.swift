// Everything that the next step of a run needs, kept bit for bit. 2N steps are N steps, a checkpoint and N
// steps.

import Lattice

/// What a checkpoint counts on in an output file: so many frames or bytes, and the digest of what they
/// hold.
public struct OutputMark: Hashable, Sendable {
  public var count: Int64
  public var digest: String

  public init(count: Int64, digest: String) {
    self.count = count
    self.digest = digest
  }
}

/// The state of a run between two steps.
///
/// Variables of thermostats, random number generators and outputs are named, so that every part of a run
/// keeps its own without this file knowing them.
public struct Checkpoint: Hashable, Sendable {
  /// Steps done so far.
  public var step: Int64
  /// Positions in Angstrom, unwrapped.
  public var positions: [Vector3]
  /// Velocities in Angstrom/fs.
  public var velocities: [Vector3]
  /// The cell; rows are lattice vectors in Angstrom.
  public var cell: Cell
  public var atomicNumbers: [Int]
  /// Masses in u.
  public var masses: [Double]
  public var isFixed: [Bool]
  /// By which forces were evaluated.
  public var plan: EvaluationPlan
  /// Variables of integrator, thermostat and barostat.
  public var arrays: [String: [Double]]
  /// How much of each output file counts.
  public var outputs: [String: OutputMark]
  /// The resolved deck.
  public var deck: String
  /// SHA-256 of the model's weights.
  public var modelHash: String
  public var engineVersion: String

  public init(
    step: Int64, system: AtomicSystem, plan: EvaluationPlan, arrays: [String: [Double]] = [:],
    outputs: [String: OutputMark] = [:], deck: String, modelHash: String, engineVersion: String
  ) {
    self.step = step
    self.positions = system.positions
    self.velocities = system.velocities
    self.cell = system.cell
    self.atomicNumbers = system.atomicNumbers
    self.masses = system.masses
    self.isFixed = system.isFixed
    self.plan = plan
    self.arrays = arrays
    self.outputs = outputs
    self.deck = deck
    self.modelHash = modelHash
    self.engineVersion = engineVersion
  }

  /// The atoms as they were.
  public var system: AtomicSystem {
    AtomicSystem(
      cell: cell, atomicNumbers: atomicNumbers, masses: masses, positions: positions, velocities: velocities,
      isFixed: isFixed)
  }
}
