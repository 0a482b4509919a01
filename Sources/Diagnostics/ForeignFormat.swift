// Files of another format than the one asked for, known by their first bytes. The registered signatures:
// https://www.iana.org/assignments/media-types (gzip: RFC 1952, zstd: RFC 8878), bzip2 and xz: their manuals.

/// A format that is handed in by mistake where text is meant.
public struct ForeignFormat: Sendable {
  /// What the file is, to follow "the file is": "compressed (gzip)".
  public let name: String
  /// How to get text from it.
  public let help: String

  /// Bytes by which every format here can be told.
  public static let signatureLength = 8

  /// The format of a file that begins with `bytes`; nil if that may be text.
  /// - Parameter file: its name, for a command that can be pasted.
  public init?(startingWith bytes: some Collection<UInt8>, file: String) {
    let start = Array(bytes.prefix(Self.signatureLength))
    guard let known = Self.signatures.first(where: { start.starts(with: $0.bytes) }) else { return nil }
    name = known.name
    help = known.help + (known.help.hasPrefix("decompress") ? " " + shellQuoted(file) : "")
  }

  private static let signatures: [(bytes: [UInt8], name: String, help: String)] = [
    ([0x1F, 0x8B], "compressed (gzip)", "decompress it first: gunzip -k"),
    (Array("BZh".utf8), "compressed (bzip2)", "decompress it first: bunzip2 -k"),
    ([0xFD] + Array("7zXZ".utf8) + [0], "compressed (xz)", "decompress it first: xz -dk"),
    ([0x28, 0xB5, 0x2F, 0xFD], "compressed (zstd)", "decompress it first: zstd -d"),
    (Array("PK".utf8) + [3, 4], "a zip archive", "decompress it first: unzip"),
    ([0x89] + Array("HDF".utf8), "HDF5, not text", "`bloch export` makes extended XYZ of a trajectory"),
    ([0xFF, 0xFE], "UTF-16, not UTF-8", "save it as plain text in UTF-8"),
    ([0xFE, 0xFF], "UTF-16, not UTF-8", "save it as plain text in UTF-8"),
  ]
}
