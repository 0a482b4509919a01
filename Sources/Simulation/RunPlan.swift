// How a run evaluates its forces, from a checkpoint: enough to evaluate structures to the same bits.

import Deck
import Diagnostics
import LRMACE
import Lattice
import Trajectory

public struct RunPlan {
  /// The checkpoint.
  let file: String
  let evaluation: EvaluationPlan?
  let modelHash: String
  public let precision: LRMACEPotential.Precision
  public let threads: Int
  public let grid: BrickChoice

  /// - Throws: `TrajectoryError` for a file that is no sound checkpoint.
  public init(ofCheckpoint path: String) throws {
    let checkpoint = try Checkpoint.read(path)
    let deck = try Deck(text: checkpoint.deck, file: path, folder: "/")
    file = path
    evaluation = try Checkpoint.reading("plan", of: path) {
      try EvaluationPlan(checkpoint.plan, of: checkpoint.system)
    }
    modelHash = checkpoint.modelHash
    precision = deck.precision.ofKernels
    threads = deck.threads
    grid = deck.grid
  }

  /// - Throws: `FileError` unless the run's model is that of `forceField`.
  func requireModel(of forceField: ForceField) throws {
    guard forceField.hash == modelHash else {
      throw FileError(
        file: file, "the run has another model (\(modelHash.prefix(12))...)",
        help: "name the model of the run with --model, or leave --plan-of out")
    }
  }
}
