// A run that goes on from its checkpoint as if it had never stopped.

import Deck
import Diagnostics
import Dynamics
import Foundation
import Lattice
import Restraints
import Trajectory

extension Simulation {
  /// Sets up the run whose checkpoint is at `path`, or, if that is damaged, the one before it.
  ///
  /// The run goes on in the folder where the checkpoint lies now, in files of its name.
  /// - Throws: `TrajectoryError` if no checkpoint is usable, `FileError` if the force field is another one.
  public init(
    checkpoint path: String, options: ResumeOptions = ResumeOptions(),
    events: @escaping EventHandler = { _ in },
    forceField makeForceField: (Deck) throws -> ForceField = ForceField.lrmace
  ) throws {
    let point = try ResumePoint(path, options)
    for note in point.notes { try events(note) }
    self.events = events
    deck = point.deck
    forceField = try deck.recordedForceField(point.checkpoint.modelHash, makeForceField)
    files = point.output.files
    lastStep = Int64(deck.steps)
    let system = point.checkpoint.system
    var plan = point.plan
    if let old = plan, let reason = forceField.potential.reasonToRenew(old, for: system) {
      try events(.note("note: \(reason); new ones are chosen here: the run goes on, but not bit for bit"))
      plan = nil
    }
    let fresh = try deck.makeRestraints(on: system)
    let restraints = try Checkpoint.reading("restraints", of: point.path) {
      try fresh.restored(from: point.checkpoint.restraints)
    }
    self.restraints = restraints
    let potentials = try Self.potentials(of: deck, forceField, restraints, makeForceField)
    motion =
      try deck.makeBand(restoredInto: system, in: potentials, plan: plan)
      ?? deck.makeMotion(of: system, in: potentials[0], plan: plan)
    resumePoint = point
    notices = []
    columns = []
    try Checkpoint.reading("motion", of: point.path) {
      try motion.restore(point.checkpoint.motion, at: point.checkpoint.step)
    }
  }

  /// Runs from the checkpoint to the last step.
  /// - Parameter interruption: what asks the run to end after the present step, nil for nothing.
  /// - Throws: `TrajectoryError`, `HDF5Error`, `NumericalError`, `BrokenRun`, what the handler of events throws.
  public mutating func resume(interruption: () -> String? = { nil }) throws {
    guard let point = resumePoint else { preconditionFailure("a simulation resumes only from a checkpoint") }
    resumePoint = nil
    do { try prepare() } catch let error as PlanError {
      throw TrajectoryError.corruptCheckpoint(file: point.path, reason: "/plan: \(error.reason)")
    }
    try tellBricks()
    try point.output.dropWhatFollows()
    try files.writeResolvedDeck(deck.resolvedText, of: deck.file)
    // From a copy or the checkpoint before: from now on the newest one is of this run, too.
    if point.path != files.checkpoint { try writeCheckpoint(of: point.output.observers) }
    if !motion.isFinished {
      try integrate(writing: point.output, isNew: false, until: interruption)
    } else {
      // What was killed after its last checkpoint may lack the last configuration.
      try finish(point.output.observers)
      try events(
        .result("The run is complete: step \(point.checkpoint.step) of \(lastStep). `--steps N` runs N more.")
      )
      try requireGoal()
    }
  }
}
