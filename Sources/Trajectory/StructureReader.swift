// The structures of a file one after another, whatever its format.

import Diagnostics
import Foundation

/// Reads the frames of one format.
protocol FrameReader {
  /// The next frame; nil at the end of the file, which holds at least one.
  /// - Throws: `StructureError`.
  func next() throws -> Configuration?
}

/// Which frame of a file is meant.
public enum FrameChoice: Sendable, Hashable {
  /// From 1.
  case number(Int)
  case last
}

/// Reads the structures of a file or a pipe, packed by gzip or not.
///
///     let reader = try StructureReader("POSCAR")
///     while let structure = try reader.next() { ... }
public final class StructureReader {
  public let format: StructureFormat
  private let frames: any FrameReader

  /// - Parameter keeping: what is kept of extended XYZ beside what is understood.
  /// - Throws: `StructureError` if there is no such file, or for one of a format that is not known.
  public init(_ path: String, keeping: ExtendedXYZContent = []) throws {
    let lines = try LineReader(path)
    let convert = "`ase convert \(shellQuoted(path)) structure.xyz` makes extended XYZ of what ASE reads"
    if StructureFormat(name: path) == nil, let foreign = StructureFormat.foreign(path) {
      throw StructureError(file: path, message: "Bloch reads no \(foreign) files", help: convert)
    }
    let start = try lines.peek(StructureFormat.signatureLength)
    guard let format = StructureFormat(name: path) ?? StructureFormat(firstLines: start) else {
      throw StructureError(
        file: path,
        message: start.allSatisfy(\.isBlank)
          ? "the file is empty" : "this is no structure that Bloch knows: \(StructureFormat.all)",
        help: convert)
    }
    self.format = format
    frames =
      switch format {
      case .extendedXYZ: ExtendedXYZReader(lines, keeping: keeping)
      case .poscar: POSCARReader(lines)
      case .pdb: PDBReader(lines)
      case .cif: CIFReader(lines)
      case .lammpsData: LAMMPSDataReader(lines)
      }
  }

  /// The next structure; nil at the end of the file, which holds at least one.
  /// - Throws: `StructureError`.
  public func next() throws -> Configuration? { try frames.next() }

  /// The structure of a file that is meant.
  /// - Parameter choice: nil for the only one.
  /// - Returns: nil where none is chosen and the file holds several.
  /// - Throws: `StructureError`.
  public static func read(
    _ path: String, frame choice: FrameChoice?, keeping: ExtendedXYZContent = []
  ) throws -> Configuration? {
    let reader = try StructureReader(path, keeping: keeping)
    var found: Configuration?
    var count = 0
    while let frame = try reader.next() {
      count += 1
      found = frame
      if choice == .number(count) { return frame }
      if choice == nil, count > 1 { return nil }
    }
    if case .number(let number) = choice {
      throw StructureError(
        file: path, message: "there is no frame \(number)", help: "the file holds \(count), counted from 1")
    }
    return found
  }
}
