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

  /// Returns if the file carries a seal that fits its content.
  ///
  /// - Throws: `HDF5Error` that says whether the file is missing, empty, not sealed or damaged.
  public static func verify(_ path: String) throws {
    let (content, tag, digest) = try split(path)
    guard tag == FileSeal.tag[...] else {
      throw HDF5Error(file: path, reason: "the file is truncated, or not sealed")
    }
    guard digest == SHA256.digest(of: Array(content))[...] else {
      throw HDF5Error(file: path, reason: "the file is damaged: its content does not match its checksum")
    }
  }

  private static func split(
    _ path: String
  ) throws -> (content: ArraySlice<UInt8>, tag: ArraySlice<UInt8>, digest: ArraySlice<UInt8>) {
    let bytes: [UInt8]
    do { bytes = try Array(Data(contentsOf: URL(fileURLWithPath: path))) } catch {
      let isThere = FileManager.default.fileExists(atPath: path)
      throw HDF5Error(file: path, reason: isThere ? "the file cannot be read" : "there is no such file")
    }
    guard !bytes.isEmpty else { throw HDF5Error(file: path, reason: "the file is empty") }
    let end = max(0, bytes.count - size)
    let middle = min(bytes.count, end + tag.count)
    return (bytes[..<end], bytes[end..<middle], bytes[middle...])
  }
}
