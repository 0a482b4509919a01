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
  private let identity: FileIdentity?
  private var content = ContentDigest()

  /// The digest of those bytes.
  public var digest: String { content.hexadecimal }

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
    identity = FileIdentity(descriptor)
    try write(LogTable.header(columns))
  }

  /// Goes on after the first `byteCount` bytes of a table with the same columns, which must have this digest. What
  /// follows them stays until `dropWhatFollows`.
  ///
  /// - Throws: `TrajectoryError`.
  public init(resuming path: String, columns: [Column], byteCount: Int, digest: String) throws {
    self.path = path
    self.columns = columns
    self.byteCount = byteCount
    descriptor = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw errno == ENOENT
        ? TrajectoryError.mismatch(
          file: path, reason: "there is no such file, but the checkpoint counts on it")
        : Disk.failure(path, bytes: 0)
    }
    identity = FileIdentity(descriptor)
    var length = 0
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while length < byteCount {
      let count = pread(descriptor, &block, min(block.count, byteCount - length), off_t(length))
      guard count > 0 else { break }
      content.add(block.prefix(count))
      length += count
    }
    guard length == byteCount else {
      throw TrajectoryError.mismatch(
        file: path, reason: "holds \(length) bytes of the \(byteCount) that the checkpoint counts")
    }
    guard self.digest == digest else {
      throw TrajectoryError.mismatch(
        file: path, reason: "its first \(byteCount) bytes are not those that the checkpoint counts")
    }
    let header = Array(LogTable.header(columns).utf8)
    var found = [UInt8](repeating: 0, count: header.count)
    guard byteCount >= header.count, pread(descriptor, &found, found.count, 0) == found.count, found == header
    else {
      throw TrajectoryError.mismatch(file: path, reason: "has other columns than the run of the checkpoint")
    }
    guard lseek(descriptor, off_t(byteCount), SEEK_SET) >= 0 else { throw Disk.failure(path, bytes: 0) }
  }

  /// Lines after those that count: written by a run that went on beyond its checkpoint.
  public func countLinesThatFollow() -> Int {
    var count = 0
    var offset = byteCount
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while case let length = pread(descriptor, &block, block.count, off_t(offset)), length > 0 {
      count += block.prefix(length).count { $0 == UInt8(ascii: "\n") }
      offset += length
    }
    return count
  }

  /// Cuts the file back to the lines that count.
  ///
  /// - Throws: `TrajectoryError`.
  public func dropWhatFollows() throws {
    guard ftruncate(descriptor, off_t(byteCount)) == 0 else { throw Disk.failure(path, bytes: 0) }
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
  public func synchronize() throws {
    try identity?.requireStillAt(path)
    try Disk.synchronize(descriptor, path: path)
  }

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
    content.add(bytes)
  }
}
