// A text file line by line, each split into words that remember where they stood.

import Diagnostics
import Foundation

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
  func words() -> [Range<Int>] {
    var words: [Range<Int>] = []
    var start: Int?
    for (i, byte) in bytes.enumerated() {
      if TextLine.isSpace(byte) || i == bytes.count - 1 {
        if let first = start { words.append(first..<i) }
        start = nil
      } else if start == nil {
        start = i
      }
    }
    return words
  }

  func string(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

  /// The word as a number, `nan` and `inf` included; nil if it is none.
  func number(_ word: Range<Int>) -> Double? {
    bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress?.assumingMemoryBound(to: CChar.self) else { return nil }
      var end: UnsafeMutablePointer<CChar>?
      let value = strtod(base + word.lowerBound, &end)
      return end.map { UnsafePointer($0) } == base + word.upperBound ? value : nil
    }
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

/// Reads a file or a pipe from its beginning to its end, line by line; `\n` and `\r\n` end a line.
final class LineReader {
  let file: String
  private let descriptor: Int32
  /// What has been read; lines are handed out from `start` on.
  private var buffer: [UInt8] = []
  private var start = 0
  private var isAtEnd = false
  private var lineNumber = 0

  private static let chunk = 1 << 16
  /// Bytes; what has longer lines is no text, and would fill the memory.
  private static let longestLine = 1 << 24

  /// - Throws: `StructureError` if there is no such file, or if it is no text.
  init(_ file: String) throws {
    self.file = file
    descriptor = open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(String(cString: strerror(errno)).lowercased()) }
    while buffer.count < ForeignFormat.signatureLength, !isAtEnd { try fill() }
    if let format = ForeignFormat(startingWith: buffer, file: file) {
      throw StructureError(file: file, message: "the file is \(format.name)", help: format.help)
    }
    // The byte-order mark that Windows editors put in front.
    if buffer.starts(with: [0xEF, 0xBB, 0xBF]) { start = 3 }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// The next line, nil at the end of the file.
  /// - Throws: `StructureError` if the file cannot be read to its end, or if this is no text.
  func next() throws -> TextLine? {
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
    let filled = buffer.count
    buffer.append(contentsOf: repeatElement(0, count: Self.chunk))
    var count = -1
    repeat {
      count = buffer.withUnsafeMutableBytes {
        read(descriptor, UnsafeMutableRawBufferPointer(rebasing: $0[filled...]).baseAddress, Self.chunk)
      }
    } while count < 0 && errno == EINTR
    buffer.removeLast(Self.chunk - max(0, count))
    guard count >= 0 else {
      throw failure(errno == EISDIR ? "it is a folder" : String(cString: strerror(errno)).lowercased())
    }
    isAtEnd = count == 0
  }

  private func failure(_ reason: String) -> StructureError {
    StructureError(
      file: file, message: "cannot be read: \(reason)",
      help: "give the path of an extended XYZ file, relative to the current folder")
  }

  private func notText(line: Int) -> StructureError {
    StructureError(
      file: file, message: "the file is not text: line \(line) holds what no line of text does",
      help: "give the path of an extended XYZ file")
  }
}
