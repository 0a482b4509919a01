// Random numbers as a pure function of (seed, step, atom, stream): a run depends on its seed, not on threads,
// on the order of atoms in a loop, or on how often it was restarted.
//
//   uniform  u = (m + 1/2) / 2^52, m the upper 52 bits of two Philox words: exact in Double, never 0 or 1
//   normal   sqrt(-2 ln u_1) (cos 2 pi u_2, sin 2 pi u_2)
//            (Box and Muller, doi 10.1214/aoms/1177706645)

import Foundation

/// Uniform and normal deviates addressed by step, atom and stream.
///
/// Streams keep uses apart that share a step and an atom (velocities at the start, one thermostat, another):
/// each use picks its own number.
public struct CounterRNG: Sendable, Hashable {
  public let seed: UInt64

  public init(seed: UInt64) { self.seed = seed }

  /// Four independent uniform deviates in the open interval (0, 1).
  ///
  /// - Precondition: `atom` fits 32 bits and `stream` 31 bits.
  public func uniforms(step: Int64, atom: Int, stream: UInt32) -> SIMD4<Double> {
    let key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    var counter = SIMD4(
      UInt32(truncatingIfNeeded: step), UInt32(truncatingIfNeeded: step >> 32),
      UInt32(truncatingIfNeeded: atom), stream << 1)
    let first = Philox.block(counter: counter, key: key)
    counter.w |= 1
    let second = Philox.block(counter: counter, key: key)
    return SIMD4(
      uniform(first.x, first.y), uniform(first.z, first.w), uniform(second.x, second.y),
      uniform(second.z, second.w))
  }

  /// Three independent standard normal deviates.
  ///
  /// - Precondition: `atom` fits 32 bits and `stream` 31 bits.
  public func normals(step: Int64, atom: Int, stream: UInt32) -> Vector3 {
    let u = uniforms(step: step, atom: atom, stream: stream)
    let radius = (-2 * log(u.x)).squareRoot()
    let angle = 2 * Double.pi * u.y
    return Vector3(
      radius * cos(angle), radius * sin(angle), (-2 * log(u.z)).squareRoot() * cos(2 * Double.pi * u.w))
  }

  private func uniform(_ high: UInt32, _ low: UInt32) -> Double {
    let bits = (UInt64(high) << 32 | UInt64(low)) >> 12
    return (Double(bits) + 0.5) * 0x1p-52
  }
}
