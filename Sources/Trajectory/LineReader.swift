// A text file line by line, each split into words that remember where they stood.

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
    return StructureError(
      file: file, line: number, column: scalars(bytes[..<range.lowerBound]) + 1,
      length: max(1, scalars(bytes[range])), quotedLine: text, message: message, help: help)
  }
}

/// Reads a file line by line; `\n` and `\r\n` end a line.
final class LineReader {
  let file: String
  private let stream: UnsafeMutablePointer<FILE>
  private var buffer: UnsafeMutablePointer<CChar>?
  private var capacity = 0
  private var lineNumber = 0

  init(_ file: String) throws {
    var status = stat()
    guard stat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, let stream = fopen(file, "r") else {
      let reason = status.st_mode & S_IFMT == S_IFDIR ? "is a folder" : String(cString: strerror(errno))
      throw StructureError(
        file: file, message: "cannot be read: \(reason.lowercased())",
        help: "give the path of an extended XYZ file, relative to the current folder")
    }
    self.file = file
    self.stream = stream
  }

  deinit {
    fclose(stream)
    free(buffer)
  }

  /// The next line, nil at the end of the file.
  func next() -> TextLine? {
    var count = getline(&buffer, &capacity, stream)
    guard count >= 0, let buffer else { return nil }
    lineNumber += 1
    if count > 0, buffer[count - 1] == 10 { count -= 1 }
    if count > 0, buffer[count - 1] == 13 { count -= 1 }
    var bytes = UnsafeRawBufferPointer(start: buffer, count: count)[...]
    // The byte-order mark that Windows editors put in front.
    if lineNumber == 1, bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
    return TextLine(file: file, number: lineNumber, bytes: Array(bytes) + [0])
  }
}
