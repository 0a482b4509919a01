import Foundation
import Testing

@testable import Trajectory

private let columns = [
  LogTable.Column(name: "step", unit: "1"), LogTable.Column(name: "time", unit: "ps"),
  LogTable.Column(name: "potential_energy", unit: "eV"),
]

private func append(_ steps: Range<Int>, to log: LogTable) throws {
  for step in steps { try log.append(step: Int64(step), [Double(step) * 5e-4, -14 - 1 / Double(step + 3)]) }
}

@Test func aResumedLogHasTheSameBytesAsAnUnbrokenOne() throws {
  let scratch = try Scratch()
  try append(0..<20, to: LogTable(creating: scratch.path("whole.tsv"), columns: columns))
  var checkpointed = 0
  do {
    let log = try LogTable(creating: scratch.path("parts.tsv"), columns: columns)
    try append(0..<11, to: log)
    checkpointed = log.byteCount
    try append(11..<15, to: log)
  }
  let log = try LogTable(resuming: scratch.path("parts.tsv"), columns: columns, byteCount: checkpointed)
  try append(11..<20, to: log)

  let whole = try String(contentsOfFile: scratch.path("whole.tsv"), encoding: .utf8)
  #expect(try String(contentsOfFile: scratch.path("parts.tsv"), encoding: .utf8) == whole)
  #expect(log.byteCount == whole.utf8.count)
  let lines = whole.split(separator: "\n")
  #expect(lines[0] == "# step [1]\ttime [ps]\tpotential_energy [eV]")
  #expect(lines[3] == "2\t0.001\t-14.2")
  #expect(lines.count == 21)
}

@Test func logsThatDoNotFitAreRefused() throws {
  let scratch = try Scratch()
  let path = scratch.path("a.tsv")
  let log = try LogTable(creating: path, columns: columns)
  #expect(throws: TrajectoryError.self) { try LogTable(creating: path, columns: columns) }
  #expect(throws: TrajectoryError.self) {
    try LogTable(resuming: path, columns: columns, byteCount: log.byteCount + 1)
  }
  #expect(throws: TrajectoryError.self) {
    try LogTable(resuming: path, columns: Array(columns.dropLast()), byteCount: log.byteCount)
  }
  #expect(throws: TrajectoryError.self) {
    try LogTable(resuming: scratch.path("absent.tsv"), columns: columns, byteCount: 10)
  }
}
