// A text file line by line, each split into words that remember where they stood.

import Diagnostics
import Foundation
import Lattice

/// One line of a file.
struct TextLine {
  let file: String
  /// From 1.
  let number: Int
  /// UTF-8 without the line end, closed by a zero so that C functions can read it.
  let bytes: [UInt8]

  var text: String { String(decoding: bytes.dropLast(), as: UTF8.self) }
  var isBlank: Bool { bytes.dropLast().allSatisfy(TextLine.isSpace) }

  static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

  /// Byte ranges of the words between spaces and tabs.
  func words() -> [Range<Int>] { words(in: 0..<bytes.count - 1) }

  /// Those of a part of the line.
  func words(in part: Range<Int>) -> [Range<Int>] {
    var words: [Range<Int>] = []
    var start: Int?
    for i in part {
      if TextLine.isSpace(bytes[i]) {
        if let first = start { words.append(first..<i) }
        start = nil
      } else if start == nil {
        start = i
      }
    }
    if let start { words.append(start..<part.upperBound) }
    return words
  }

  func string(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

  /// The word as a number, `nan` and `inf` included; nil if it is none.
  func number(_ word: Range<Int>) -> Double? {
    let next = bytes[word.upperBound]
    // C would read on into a number that follows without a blank, as in PDB.
    guard next == 0 || TextLine.isSpace(next) else { return Double(string(word)) }
    return bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress?.assumingMemoryBound(to: CChar.self) else { return nil }
      var end: UnsafeMutablePointer<CChar>?
      let value = strtod(base + word.lowerBound, &end)
      return end.map { UnsafePointer($0) } == base + word.upperBound ? value : nil
    }
  }

  /// The word as a finite number.
  /// - Parameter what: `the position of atom 3`.
  func finite(_ word: Range<Int>, _ what: String) throws(StructureError) -> Double {
    let value = number(word)
    guard let value, value.magnitude < ExtendedXYZ.largestNumber else {
      let text = string(word)
      let problem = value == nil ? "`\(text)` is not a number" : "`\(text)` is not finite"
      let isFortran = text.contains { "dD".contains($0) } && text.contains { $0.isNumber }
      throw error(
        "\(what): \(problem)", at: word,
        help: isFortran ? "write the exponent with E" : "write a finite decimal number with a point")
    }
    return value
  }

  /// Three words as the finite components of a vector.
  func vector(_ words: ArraySlice<Range<Int>>, _ what: String) throws(StructureError) -> Vector3 {
    var v = Vector3.zero
    for axis in 0..<3 { v[axis] = try finite(words[words.startIndex + axis], what) }
    return v
  }

  /// A mistake at the given bytes of the line, or of the line as a whole.
  func error(_ message: String, at range: Range<Int>? = nil, help: String?) -> StructureError {
    func scalars(_ bytes: ArraySlice<UInt8>) -> Int { bytes.count { $0 & 0xC0 != 0x80 } }
    let range = range ?? 0..<max(1, bytes.count - 1)
    let span = SourceSpan(
      line: number, column: scalars(bytes[..<range.lowerBound]) + 1, length: max(1, scalars(bytes[range])))
    return StructureError(
      Diagnostic(file: file, span: span, quotedLine: text, message, help: help))
  }
}

/// Reads a file or a pipe, packed by gzip or not, from its beginning to its end, line by line; `\n` and `\r\n` end a line.
final class LineReader {
  let file: String
  private let source: ByteSource
  /// What has been read; lines are handed out from `start` on.
  private var buffer: [UInt8] = []
  private var start = 0
  private var isAtEnd = false
  private var lineNumber = 0
  /// Lines that were looked at before their turn.
  private var ahead: [TextLine] = []

  /// Bytes; what has longer lines is no text, and would fill the memory.
  private static let longestLine = 1 << 24

  /// - Throws: `StructureError` if there is no such file, or if it is no text.
  init(_ file: String) throws {
    self.file = file
    do { source = try ByteSource(file) } catch { throw Self.failure(file, error.reason) }
    while buffer.count < ForeignFormat.signatureLength, !isAtEnd { try fill() }
    if let format = ForeignFormat(startingWith: buffer, file: file) {
      throw StructureError(file: file, message: "the file is \(format.name)", help: format.help)
    }
    // The byte-order mark that Windows editors put in front.
    if buffer.starts(with: [0xEF, 0xBB, 0xBF]) { start = 3 }
  }

  /// The next line, nil at the end of the file.
  /// - Throws: `StructureError` if the file cannot be read to its end, or if this is no text.
  func next() throws -> TextLine? {
    ahead.isEmpty ? try read() : ahead.removeFirst()
  }

  /// The next line that is not blank, nil at the end of the file.
  func nextFilled() throws -> TextLine? {
    while let line = try next() {
      if !line.isBlank { return line }
    }
    return nil
  }

  /// The next lines, `count` or as many as there are, which stay the next ones.
  func peek(_ count: Int) throws -> [TextLine] {
    while ahead.count < count, let line = try read() { ahead.append(line) }
    return Array(ahead.prefix(count))
  }

  private func read() throws -> TextLine? {
    var searched = start
    while true {
      if let end = buffer[searched...].firstIndex(of: 10) { return try line(until: end, next: end + 1) }
      guard !isAtEnd else {
        return start < buffer.count ? try line(until: buffer.count, next: buffer.count) : nil
      }
      guard buffer.count - start <= Self.longestLine else { throw notText(line: lineNumber + 1) }
      let unfinished = buffer.count - start
      try fill()
      searched = start + unfinished
    }
  }

  private func line(until end: Int, next: Int) throws -> TextLine {
    lineNumber += 1
    var bytes = Array(buffer[start..<end])
    if bytes.last == 13 { bytes.removeLast() }
    guard !bytes.contains(0) else { throw notText(line: lineNumber) }
    start = next
    return TextLine(file: file, number: lineNumber, bytes: bytes + [0])
  }

  /// Forgets the lines handed out and reads on.
  private func fill() throws {
    buffer.removeFirst(start)
    start = 0
    do { isAtEnd = try !source.append(to: &buffer) } catch { throw Self.failure(file, error.reason) }
  }

  private static func failure(_ file: String, _ reason: String) -> StructureError {
    StructureError(
      file: file, message: "cannot be read: \(reason)",
      help: "give the path of a structure file, relative to the current folder")
  }

  private func notText(line: Int) -> StructureError {
    StructureError(
      file: file, message: "the file is not text: line \(line) holds what no line of text does",
      help: "give the path of a structure file")
  }
}
