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
  var checkpointed = (byteCount: 0, digest: "")
  do {
    let log = try LogTable(creating: scratch.path("parts.tsv"), columns: columns)
    try append(0..<11, to: log)
    checkpointed = (log.byteCount, log.digest)
    try append(11..<15, to: log)
  }
  let log = try LogTable(
    resuming: scratch.path("parts.tsv"), columns: columns, byteCount: checkpointed.byteCount,
    digest: checkpointed.digest)
  #expect(log.countLinesThatFollow() == 4)
  try log.dropWhatFollows()
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
  func resume(_ path: String, _ columns: [LogTable.Column], _ byteCount: Int) throws {
    _ = try LogTable(resuming: path, columns: columns, byteCount: byteCount, digest: log.digest)
  }
  try resume(path, columns, log.byteCount)
  #expect(throws: TrajectoryError.self) { try resume(path, columns, log.byteCount + 1) }
  #expect(throws: TrajectoryError.self) { try resume(path, columns, log.byteCount - 1) }
  #expect(throws: TrajectoryError.self) { try resume(path, Array(columns.dropLast()), log.byteCount) }
  #expect(throws: TrajectoryError.self) { try resume(scratch.path("absent.tsv"), columns, 10) }
  try append(0..<3, to: log)
  try resume(path, columns, log.byteCount)
  // As a power cut may leave it: the right length, zeros in the place of a line.
  let descriptor = open(path, O_WRONLY)
  #expect(pwrite(descriptor, [UInt8](repeating: 0, count: 5), 5, off_t(log.byteCount - 20)) == 5)
  close(descriptor)
  #expect(throws: TrajectoryError.self) { try resume(path, columns, log.byteCount) }
}

@Test func aLogThatIsRemovedWhileItIsWrittenIsMissed() throws {
  let scratch = try Scratch()
  let path = scratch.path("a.tsv")
  let log = try LogTable(creating: path, columns: columns)
  try log.synchronize()
  try FileManager.default.removeItem(atPath: path)
  #expect(throws: TrajectoryError.vanished(file: path)) { try log.synchronize() }
  try Data("another".utf8).write(to: URL(fileURLWithPath: path))
  #expect(throws: TrajectoryError.vanished(file: path)) { try log.synchronize() }
}

@Test func aLogIsReadBackAndALineInTheMakingLeftOut() throws {
  let scratch = try Scratch()
  let path = scratch.path("a.tsv")
  do {
    let log = try LogTable(creating: path, columns: columns)
    try append(0..<4, to: log)
    try log.append(step: 4, [0.002, .nan])
  }
  let whole = try String(contentsOfFile: path, encoding: .utf8)
  try (whole + "5\t0.00").write(toFile: path, atomically: true, encoding: .utf8)
  let content = try LogTable.read(path)
  #expect(content.columns == columns && content["step"] == [0, 1, 2, 3, 4])
  #expect(content["potential_energy"]?[1] == -14.25 && content["potential_energy"]?[4].isNaN == true)
  #expect(content["pressure"] == nil)
  for (text, words) in [
    ("hello\n", "is no table"), ("# step [1]\tT\n", "has no unit"),
    ("# step [1]\n1\t2\n", "line 2 has 2 of 1 columns"),
    ("# step [1]\nx\n", "line 2, column 1 is no number"),
  ] {
    let wrong = try scratch.write(text, to: "wrong.tsv")
    do {
      _ = try LogTable.read(wrong)
      Issue.record("\(text) is read")
    } catch let error as TrajectoryError { #expect("\(error)".contains(words), "\(error)") }
  }
}
