// Everything that the next step of a run needs, kept bit for bit. 2N steps are N steps, a checkpoint and N steps.
//
//   /run        step, deck, model_hash, engine_version
//   /system     cell, is_periodic, atomic_numbers, masses, positions, velocities, move_mask
//   /motion     variables of the motion
//   /plan       what the potential settled on
//   /restraints points by which atoms are held; not there without any
//   /observers  of each by its name, how much of its file counts
//
// What is in /motion, /plan, /restraints and /observers is the business of those parts.

import Foundation
import Lattice

/// The state of a run between two steps.
public struct Checkpoint: Sendable, Equatable {
  /// Steps done so far.
  public var step: Int64
  public var system: AtomicSystem
  public var motion: StateTree
  public var plan: StateTree
  public var restraints: StateTree
  public var observers: [String: StateTree]
  /// The resolved deck.
  public var deck: String
  /// SHA-256 of the model's weights.
  public var modelHash: String
  public var engineVersion: String

  public init(
    step: Int64, system: AtomicSystem, motion: StateTree = [:], plan: StateTree = [:],
    restraints: StateTree = [:], observers: [String: StateTree] = [:], deck: String, modelHash: String,
    engineVersion: String
  ) {
    self.step = step
    self.system = system
    self.motion = motion
    self.plan = plan
    self.restraints = restraints
    self.observers = observers
    self.deck = deck
    self.modelHash = modelHash
    self.engineVersion = engineVersion
  }

  public static func == (a: Checkpoint, b: Checkpoint) -> Bool { a.tree == b.tree }

  /// Beyond this, numbers of steps are not exact as Double, and sums of them could overflow.
  private static let largestStep: Int64 = 1 << 53

  var tree: StateTree {
    var tree: StateTree = [
      "run": .group([
        "step": .integers([step]), "deck": .text(deck), "model_hash": .text(modelHash),
        "engine_version": .text(engineVersion),
      ]),
      "system": .group(system.state), "motion": .group(motion), "plan": .group(plan),
      "observers": .group(StateTree(observers.mapValues(StateTree.Value.group))),
    ]
    if !restraints.values.isEmpty { tree.values["restraints"] = .group(restraints) }
    return tree
  }

  /// - Throws: `StateError` for what no run could go on from.
  init(_ tree: StateTree) throws {
    let hasRestraints = tree.values["restraints"] != nil
    self = try tree.read { tree in
      let (run, system, observers) = try (tree.group("run"), tree.group("system"), tree.group("observers"))
      var checkpoint = try Checkpoint(
        step: 0, system: StateError.inside("system") { try AtomicSystem(system) },
        motion: tree.group("motion"), plan: tree.group("plan"),
        restraints: hasRestraints ? tree.group("restraints") : [:], deck: "", modelHash: "", engineVersion: ""
      )
      try StateError.inside("run") {
        try run.read { run in
          checkpoint.step = try run.integer("step")
          guard (0...Self.largestStep).contains(checkpoint.step) else {
            throw StateError("step", "holds \(checkpoint.step)")
          }
          checkpoint.deck = try run.text("deck")
          checkpoint.modelHash = try run.text("model_hash")
          checkpoint.engineVersion = try run.text("engine_version")
        }
      }
      try StateError.inside("observers") {
        for (name, value) in observers.values {
          guard case .group(let state) = value else { throw StateError(name, "is no group") }
          checkpoint.observers[name] = state
        }
      }
      return checkpoint
    }
  }
}

// MARK: - On disk

extension Checkpoint {
  /// The name of the newest checkpoint of a run: `NAME.checkpoint.h5`.
  public static func path(of name: String) -> String { name + ".checkpoint.h5" }

  /// The name under which the checkpoint before the one at `path` is kept: `NAME.checkpoint.previous.h5`.
  public static func previousPath(of path: String) -> String {
    (path.hasSuffix(".h5") ? String(path.dropLast(3)) : path) + ".previous.h5"
  }

  /// Removes what a run that was killed while it wrote may have left beside the checkpoint at `path`.
  public static func removeLeftovers(of path: String) { unlink(path + ".tmp") }

  /// Writes the checkpoint to `path` and keeps the one that was there as the previous one.
  ///
  /// - Throws: `TrajectoryError`, `HDF5Error`; whatever happens, the checkpoints that were there are left.
  public func write(to path: String) throws { try CheckpointFormat.run.write(tree, to: path) }

  /// Reads the checkpoint at `path`.
  ///
  /// - Throws: `TrajectoryError.corruptCheckpoint`.
  public static func read(_ path: String) throws -> Checkpoint {
    try CheckpointFormat.run.read(path) { try Checkpoint($0) }
  }

  /// Runs `body`, a part that reads its group of the checkpoint at `path`.
  ///
  /// - Throws: `TrajectoryError.corruptCheckpoint` where the group is not the part's.
  public static func reading<Result>(
    _ group: String, of path: String, _ body: () throws -> Result
  ) throws -> Result {
    do { return try StateError.inside(group, body) } catch let error as StateError {
      throw TrajectoryError.corruptCheckpoint(file: path, reason: "\(error)")
    }
  }
}
