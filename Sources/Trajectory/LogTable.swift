// The dense table of a run: one line per log interval, tab-separated, units in the header. Reads with
// numpy.loadtxt, gnuplot and spreadsheets.
//
//   # step [1]  time [ps]  potential_energy [eV]  temperature [K] ...

import Foundation

/// Writes a table of numbers, line by line.
public final class LogTable {
  public let path: String
  /// Bytes that are complete lines; a checkpoint keeps this number.
  public private(set) var byteCount: Int
  private let columns: [Column]
  private let descriptor: Int32

  /// A column of the table.
  public struct Column: Hashable, Sendable {
    public let name: String
    public let unit: String

    public init(name: String, unit: String) {
      self.name = name
      self.unit = unit
    }
  }

  /// Creates the table; an existing file is an error.
  ///
  /// - Throws: `TrajectoryError`.
  public init(creating path: String, columns: [Column]) throws {
    self.path = path
    self.columns = columns
    byteCount = 0
    descriptor = try Disk.create(path)
    try write(LogTable.header(columns))
  }

  /// Goes on after the first `byteCount` bytes of a table with the same columns; what follows them is
  /// dropped.
  ///
  /// - Throws: `TrajectoryError`.
  public init(resuming path: String, columns: [Column], byteCount: Int) throws {
    self.path = path
    self.columns = columns
    self.byteCount = byteCount
    descriptor = open(path, O_RDWR)
    guard descriptor >= 0 else { throw Disk.failure(path, bytes: 0) }
    let size = Int(lseek(descriptor, 0, SEEK_END))
    let header = Array(LogTable.header(columns).utf8)
    var found = [UInt8](repeating: 0, count: header.count)
    guard size >= byteCount, byteCount >= header.count,
      pread(descriptor, &found, found.count, 0) == found.count,
      found == header
    else {
      throw TrajectoryError.mismatch(
        file: path,
        reason: "is not the table that the checkpoint counts on (\(byteCount) bytes with the same columns)")
    }
    guard ftruncate(descriptor, off_t(byteCount)) == 0, lseek(descriptor, off_t(byteCount), SEEK_SET) >= 0
    else {
      throw Disk.failure(path, bytes: 0)
    }
  }

  deinit { close(descriptor) }

  /// Appends a line and hands it to the operating system. `nan` marks a value that does not apply.
  ///
  /// - Throws: `TrajectoryError`; what did not fit is taken back, so that the table ends with a whole line.
  public func append(step: Int64, _ values: [Double]) throws {
    precondition(values.count == columns.count - 1, "the first column is the step")
    try write((["\(step)"] + values.map { "\($0)" }).joined(separator: "\t") + "\n")
  }

  /// Waits until the disk holds every line; called before a checkpoint counts on them.
  ///
  /// - Throws: `TrajectoryError`.
  public func synchronize() throws { try Disk.synchronize(path) }

  private static func header(_ columns: [Column]) -> String {
    "# " + columns.map { "\($0.name) [\($0.unit)]" }.joined(separator: "\t") + "\n"
  }

  private func write(_ text: String) throws {
    let bytes = Array(text.utf8)
    do { try Disk.write(bytes, to: descriptor, path: path) } catch {
      _ = ftruncate(descriptor, off_t(byteCount))
      throw error
    }
    byteCount += bytes.count
  }
}
