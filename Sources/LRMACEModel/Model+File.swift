// Model files (HDF5, `format = "bloch-model"`): what Tools/import_mace.py and `Model.write` write. Layout and the recipe of
// the hash: Tools/README.md. A file is read whole and checked before anything is built from it.

import Diagnostics
import Foundation
import HDF5

/// Why a file is not a usable model.
public struct ModelError: DiagnosedError, Hashable, Sendable {
  public let file: String
  public let reason: String

  public init(file: String, reason: String) {
    self.file = file
    self.reason = reason
  }

  public var diagnostics: [Diagnostic] { [Diagnostic(file: file.printable, reason.printable)] }
}

extension Model {
  /// Those that are read. Version 1 had the settings of the attention in every attending layer, and a checksum of its
  /// datasets alone; version 3 is version 2 with conserved sources, version 4 has the domain of the training
  /// data, too, version 5 densities, a transform of distances and a repulsion, version 6 dispersion. `fileVersion` is the one that is written.
  static let fileVersions = 1...6

  /// Reads a model file of any of these versions.
  ///
  /// - Throws: `HDF5Error` where the file cannot be read, `ModelError` where its contents are not a valid model.
  public init(contentsOf name: String) throws {
    func fail(_ reason: String) -> ModelError { ModelError(file: name, reason: reason) }
    let importing = "imported by `python3 Tools/import_mace.py IN OUT.h5`"
    guard !Self.isMACETorch(name) else {
      throw fail("this is not a Bloch model; a mace-torch model is \(importing)")
    }
    let file = try HDF5File(reading: name)
    let format = try file.hasAttribute("format") ? file.stringAttribute("format") : "none"
    guard format == "bloch-model" else {
      throw fail(
        "this is an HDF5 file of format '\(format)', not a Bloch model; a mace-torch model is \(importing)"
          + (format.hasPrefix("lr-mace") ? ", and so is this file" : ""))
    }
    let version = try file.integerAttribute("version")
    guard Self.fileVersions.contains(version) else {
      throw fail(
        "model format version \(version), but this program reads versions 1 to \(Self.fileVersions.upperBound); "
          + "import the model again with the Tools of this release")
    }
    self = try ModelReader(file: file, version: version).model()
    guard version < 3 || fileVersion == version else {
      throw fail("model format version \(version), but what it holds is version \(fileVersion)")
    }
    let contents = contents
    hash = Self.hash(of: contents)
    guard try file.stringAttribute("sha256") == (version == 1 ? Self.checksumOfVersion1(contents) : hash)
    else {
      throw fail("its contents do not match its checksum; the file is damaged: copy or import it again")
    }
    try validate(file: name)
  }

  /// Whether a file is what mace-torch saves: named so, or with the first bytes of a zip archive or a pickle.
  private static func isMACETorch(_ name: String) -> Bool {
    var bytes = [UInt8](repeating: 0, count: 8)
    let descriptor = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    guard pread(descriptor, &bytes, bytes.count, 0) > 0 else { return false }
    let hdf5: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
    let isNamedSo = [".model", ".pt", ".pth"].contains { name.hasSuffix($0) }
    return bytes != hdf5 && isNamedSo || bytes.starts(with: [0x50, 0x4B, 3, 4])
      || bytes[0] == 0x80 && (2...5).contains(bytes[1])
  }
}
