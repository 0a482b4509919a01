// What ranks tell each other in a step, counted where messages are received.

import Domains
import Foundation
import Lattice

/// Communication of a benchmark on several ranks. Volumes are bytes that a rank receives in a step, per atom of its own: of N atoms
/// on P ranks those that it receives times P / N.
public struct RankTraffic: Encodable, Sendable, CustomStringConvertible {
  public struct Volume: Encodable, Sendable {
    /// Over the ranks.
    public let mean: Double
    /// Of the rank that receives most of this.
    public let largest: Double
  }

  public let count: Int
  public let bricks: String
  public let bytesPerAtomStep: [String: Volume]
  /// Of a rank, on the mean.
  public let messagesPerStep: [String: Double]
  /// Copies of others' atoms that a rank has, per atom of its own.
  public let copiesPerAtom: Volume
  /// Largest resident memory of each rank.
  public let peakMemoryBytes: [Int]

  enum CodingKeys: String, CodingKey {
    case count, bricks
    case bytesPerAtomStep = "bytes_per_atom_step"
    case messagesPerStep = "messages_per_step"
    case copiesPerAtom = "copies_per_atom"
    case peakMemoryBytes = "peak_memory_bytes"
  }

  /// - Parameter before: what the ranks said before the steps.
  init(_ ranks: ForceField.Ranks, since before: [RankReport], steps: Int, atoms: Int) {
    let reports = ranks.reports()
    (count, bricks) = (ranks.count, ranks.bricks() ?? "")
    let perAtom = Double(ranks.count) / Double(steps) / Double(atoms)
    let traffic = zip(before, reports).map { $1.traffic - $0.traffic }
    func volume(_ cargo: Cargo) -> Volume {
      let each = traffic.map { Double($0[cargo]) * perAtom }
      return Volume(mean: each.reduce(0, +) / Double(each.count), largest: each.max() ?? 0)
    }
    bytesPerAtomStep = Dictionary(uniqueKeysWithValues: Cargo.allCases.map { ("\($0)", volume($0)) })
    func messages(_ cargo: Cargo) -> Double {
      Double(traffic.reduce(0) { $0 + $1.messages(cargo) }) / Double(steps * traffic.count)
    }
    messagesPerStep = Dictionary(uniqueKeysWithValues: Cargo.allCases.map { ("\($0)", messages($0)) })
    let positions = volume(.positions)
    let bytes = Double(MemoryLayout<Vector3>.stride)
    copiesPerAtom = Volume(mean: positions.mean / bytes, largest: positions.largest / bytes)
    peakMemoryBytes = reports.map(\.peakMemoryBytes)
  }

  public var description: String {
    let rows = Cargo.allCases.compactMap { cargo -> String? in
      guard let volume = bytesPerAtomStep["\(cargo)"], volume.largest > 0 else { return nil }
      return "  " + "\(cargo)".padding(toLength: 12, withPad: " ", startingAt: 0)
        + String(
          format: "%11.1f  %11.1f  %11.1f", volume.mean, volume.largest, messagesPerStep["\(cargo)"] ?? 0)
    }
    let copies = String(format: "%.2f copies of others' for each atom of its own", copiesPerAtom.mean)
    return """
      \(bricks); \(copies)
      bytes received per step and own atom, mean of the ranks and largest; messages per step
      \(rows.joined(separator: "\n"))
      peak memory of the ranks \(bytes(Double(peakMemoryBytes.min() ?? 0))) to \(bytes(Double(peakMemoryBytes.max() ?? 0)))
      """
  }
}
