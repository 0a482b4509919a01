// How evenly ranks share a system: atoms, and the time that each works in an evaluation of the forces against the time that it
// spends in messages, waiting for the others.

import Foundation

public struct RankBalance: Encodable, Sendable {
  /// Of a number that each rank has.
  public struct Spread: Encodable, Sendable {
    public let mean: Double
    public let largest: Double

    init(_ values: [Double]) {
      (mean, largest) = (values.reduce(0, +) / Double(max(values.count, 1)), values.max() ?? 0)
    }

    /// Times the mean; 1 of nothing.
    public var ratio: Double { mean > 0 ? largest / mean : 1 }
  }

  public let ranks: Int
  /// Atoms of a rank, and copies of others' that it has.
  public let ownAtoms: Spread
  public let copies: Spread
  /// Seconds of evaluations.
  public let workingSeconds: Spread
  public let waitingSeconds: Spread

  enum CodingKeys: String, CodingKey {
    case copies
    case ownAtoms = "own_atoms"
    case workingSeconds = "working_seconds"
    case waitingSeconds = "waiting_seconds"
  }

  /// Of the evaluations between two reports of the same ranks.
  init(_ before: [RankReport], _ after: [RankReport]) {
    ranks = after.count
    ownAtoms = Spread(after.map { Double($0.ownAtoms) })
    copies = Spread(after.map { Double($0.copies) })
    workingSeconds = Spread(zip(before, after).map { $1.workingSeconds - $0.workingSeconds })
    waitingSeconds = Spread(zip(before, after).map { $1.waitingSeconds - $0.waitingSeconds })
  }

  /// Beyond this a run tells it: the busiest rank against the mean.
  private static let remarkable = 1.1

  /// For a person; nil where ranks are as busy as each other.
  var imbalance: String? {
    guard workingSeconds.ratio > Self.remarkable else { return nil }
    func times(_ spread: Spread) -> String { String(format: "%.2f times", spread.ratio) }
    return "Imbalance: the busiest of \(ranks) ranks worked \(times(workingSeconds)) as long as the mean, "
      + "the fullest has \(times(ownAtoms)) the mean's atoms; other bricks (`grid`) or fewer ranks may share "
      + "the work better."
  }

  /// Rows of a table.
  /// - Parameter steps: over which times are spread.
  func table(steps: Int) -> String {
    let milliseconds = 1e3 / Double(max(steps, 1))
    let rows = [
      ("own atoms", ownAtoms, 1), ("copies", copies, 1), ("ms working", workingSeconds, milliseconds),
      ("ms waiting", waitingSeconds, milliseconds),
    ]
    return rows.map { name, spread, unit in
      "  " + name.padding(toLength: 12, withPad: " ", startingAt: 0)
        + String(format: "%11.1f  %11.1f  %11.2f", spread.mean * unit, spread.largest * unit, spread.ratio)
    }.joined(separator: "\n")
  }
}
