// A seal of 40 bytes after the last byte of a file: "BLOCH256" and the SHA-256 of all bytes before it.
//
// The HDF5 library can crash on a damaged file; readers of sealed files look at nothing else until the seal
// is right. HDF5 itself ignores what follows its data.

import Foundation

public enum FileSeal {
  private static let tag = Array("BLOCH256".utf8)
  private static let size = 40

  /// `content` followed by its seal.
  public static func sealed(_ content: [UInt8]) -> [UInt8] { content + tag + SHA256.digest(of: content) }

  /// Whether the file ends as a sealed one does, right or wrong; false also where it cannot be read.
  public static func isPresent(_ path: String) -> Bool {
    (try? withFile(path) { descriptor, length in
      try bytes(descriptor, from: length, count: tag.count, path) == tag
    }) ?? false
  }

  /// Returns if the file carries a seal that fits its content.
  ///
  /// - Throws: `HDF5Error` that says whether the file is missing, empty, not sealed or damaged.
  public static func verify(_ path: String) throws {
    try withFile(path) { descriptor, length in
      // The seal comes first: what carries none is not read to its end, however long it is.
      let seal = try bytes(descriptor, from: length, count: size, path)
      guard seal.starts(with: tag) else {
        throw HDF5Error(file: path, reason: "the file is truncated, or not sealed")
      }
      var hash = SHA256()
      for start in stride(from: 0, to: length, by: 1 << 20) {
        let block = try bytes(descriptor, from: start, count: min(1 << 20, length - start), path)
        block.withUnsafeBytes { hash.update($0) }
      }
      guard hash.finalize()[...] == seal[tag.count...] else {
        throw HDF5Error(file: path, reason: "the file is damaged: its content does not match its checksum")
      }
    }
  }

  /// Lends the open file and the length of its content.
  private static func withFile<Result>(_ path: String, _ body: (Int32, Int) throws -> Result) throws -> Result
  {
    // A pipe under this name must not be waited for.
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw HDF5Error(
        file: path,
        reason: errno == ENOENT ? "there is no such file" : String(cString: strerror(errno)).lowercased())
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw HDF5Error(file: path, reason: "is not a file")
    }
    guard status.st_size > 0 else { throw HDF5Error(file: path, reason: "the file is empty") }
    guard status.st_size >= size else {
      throw HDF5Error(file: path, reason: "the file is truncated, or not sealed")
    }
    return try body(descriptor, Int(status.st_size) - size)
  }

  private static func bytes(_ descriptor: Int32, from start: Int, count: Int, _ path: String) throws
    -> [UInt8]
  {
    try [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
      while done < count {
        let read = pread(descriptor, buffer.baseAddress.map { $0 + done }, count - done, off_t(start + done))
        if read < 0 && errno == EINTR { continue }
        guard read > 0 else { throw HDF5Error(file: path, reason: "the file cannot be read") }
        done += read
      }
    }
  }
}
