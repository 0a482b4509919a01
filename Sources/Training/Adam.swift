// Adam (Kingma and Ba, arXiv 1412.6980) with AMSGrad (Reddi, Kale and Kumar, arXiv 1904.09237), operation by operation as
// torch.optim.Adam and AdamW: at step t, with the rate a of a parameter, its decay w and gradient g,
//
//   adam    g <- g + w theta                     adamw   theta <- theta (1 - a w)     (arXiv 1711.05101)
//   m <- m + (1 - b1)(g - m)                     v <- b2 v + (1 - b2) g g
//   vhat = v, or with AMSGrad the largest v so far
//   theta <- theta - a / (1 - b1^t)  m / ( sqrt(vhat) / sqrt(1 - b2^t) + eps )

import Foundation
import Lattice

public struct Adam: Sendable, Hashable {
  public enum Kind: String, CaseIterable, Sendable { case adam, adamw }

  public var kind: Kind
  /// w, for blocks that decay.
  public var decay: Double
  public var usesLargest: Bool
  public var beta1: Double
  public var beta2: Double
  /// eps, in units of a gradient.
  public var epsilon: Double

  public init(
    kind: Kind = .adamw, decay: Double = 0, usesLargest: Bool = true, beta1: Double = 0.9,
    beta2: Double = 0.999, epsilon: Double = 1e-8
  ) {
    self.kind = kind
    self.decay = decay
    self.usesLargest = usesLargest
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
  }

  /// What the next step remembers of those before.
  public struct Moments: Sendable, Hashable {
    /// t of the last step.
    public var step: Int64 = 0
    /// m, v and the largest v, as long as the parameters.
    public var first: [Double]
    public var second: [Double]
    public var largest: [Double]

    public init(count: Int) {
      first = Array(repeating: 0, count: count)
      second = first
      largest = first
    }

    fileprivate mutating func withUnsafeMutablePointers(
      _ body: (
        _ first: UnsafeMutableBufferPointer<Double>, _ second: UnsafeMutableBufferPointer<Double>,
        _ largest: UnsafeMutableBufferPointer<Double>
      ) -> Void
    ) {
      first.withUnsafeMutableBufferPointer { first in
        second.withUnsafeMutableBufferPointer { second in
          largest.withUnsafeMutableBufferPointer { body(first, second, $0) }
        }
      }
    }
  }

  /// One step.
  /// - Parameters:
  ///   - rate: a, before the factor of each block.
  ///   - selection: factors of the rate and decay by block; frozen blocks keep their values.
  public func step(
    _ parameters: inout [Double], _ moments: inout Moments, gradient: [Double], rate: Double,
    selection: ParameterSelection
  ) {
    moments.step += 1
    let t = Double(moments.step)
    let correction1 = 1 - pow(beta1, t)
    let rootCorrection2 = (1 - pow(beta2, t)).squareRoot()
    for block in selection.blocks where block.factor > 0 {
      let rate = rate * block.factor
      let decay = block.decays ? decay : 0
      let stepSize = rate / correction1
      let shrink = kind == .adamw ? 1 - rate * decay : 1
      let pull = kind == .adam ? decay : 0
      // Two loops, so that each has few enough arrays to be vectorised: a square root and two quotients a parameter.
      parameters.withUnsafeMutableBufferPointer { parameters in
        moments.withUnsafeMutablePointers { first, second, largest in
          gradient.withUnsafeBufferPointer { gradient in
            for i in block.range {
              let g = gradient[i] + pull * parameters[i]
              first[i] += (1 - beta1) * (g - first[i])
              second[i] = beta2 * second[i] + (1 - beta2) * g * g
            }
          }
          for i in block.range {
            let v = second[i]
            let vhat = usesLargest && largest[i] > v ? largest[i] : v
            if usesLargest { largest[i] = vhat }
            let root = vhat.squareRoot() / rootCorrection2
            parameters[i] = parameters[i] * shrink - stepSize * first[i] / (root + epsilon)
          }
        }
      }
    }
  }
}

/// Scales `gradient` to a norm of at most `largest`, frozen blocks left out: torch.nn.utils.clip_grad_norm_,
/// g <- g min(1, largest / (|g| + 1e-6)).
/// - Returns: the norm before.
func clip(_ gradient: inout [Double], to largest: Double?, selection: ParameterSelection) -> Double {
  var square = 0.0
  for block in selection.blocks where block.factor > 0 {
    for i in block.range { square += gradient[i] * gradient[i] }
  }
  let norm = square.squareRoot()
  guard let largest, norm.isFinite else { return norm }
  let factor = largest / (norm + 1e-6)
  if factor < 1 { for i in gradient.indices { gradient[i] *= factor } }
  return norm
}

// MARK: - State

extension Adam.Moments {
  public var state: StateTree {
    [
      "step": .integers([step]), "first": .numbers(first), "second": .numbers(second),
      "largest": .numbers(largest),
    ]
  }

  /// - Throws: `StateError`.
  public init(_ state: StateTree, count: Int) throws {
    self.init(count: count)
    try state.read { state in
      step = Int64(try state.natural("step"))
      first = try state.numbers("first", count: count)
      second = try state.numbers("second", count: count)
      largest = try state.numbers("largest", count: count)
    }
  }
}
