// A run that goes on from its checkpoint as if it had never stopped.

import Deck
import Dynamics
import Foundation
import Lattice
import Trajectory

extension Simulation {
  /// Sets up the run whose checkpoint is at `path`, or, if that is damaged, the one before it.
  ///
  /// The run goes on in the folder where the checkpoint lies now.
  /// - Parameter steps: number of steps from the checkpoint on; nil for what is left of the deck's.
  /// - Throws: `TrajectoryError` if no checkpoint is usable, `FileError` if the force field is another one.
  public init(
    checkpoint path: String, steps: Int?,
    forceField makeForceField: (Deck) throws -> ForceField = ForceField.lrmace
  ) throws {
    let (checkpoint, warning) = try Checkpoint.readNewestValid(path)
    if let warning { note("warning: \(warning)") }
    if checkpoint.engineVersion != Release.version {
      note(
        "warning: Bloch \(checkpoint.engineVersion) wrote this checkpoint, this is \(Release.version); "
          + "the run goes on, but not bit for bit")
    }
    var overrides = ["output.folder": URL(fileURLWithPath: path).deletingLastPathComponent().path]
    if let steps { overrides["steps"] = "\(Int(checkpoint.step) + steps)" }
    deck = try Deck(text: checkpoint.deck, file: path, folder: "/", overrides: overrides)
    forceField = try makeForceField(deck)
    guard forceField.hash == checkpoint.modelHash else {
      throw FileError(
        file: deck.model,
        "this is not the model with which the run began (\(checkpoint.modelHash.prefix(12))...)",
        help: "put the old model back, or begin a new run")
    }
    system = checkpoint.system
    degreesOfFreedom = deck.degreesOfFreedom(of: system)
    integrator = try deck.makeIntegrator(degreesOfFreedom: degreesOfFreedom)
    try integrator.restore(IntegratorState(completedSteps: checkpoint.step, variables: checkpoint.arrays))
    files = OutputFiles(folder: deck.outputFolder, name: deck.outputName)
    lastStep = Int64(deck.steps)
    self.checkpoint = checkpoint
  }

  /// Runs from the checkpoint to the last step.
  /// - Throws: `TrajectoryError`, `HDF5Error`, `NumericalError`.
  public mutating func resume() throws {
    guard let checkpoint else { preconditionFailure("a simulation resumes only from a checkpoint") }
    guard checkpoint.step < lastStep else {
      print("The run is complete: step \(checkpoint.step) of \(lastStep). `--steps N` runs N more.")
      return
    }
    forceField.potential.restore(settings: checkpoint.arrays)
    try forceField.potential.rebuildNeighborList(at: checkpoint.neighborListPositions, system: system)
    try prepare()
    let output = try RunOutput(resuming: files, for: self, from: checkpoint)
    try files.writeResolvedDeck(deck)
    try integrate(writing: output)
  }
}
