// Activation functions with the derivatives that adjoints need:
//   silu(x) = x s(x),   softplus(x) = log(1 + exp x),   s(x) = 1 / (1 + exp(-x)).

import Foundation

/// silu(x) with two derivatives.
@inlinable
public func silu(_ x: Double) -> (value: Double, first: Double, second: Double) {
  let s = 1 / (1 + exp(-x))
  return (x * s, s * (1 + x * (1 - s)), s * (1 - s) * (2 + x * (1 - 2 * s)))
}

/// softplus(x) with its derivative; no overflow.
@inlinable
public func softplus(_ x: Double) -> (value: Double, first: Double) {
  (max(x, 0) + log1p(exp(-abs(x))), 1 / (1 + exp(-x)))
}

// self[n] <- scale phi(self[n]) and slope[n] <- scale phi'(self[n]), for queries and keys of the attention.
extension UnsafeMutablePointer where Pointee: KernelScalar {
  @inlinable @inline(__always)
  public func applyIdentity(slope: UnsafeMutablePointer<Pointee>, count: Int, scale: Pointee) {
    for n in 0..<count {
      slope[n] = scale
      self[n] *= scale
    }
  }

  /// In lanes, with their own exponential.
  @inlinable @inline(__always)
  public func applySilu(slope: UnsafeMutablePointer<Pointee>, count: Int, scale: Pointee) {
    let whole = count / Pointee.Lanes.scalarCount * Pointee.Lanes.scalarCount
    for n in stride(from: 0, to: whole, by: Pointee.Lanes.scalarCount) {
      let x = lanes(n)
      let s = 1 / (1 + Pointee.exp(-x))
      slope.setLanes(n, scale * s * (1 + x * (1 - s)))
      setLanes(n, scale * x * s)
    }
    for n in whole..<count {
      let s = silu(Double(self[n]))
      slope[n] = scale * Pointee(s.first)
      self[n] = scale * Pointee(s.value)
    }
  }

  @inlinable @inline(__always)
  public func applySoftplus(slope: UnsafeMutablePointer<Pointee>, count: Int, scale: Pointee) {
    for n in 0..<count {
      let s = softplus(Double(self[n]))
      slope[n] = scale * Pointee(s.first)
      self[n] = scale * Pointee(s.value)
    }
  }
}
