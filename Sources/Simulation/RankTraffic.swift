// What ranks tell each other in a step, counted where messages are received, and how evenly they share it.

import Domains
import Foundation

/// Communication of a benchmark on several ranks. Volumes are bytes that a rank receives in a step, per atom of its own: of N atoms
/// on P ranks those that it receives times P / N.
public struct RankTraffic: Encodable, Sendable, CustomStringConvertible {
  public let count: Int
  public let bricks: String
  public let bytesPerAtomStep: [String: RankBalance.Spread]
  /// Of a rank, on the mean.
  public let messagesPerStep: [String: Double]
  /// In all steps.
  public let balance: RankBalance
  private let steps: Int
  /// Largest resident memory of each rank.
  public let peakMemoryBytes: [Int]

  enum CodingKeys: String, CodingKey {
    case count, bricks, balance
    case bytesPerAtomStep = "bytes_per_atom_step"
    case messagesPerStep = "messages_per_step"
    case peakMemoryBytes = "peak_memory_bytes"
  }

  /// - Parameter before: what the ranks said before the steps.
  init(_ ranks: ForceField.Ranks, since before: [RankReport], steps: Int, atoms: Int) {
    let reports = ranks.reports()
    (count, bricks) = (ranks.count, ranks.bricks() ?? "")
    let perAtom = Double(ranks.count) / Double(steps) / Double(atoms)
    let traffic = zip(before, reports).map { $1.traffic - $0.traffic }
    bytesPerAtomStep = Dictionary(
      uniqueKeysWithValues: Cargo.allCases.map { cargo in
        ("\(cargo)", RankBalance.Spread(traffic.map { Double($0[cargo]) * perAtom }))
      })
    func messages(_ cargo: Cargo) -> Double {
      Double(traffic.reduce(0) { $0 + $1.messages(cargo) }) / Double(steps * traffic.count)
    }
    messagesPerStep = Dictionary(uniqueKeysWithValues: Cargo.allCases.map { ("\($0)", messages($0)) })
    (balance, self.steps) = (RankBalance(before, reports), steps)
    peakMemoryBytes = reports.map(\.peakMemoryBytes)
  }

  public var description: String {
    let rows = Cargo.allCases.compactMap { cargo -> String? in
      guard let volume = bytesPerAtomStep["\(cargo)"], volume.largest > 0 else { return nil }
      return "  " + "\(cargo)".padding(toLength: 12, withPad: " ", startingAt: 0)
        + String(
          format: "%11.1f  %11.1f  %11.1f", volume.mean, volume.largest, messagesPerStep["\(cargo)"] ?? 0)
    }
    let copies = String(
      format: "%.2f copies of others' for each atom of its own", balance.copies.mean / balance.ownAtoms.mean)
    return """
      \(bricks); \(copies)
      share of a rank in a step, mean of the ranks and largest; largest by mean
      \(balance.table(steps: steps))
      bytes received per step and own atom, mean of the ranks and largest; messages per step
      \(rows.joined(separator: "\n"))
      peak memory of the ranks \(bytes(Double(peakMemoryBytes.min() ?? 0))) to \(bytes(Double(peakMemoryBytes.max() ?? 0)))
      """
  }
}
