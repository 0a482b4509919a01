// The one place where the potential of a training is made.

import Deck
import Diagnostics
import LRMACEModel
import Lattice
import Training

/// What a potential to be trained is made from.
public struct PotentialRequest {
  public let deck: TrainingDeck
  public let origin: Origin
  /// The frames that are learned: total charges among them.
  public let frames: [LabelledFrame]

  public enum Origin: Sendable {
    /// New weights for this architecture, drawn from the deck's seed.
    case architecture(Architecture, DataScaling)
    /// The weights of a model.
    case model(Model)
  }
}

/// Makes a potential.
public typealias PotentialMaker = (PotentialRequest) throws -> any TrainablePotential

/// - Throws: `FileError`.
public func makePotential(_ request: PotentialRequest) throws -> any TrainablePotential {
  throw FileError(
    file: request.deck.file, "this build of Bloch has no gradients by the parameters of a model",
    help: "take a later build")
}
