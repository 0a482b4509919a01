// The rate of learning over a training: of step s, at the part p of all epochs that is done (0 to 1),
//
//   rate = peak min(1, (s + 1) / warm-up) g(p)
//   cosine    g = end + (1 - end) (1 + cos pi p) / 2
//   plateau   g times `factor` whenever the validation loss has not fallen for more than `patience` epochs
//             (torch.optim.lr_scheduler.ReduceLROnPlateau: relative threshold 1e-4, no cooldown)
//   constant  g = 1

import Foundation
import Lattice

public struct RateSchedule: Sendable, Hashable {
  public enum Shape: Sendable, Hashable {
    /// `end` as a part of the peak.
    case cosine(end: Double)
    case plateau(factor: Double, patience: Int)
    case constant
  }

  public var peak: Double
  /// Steps.
  public var warmUp: Int
  public var shape: Shape

  public init(peak: Double, warmUp: Int = 0, shape: Shape) {
    self.peak = peak
    self.warmUp = warmUp
    self.shape = shape
  }

  /// What the schedule remembers of past epochs; only `plateau` does.
  public struct Memory: Sendable, Hashable {
    /// g of `plateau`.
    public var reduction = 1.0
    /// Lowest validation loss; nil before the first.
    public var lowest: Double?
    /// Epochs since that the loss has not fallen.
    public var idleEpochs = 0

    public init() {}
  }

  /// - Parameters:
  ///   - step: s, 0 for the first.
  ///   - progress: p.
  public func rate(step: Int64, progress: Double, _ memory: Memory) -> Double {
    let warmth = warmUp > 0 ? min(1, Double(step + 1) / Double(warmUp)) : 1
    let g =
      switch shape {
      case .cosine(let end): end + (1 - end) * 0.5 * (1 + cos(Double.pi * min(1, progress)))
      case .plateau: memory.reduction
      case .constant: 1.0
      }
    return peak * warmth * g
  }

  /// Takes note of the validation loss after an epoch.
  public func note(_ loss: Double, in memory: inout Memory) {
    guard case .plateau(let factor, let patience) = shape else { return }
    if loss < memory.lowest.map({ $0 * (1 - 1e-4) }) ?? .infinity {
      memory.lowest = loss
      memory.idleEpochs = 0
    } else {
      memory.idleEpochs += 1
    }
    if memory.idleEpochs > patience {
      memory.reduction *= factor
      memory.idleEpochs = 0
    }
  }
}

// MARK: - State

extension RateSchedule.Memory {
  public var state: StateTree {
    var state: StateTree = [
      "reduction": .numbers([reduction]), "idle_epochs": .integers([Int64(idleEpochs)]),
    ]
    state.values["lowest"] = lowest.map { .numbers([$0]) }
    return state
  }

  /// - Throws: `StateError`.
  public init(_ state: StateTree) throws {
    self.init()
    try state.read { reader in
      reduction = try reader.number("reduction")
      idleEpochs = try reader.natural("idle_epochs")
      if state.values["lowest"] != nil { lowest = try reader.number("lowest") }
    }
  }
}
