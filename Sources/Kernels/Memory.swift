// Memory that is asked for in advance: what a system needs follows from its sizes alone, and a refusal in words is
// worth more than an allocation that fails in the middle of a step.

import Foundation

/// A system, or a number of threads, that needs more memory than there is.
public struct MemoryError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What needs it, with the sizes that it follows from.
  public let purpose: String
  public let bytes: Double
  /// What a user can do.
  public let help: String

  public var description: String {
    let limit =
      bytes <= Memory.physical
      ? "more than this process can have" : "and this machine has \(Memory.text(bytes: Memory.physical))"
    return "\(purpose) would need \(Memory.text(bytes: bytes)) of memory, \(limit)\n  help: \(help)"
  }
}

public enum Memory {
  /// Of the machine, in bytes.
  public static let physical = Double(ProcessInfo.processInfo.physicalMemory)

  /// Checks that `bytes` more can be had: no more than the machine has, and within the limits of this process.
  /// Nothing is kept.
  ///
  /// - Throws: `MemoryError`, also for a number of bytes that is not finite.
  public static func require(
    _ bytes: Double, for purpose: @autoclosure () -> String, help: @autoclosure () -> String
  )
    throws(MemoryError)
  {
    guard bytes <= physical, canMap(Int(bytes)) else {
      throw MemoryError(purpose: purpose(), bytes: bytes, help: help())
    }
  }

  /// Whether the system would map so much: limits such as those of `ulimit -v` count address space, touched or not.
  private static func canMap(_ bytes: Int) -> Bool {
    guard bytes > 0 else { return true }
    let block = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
    guard block != MAP_FAILED else { return false }
    munmap(block, bytes)
    return true
  }

  /// "12.9 GB"; "3.2e+05 TB" beyond any machine.
  static func text(bytes: Double) -> String {
    let units = ["kB", "MB", "GB", "TB"]
    var (value, unit) = (bytes / 1e3, 0)
    while value >= 999.95, unit < units.count - 1 { (value, unit) = (value / 1e3, unit + 1) }
    return String(format: value < 1e4 ? "%.1f " : "%.1e ", value) + units[unit]
  }
}
