// Reading extended XYZ frame by frame. Every number is checked where it is read, so that a mistake is
// reported with its line and column.

import Diagnostics
import Lattice

/// What a reader of extended XYZ keeps beside what it understands.
public struct ExtendedXYZContent: OptionSet, Sendable {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }

  /// Columns of three real numbers by name in `Configuration.named`, for who decides by name what is a label.
  public static let names = ExtendedXYZContent(rawValue: 1)
  /// All other columns as they are in `Configuration.columns`, for who writes them again.
  public static let columns = ExtendedXYZContent(rawValue: 2)
}

/// Reads the frames of an extended XYZ file one after another.
///
///     let reader = try ExtendedXYZReader("water.xyz")
///     while let frame = try reader.next() { ... }
public final class ExtendedXYZReader: FrameReader {
  private let lines: LineReader
  private let keeping: ExtendedXYZContent
  private var frameCount = 0

  /// - Throws: `StructureError` if the file cannot be read.
  public convenience init(_ path: String, keeping: ExtendedXYZContent = []) throws {
    self.init(try LineReader(path), keeping: keeping)
  }

  init(_ lines: LineReader, keeping: ExtendedXYZContent) {
    self.lines = lines
    self.keeping = keeping
  }

  /// The next frame; nil at the end of the file, which holds at least one.
  ///
  /// - Throws: `StructureError`.
  public func next() throws -> Configuration? {
    guard let countLine = try lines.nextFilled() else {
      guard frameCount > 0 else {
        throw StructureError(
          file: lines.file, message: "the file is empty",
          help: "an extended XYZ file begins with the number of atoms; see ase.io.write(..., format='extxyz')"
        )
      }
      return nil
    }
    let count = try atomCount(countLine)
    guard let comment = try lines.next() else {
      throw countLine.error(
        "the file ends after the number of atoms",
        help: "a line with Lattice and Properties and \(count) atoms follow")
    }
    let header = try ExtendedXYZHeader(comment)
    let frame = try readAtoms(count, header)
    frameCount += 1
    return frame
  }

  private func atomCount(_ line: TextLine) throws -> Int {
    let words = line.words()
    guard words.count == 1, let count = Int(line.string(words[0])) else {
      throw line.error(
        "this line should hold the number of atoms of frame \(frameCount + 1)",
        help: frameCount > 0
          ? "the frame before may have more atoms than its first line says"
          : "an extended XYZ file begins with the number of atoms alone on a line")
    }
    guard count > 0, count < Int(Int32.max) else {
      throw line.error("\(count) atoms", at: words[0], help: "a frame has between 1 and 2147483646 atoms")
    }
    return count
  }

  private func readAtoms(_ count: Int, _ header: ExtendedXYZHeader) throws -> Configuration {
    var atoms = try ExtendedXYZAtoms(header, keeping: keeping)
    for atom in 0..<count {
      guard let line = try lines.next(), !line.isBlank else {
        throw StructureError(
          Diagnostic(
            file: lines.file,
            span: SourceSpan(line: header.line.number - 1, column: 1, length: String(count).count),
            quotedLine: String(count), "the frame ends after \(atom) of \(count) atoms",
            help: "correct the number of atoms, or restore the missing lines"))
      }
      let words = line.words()
      if words.count == 1, Int(line.string(words[0])) != nil {
        throw line.error(
          "a new frame begins after \(atom) of \(count) atoms", at: words[0],
          help: "correct the number of atoms on line \(header.line.number - 1), or restore the missing lines")
      }
      try atoms.append(line, words)
    }
    return try atoms.configuration()
  }
}
