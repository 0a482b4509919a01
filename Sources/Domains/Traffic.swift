// How much a rank is told: what it has received from others, by what it carries, and how long it took.

import Dispatch

/// What a message carries.
public enum Cargo: Int, CaseIterable, Sendable {
  /// Positions of the halo's copies.
  case positions
  /// Rows that neighbours read, from owners to copies: features, sources and potentials; on the way back also what gradients
  /// are made of.
  case features
  /// dE/d(features) of copies, to their owners.
  case gradients
  /// Forces on copies, to their owners.
  case forces
  /// Columns of long-range sources and fields, dealt out and back, and their gradients.
  case columns
  /// Positions for the long range, and dE/d(positions) back.
  case places
  /// What planes of a mesh make of pencils across them, there and back.
  case pencils
  /// Sums over all ranks.
  case sums
  /// Requests and positions from rank 0, forces and energies to everybody.
  case system
  /// What is said once for each division of the atoms.
  case division
}

/// Messages that a rank has received from others, their bytes, and the time in which it sent and received.
public struct Traffic: BitwiseCopyable, Hashable, Sendable {
  private var bytes = SIMD16<Int>.zero
  private var messages = SIMD16<Int>.zero
  /// Waiting for others, for the most part.
  public private(set) var seconds = 0.0

  public init() {}

  /// Bytes.
  public subscript(cargo: Cargo) -> Int { bytes[cargo.rawValue] }

  public func messages(_ cargo: Cargo) -> Int { messages[cargo.rawValue] }

  mutating func count(_ cargo: Cargo, bytes count: Int) {
    guard count > 0 else { return }
    bytes[cargo.rawValue] &+= count
    messages[cargo.rawValue] &+= 1
  }

  mutating func time(since start: DispatchTime) {
    seconds += Double(DispatchTime.now().uptimeNanoseconds - start.uptimeNanoseconds) * 1e-9
  }

  public static func - (a: Traffic, b: Traffic) -> Traffic {
    var difference = Traffic()
    difference.bytes = a.bytes &- b.bytes
    difference.messages = a.messages &- b.messages
    difference.seconds = a.seconds - b.seconds
    return difference
  }
}
