// From the bytes of a file to the keys of a deck: encoding, YAML, then whoever declares the keys.

import Diagnostics
import Foundation
import Yams

enum DeckText {
  /// Reads the text of the deck at `path`.
  /// - Throws: `FileError` if there is no readable file, `DeckError` where it is no text.
  static func contents(of path: String) throws -> String {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw FileError(file: path, "there is no such deck", help: "give the path of a YAML file")
    }
    guard !isFolder.boolValue else {
      throw FileError(file: path, "this is a folder", help: "give the path of the deck in it")
    }
    return try decode(bytes(of: path), file: path)
  }

  /// The folder to which the paths of the deck at `path` are relative.
  static func folder(of path: String) -> String {
    URL(fileURLWithPath: path).deletingLastPathComponent().path
  }

  /// Reads a deck from its text by the keys that `declare` asks for.
  /// - Parameters:
  ///   - file: the name that messages give.
  ///   - folder: the folder to which the deck's paths are relative.
  ///   - kinds: what this deck may be.
  /// - Throws: `DeckError` with every mistake found.
  static func read<Result>(
    _ text: String, file: String, folder: String, overrides: [String: DeckValue], as kinds: [DeckKind],
    _ declare: (inout DeckReader) -> Result
  ) throws -> Result {
    let (source, root) = try compose(text, file: file)
    let found = DeckKind(of: root)
    guard kinds.contains(found) else {
      let key = root.keys.first { $0.string == found.mark }
      throw source.error(
        at: key.map(source.span),
        "this is the deck of \(found.words), not of \(kinds.contains(.run) ? DeckKind.run.words : kinds[0].words)",
        help: "`bloch \(found.command) \(shellQuoted(file))`")
    }
    var reader = DeckReader(
      source: source, kind: found, folder: URL(fileURLWithPath: folder, isDirectory: true), root: root,
      overrides: overrides)
    let result = declare(&reader)
    reader.finish()
    guard reader.diagnostics.isEmpty else { throw DeckError(reader.diagnostics) }
    return result
  }

  /// The mapping that the text of a deck is, with the source that messages quote.
  static func compose(_ text: String, file: String) throws -> (SourceText, Node.Mapping) {
    let unified = text.replacingOccurrences(of: "\r\n", with: "\n").replacingOccurrences(of: "\r", with: "\n")
    let source = SourceText(file: file, text: unified)
    return try (source, composeMapping(unified, source: source))
  }

  // MARK: - Text

  /// Bytes of the largest deck.
  private static let largest = 1 << 20

  /// All of a file or pipe that is not too large for a deck.
  private static func bytes(of path: String) throws(FileError) -> Data {
    var data = Data()
    do {
      let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      while data.count <= largest, let more = try file.read(upToCount: largest), !more.isEmpty {
        data += more
      }
    } catch {
      throw FileError(file: path, "the file cannot be read", help: "check its permissions")
    }
    guard data.count <= largest else {
      throw FileError(
        file: path, "this is too large for a deck, over \(largest) bytes", help: "decks are short YAML files")
    }
    return data
  }

  /// UTF-8 text, or an error at the first byte that is none.
  private static func decode(_ data: Data, file: String) throws -> String {
    var bytes = data[...]
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    let source = SourceText(file: file, text: String(decoding: bytes, as: UTF8.self))
    if let format = ForeignFormat(startingWith: bytes, file: file) {
      throw source.error(at: nil, "the file is \(format.name)", help: format.help)
    }
    let line = source.lines.firstIndex { $0.unicodeScalars.contains("\u{FFFD}") } ?? 0
    let column = source.lines[line].unicodeScalars.prefix { $0 != "\u{FFFD}" }.count
    throw source.error(
      at: SourceSpan(line: line + 1, column: column + 1), "this byte is not UTF-8",
      help: "save the deck as plain text in UTF-8")
  }

  // MARK: - YAML

  /// The mapping that a deck is; mistakes of YAML are thrown as a `DeckError`.
  private static func composeMapping(_ text: String, source: SourceText) throws(DeckError) -> Node.Mapping {
    let strays = strayCharacters(source)
    guard strays.isEmpty else { throw DeckError(strays) }
    let node: Node?
    do {
      node = try Yams.compose(yaml: text)
    } catch let YamlError.duplicatedKeysInMapping(names, context) {
      let name = names.first ?? ""
      throw source.error(
        at: source.repetition(of: name, after: context.mark), "the key `\(name)` is given twice",
        help: "keep one of the two; the first is in line \(context.mark.line)")
    } catch let YamlError.scanner(context, problem, mark, _) {
      throw mistake(problem, at: mark, within: context, of: source)
    } catch let YamlError.parser(context, problem, mark, _) {
      throw mistake(problem, at: mark, within: context, of: source)
    } catch let YamlError.composer(context, problem, mark, _) {
      throw mistake(problem, at: mark, within: context, of: source)
    } catch {
      throw source.error(at: nil, "this is not YAML: \(error)", help: "a deck is lines of `key: value`")
    }
    let help = "a deck is lines of `key: value`, such as `structure: water.xyz`"
    guard let node, node.scalar?.string.isEmpty != true else {
      throw source.error(at: nil, "the deck is empty", help: help)
    }
    guard let mapping = node.mapping else {
      throw source.error(at: source.span(of: node), "this is not a deck", help: help)
    }
    return mapping
  }

  /// Tabs that indent, control characters, and anchors: with those a deck of a few lines can stand for more than any
  /// memory holds.
  private static func strayCharacters(_ source: SourceText) -> [Diagnostic] {
    var found: [Diagnostic] = []
    for (number, line) in source.lines.enumerated() {
      let scalars = Array(line.unicodeScalars)
      let indent = scalars.prefix { $0 == " " || $0 == "\t" }
      let tab = indent.count < scalars.count ? indent.firstIndex(of: "\t") : nil
      let control = scalars.firstIndex { ($0.value < 32 && $0 != "\t") || $0.value == 127 }
      if let tab {
        found.append(
          source.diagnostic(
            at: SourceSpan(line: number + 1, column: tab + 1), "a tab; YAML indents with spaces",
            help: "replace the tab by two spaces"))
      } else if let control {
        found.append(
          source.diagnostic(
            at: SourceSpan(line: number + 1, column: control + 1),
            "the control character \(scalars[control].codePoint)",
            help: "a deck is plain text; remove this character"))
      }
      if let anchor = line.prefix(while: { $0 != "#" }).firstMatch(of: /(?:^|[:?\[\{,-])\s*(&)\S/) {
        let column = line[..<anchor.output.1.startIndex].unicodeScalars.count + 1
        found.append(
          source.diagnostic(
            at: SourceSpan(line: number + 1, column: column),
            "`&` begins an anchor, of which a deck has none",
            help: "put a value that begins with `&` in quotes"))
      }
      if found.count >= 10 { break }
    }
    return found
  }

  /// What libYAML found at `mark`, while it was reading what began at `context`, in a user's words.
  private static func mistake(
    _ problem: String, at mark: Mark, within context: YamlError.Context?, of source: SourceText
  ) -> DeckError {
    func error(_ message: String, _ help: String, at mark: Mark) -> DeckError {
      source.error(at: source.span(mark), message, help: help)
    }
    if let context, context.text.contains("quoted scalar") {
      return error("this quote is not closed", "close it on the same line", at: context.mark)
    }
    if let context, context.text.contains("flow") {
      return error(
        "this bracket is not closed", "close it, with commas between the entries", at: context.mark)
    }
    let words = [
      (
        "nesting level", "this is nested too deeply", "a deck holds keys, groups of keys and lists"
      ),
      (
        "another document", "a second document starts here", "a deck is one document: remove `---` or `...`"
      ),
      (
        "mapping values are not allowed", "a second `:` in one value",
        "write one `key: value` a line, all keys in one column, and put a value that holds `: ` in quotes"
      ),
      ("could not find expected ':'", "a key without `:`", "write `key: value`"),
      (
        "cannot start any token", "a value cannot begin with this character", "put the value in quotes"
      ),
      (
        "undefined alias", "`*` refers to an anchor that is not there",
        "put a value that begins with `*` in quotes"
      ),
    ]
    if let (_, message, help) = words.first(where: { problem.contains($0.0) }) {
      return error(message, help, at: mark)
    }
    return error(
      "this is not YAML: \(problem)", "check indentation, quotes and brackets here and in the line before",
      at: mark)
  }
}

extension SourceText {
  func span(_ mark: Mark) -> SourceSpan {
    SourceSpan(line: max(1, min(mark.line, lines.count)), column: mark.column)
  }

  /// The next line after `mark` that gives the key `name`, at the same indentation.
  fileprivate func repetition(of name: String, after mark: Mark) -> SourceSpan {
    for line in mark.line..<max(mark.line, lines.count) {
      let scalars = lines[line].unicodeScalars.dropFirst(mark.column - 1)
      let indent = lines[line].unicodeScalars.prefix(mark.column - 1)
      guard indent.allSatisfy({ $0 == " " }), String(scalars).hasPrefix(name),
        String(scalars).dropFirst(name.count).trimmed.hasPrefix(":")
      else { continue }
      return SourceSpan(line: line + 1, column: mark.column, length: name.unicodeScalars.count)
    }
    return SourceSpan(line: mark.line, column: mark.column, length: name.unicodeScalars.count)
  }
}
