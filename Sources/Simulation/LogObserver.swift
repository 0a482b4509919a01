// Energies and the like over time: one line of a table for each observation.

import Deck
import Dynamics
import Lattice
import Trajectory

final class LogObserver: Observer {
  static let name = "log"
  var name: String { Self.name }
  let interval: Int
  private let table: LogTable
  private let observables: [Observable]
  /// Whether steps have a time.
  private let isInTime: Bool

  /// Begins the file of a new run in `cell`.
  init(creating path: String, deck: Deck, cell: Cell) throws {
    interval = deck.logInterval
    observables = deck.observables(in: cell)
    isInTime = deck.timestep != nil
    table = try LogTable(creating: path, columns: Self.columns(observables, isInTime: isInTime))
  }

  /// Opens the file of a run that goes on, having made sure that it holds what `mark` counts.
  init(resuming path: String, deck: Deck, cell: Cell, mark: OutputMark) throws {
    interval = deck.logInterval
    observables = deck.observables(in: cell)
    isInTime = deck.timestep != nil
    table = try LogTable(
      resuming: path, columns: Self.columns(observables, isInTime: isInTime), byteCount: mark.count,
      digest: mark.digest)
  }

  private static func columns(_ observables: [Observable], isInTime: Bool) -> [LogTable.Column] {
    [.init(name: "step", unit: "1")] + (isInTime ? [.init(name: "time", unit: "ps")] : [])
      + observables.map { LogTable.Column(name: $0.name, unit: $0.unit) }
  }

  func observe(_ frame: Frame) throws {
    let time = isInTime ? [(frame.time ?? .nan) * 1e-3] : []
    try table.append(step: frame.step, time + observables.values(of: frame))
  }

  func state() throws -> StateTree? {
    try table.synchronize()
    return OutputMark(count: table.byteCount, digest: table.digest).state
  }

  func close() throws { try table.synchronize() }

  func countLinesThatFollow() -> Int { table.countLinesThatFollow() }
  func dropWhatFollows() throws { try table.dropWhatFollows() }
}
