// What a restraint acts on, as a function q of vectors d between atoms:
//
//   distance              q = |d|,             d = r_j - r_i
//   distance difference   q = |d_1| - |d_2|,   d_1 = r_j - r_i, d_2 = r_l - r_k
//   angle                 q = acos(a . b / |a||b|),   a = r_i - r_j, b = r_k - r_j
//
// In a periodic cell each d is that of the nearest image. Forces and virial come from dq/dd alone (`Restraint`).

import Foundation
import Lattice

/// A coordinate of a few atoms, numbered from 0.
public enum Coordinate: Sendable, Hashable {
  /// In Angstrom.
  case distance(Int, Int)
  /// Of the first two atoms less that of the other two, in Angstrom.
  case distanceDifference(Int, Int, Int, Int)
  /// At the second atom, in radians.
  case angle(Int, Int, Int)

  /// Atoms in the order in which they are named.
  public var atoms: [Int] {
    switch self {
    case .distance(let i, let j): [i, j]
    case .distanceDifference(let i, let j, let k, let l): [i, j, k, l]
    case .angle(let i, let j, let k): [i, j, k]
    }
  }

  /// q.
  public func value(in system: AtomicSystem) -> Double { differentiate(in: system).value }

  /// q, and dq/dd of each d with the atoms that it leads from and to.
  func differentiate(in system: AtomicSystem) -> (value: Double, parts: [Part]) {
    func vector(_ i: Int, _ j: Int) -> Vector3 {
      system.cell.nearestImage(system.positions[j] - system.positions[i])
    }
    func distance(_ i: Int, _ j: Int, sign: Double = 1) -> (Double, Part) {
      let d = vector(i, j)
      let r = length(d)
      // Atoms on one spot have no direction.
      return (r, Part(from: i, to: j, vector: d, slope: r > 0 ? d * (sign / r) : .zero))
    }
    switch self {
    case .distance(let i, let j):
      let (r, part) = distance(i, j)
      return (r, [part])
    case .distanceDifference(let i, let j, let k, let l):
      let (first, second) = (distance(i, j), distance(k, l, sign: -1))
      return (first.0 - second.0, [first.1, second.1])
    case .angle(let i, let j, let k):
      let (a, b) = (vector(j, i), vector(j, k))
      let (lengthA, lengthB) = (length(a), length(b))
      guard lengthA > 0, lengthB > 0 else { return (0, []) }
      let (u, v) = (a / lengthA, b / lengthB)
      let cosine = max(-1, min(1, dot(u, v)))
      // At 0 and 180 degrees the slope has no direction; near them it is that of `leastSine`.
      let sine = max(length(cross(u, v)), Self.leastSine)
      return (
        atan2(length(cross(u, v)), cosine),
        [
          Part(from: j, to: i, vector: a, slope: (u * cosine - v) / (lengthA * sine)),
          Part(from: j, to: k, vector: b, slope: (v * cosine - u) / (lengthB * sine)),
        ]
      )
    }
  }

  private static let leastSine = 1e-6

  /// One d, and dq/dd.
  struct Part {
    let from: Int
    let to: Int
    let vector: Vector3
    let slope: Vector3
  }
}
