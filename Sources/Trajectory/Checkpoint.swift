// Everything that the next step of a run needs, kept bit for bit. 2N steps are N steps, a checkpoint and N
// steps.

import Lattice

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
  /// Where the neighbour list was last built; the order of its pairs fixes the order of sums.
  public var neighborListPositions: [Vector3]
  /// Variables of integrator, thermostat and barostat.
  public var arrays: [String: [Double]]
  /// Seed and counters of random numbers, valid frames of each output, bytes of the log.
  public var counters: [String: Int64]
  /// The resolved deck.
  public var deck: String
  /// SHA-256 of the model's weights.
  public var modelHash: String
  public var engineVersion: String

  public init(
    step: Int64, system: AtomicSystem, neighborListPositions: [Vector3], arrays: [String: [Double]] = [:],
    counters: [String: Int64] = [:], deck: String, modelHash: String, engineVersion: String
  ) {
    self.step = step
    self.positions = system.positions
    self.velocities = system.velocities
    self.cell = system.cell
    self.atomicNumbers = system.atomicNumbers
    self.masses = system.masses
    self.isFixed = system.isFixed
    self.neighborListPositions = neighborListPositions
    self.arrays = arrays
    self.counters = counters
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
