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

/// - Throws: `DeckError` where a known charge is missing, `ModelError` for charges that contradict each other.
public func makePotential(_ request: PotentialRequest) throws -> any TrainablePotential {
  let deck = request.deck
  let (model, neighbors): (Model, Double)
  switch request.origin {
  case .architecture(let architecture, let scaling):
    let architecture = try architecture.knowingCharges(of: request)
    model = try Model(architecture, scaling: scaling, name: deck.outputName, seed: UInt64(deck.seed))
    neighbors = scaling.averageNeighbors
  case .model(let start):
    model = start
    neighbors = try DataStatistics(of: request.frames, cutoff: start.cutoff).averageNeighbors
  }
  return try TrainableLRMACE(
    model, averageNeighbors: neighbors, precision: deck.precision.ofKernels, threads: deck.threads)
}

extension Architecture {
  /// With the total charges of the frames, where the deck names no species of known charge.
  fileprivate func knowingCharges(of request: PotentialRequest) throws -> Architecture {
    guard case .conserved(var conserved) = longRange, conserved.charges.isEmpty else { return self }
    var seen: Set<[Int]> = []
    for frame in request.frames {
      guard let charge = frame.charge else {
        throw request.deck.error(
          at: "long_range.charges",
          "conserved sources need the charges of molecules and ions, or the total charge of every frame",
          help: "give them, as in `charges: {H2O: 0}`, or frames a key `charge`")
      }
      let composition = Dictionary(frame.system.atomicNumbers.map { ($0, 1) }, uniquingKeysWith: +)
      guard seen.insert(species.map { composition[$0] ?? 0 }).inserted else { continue }
      conserved.charges.append(
        ChargedSpecies(formula: "frame \(frame.number)", composition: composition, charge: charge))
    }
    var architecture = self
    architecture.longRange = .conserved(conserved)
    return architecture
  }
}
