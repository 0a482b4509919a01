// What went wrong with an HDF5 file: which file, where in it, and why.

/// An error of reading or writing an HDF5 file.
public struct HDF5Error: Error, Hashable, Sendable, CustomStringConvertible {
  /// Path of the file on disk.
  public let file: String
  /// Path inside the file; an attribute is written `/group@name`. Nil when the file as a whole is meant.
  public let path: String?
  /// What went wrong and, where there is a remedy, how to mend it.
  public let reason: String

  public init(file: String, path: String? = nil, reason: String) {
    self.file = file
    self.path = path
    self.reason = reason
  }

  public var description: String { "\(file): \(pathAndReason)" }

  /// The description without the file, for messages that name it already.
  public var pathAndReason: String { path.map { "\($0): \(reason)" } ?? reason }
}
