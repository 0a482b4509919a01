// Reads the keys of a deck, one call per key. The call is the key's only declaration: from it come the
// parser, the default, the messages, `did you mean`, the resolved deck and the reference of all keys.
//
//   timestep = read.quantity("timestep", .time, 1e-3...100, help: "Length of one step.")

import Diagnostics
import Foundation
import Yams

/// What is known of a key from its declaration.
public struct KeyDescription: Sendable {
  /// Name, with the group's in front: `thermostat.tau`.
  public let path: String
  /// What it takes, in words.
  public let takes: String
  /// The default as a deck would write it; nil for a key that must be given.
  public let fallback: String?
  /// The default where it depends on the machine, the deck or the structure.
  public let fallbackInWords: String?
  /// Where the key has a meaning, in words; nil for everywhere.
  public let condition: String?
  /// The decks in which it has a place.
  public let kinds: Set<DeckKind>
  public let help: String
}

extension KeyDescription {
  /// The same in the group `path`, of decks of `kinds`.
  fileprivate func inside(_ path: String, of kinds: Set<DeckKind>) -> KeyDescription {
    KeyDescription(
      path: "\(path).\(self.path)", takes: takes, fallback: fallback, fallbackInWords: fallbackInWords,
      condition: condition, kinds: kinds, help: help)
  }
}

/// Keys and values of a deck on their way to a `Deck`. Mistakes are collected, not thrown, so that a user
/// sees all of them at once; after a mistake a call returns the default, or a stand-in that never leaves
/// `Deck.init`.
struct DeckReader {
  struct Entry {
    let key: SourceSpan
    let node: Node
    let value: SourceSpan
  }

  /// A mistake in one value.
  struct Mistake: Error {
    let message: String
    let help: String
    /// The part of a list that is wrong; the whole value if nil.
    var part: Node? = nil
  }

  let source: SourceText
  let kind: DeckKind
  /// Kinds of deck in which the keys declared from here on have a place.
  var section = Set(DeckKind.allCases)
  /// Folder to which the deck's paths are relative.
  let folder: URL
  let overrides: [String: DeckValue]
  private(set) var entries: [String: Entry] = [:]
  /// Where the group stands whose keys are read, of a list of groups.
  private var place: SourceSpan?
  private(set) var declared: [KeyDescription] = []
  /// Path and deck text of every key that applies, defaults included, in the order of declaration.
  private(set) var resolved: [(path: String, text: String)] = []
  private(set) var diagnostics: [Diagnostic] = []
  /// Keys that must be given and are not; a misspelt one is taken out when its misspelling is met.
  private var missing: [String: Diagnostic] = [:]
  /// Reasons for excluded keys that a message has given already.
  private var reasonsGiven: Set<String> = []

  /// - Parameters:
  ///   - root: the deck's mapping; nil reads nothing but defaults.
  ///   - overrides: values by path that replace the deck's own, as given on the command line.
  init(
    source: SourceText, kind: DeckKind, folder: URL, root: Node.Mapping?, overrides: [String: DeckValue] = [:]
  ) {
    self.source = source
    self.kind = kind
    self.folder = folder
    self.overrides = overrides
    for (key, value) in root ?? Node.Mapping([]) {
      let name = key.string ?? "?"
      entries[name] = Entry(key: source.span(of: key), node: value, value: source.span(of: value))
      for (subkey, subvalue) in value.mapping ?? Node.Mapping([]) {
        entries["\(name).\(subkey.string ?? "?")"] = Entry(
          key: source.span(of: subkey), node: subvalue, value: source.span(of: subvalue))
      }
    }
  }

  /// Whether the deck or the command line gives `path`, or a key in this group.
  func isGiven(_ path: String) -> Bool {
    entries[path] != nil || overrides.keys.contains { $0 == path || $0.group == path }
  }

  func isGroup(_ path: String) -> Bool { entries[path]?.node.mapping != nil }

  /// Whether the keys being declared have no place in this deck.
  private var isElsewhere: Bool { !section.contains(kind) }

  /// Adds a mistake, unless it is one in a key that has no place here anyway.
  mutating func report(_ mistake: Mistake, at span: SourceSpan?) {
    if !isElsewhere { add(mistake, at: span) }
  }

  private mutating func add(_ mistake: Mistake, at span: SourceSpan?) {
    diagnostics.append(source.diagnostic(at: span, mistake.message, help: mistake.help))
  }

  // MARK: - One key

  /// Declares `path` and reads it.
  /// - Parameters:
  ///   - defaultInWords: the default for the reference, when it depends on the machine, the deck or the
  ///     structure.
  ///   - condition: where the key has a meaning, for the reference.
  ///   - excluded: why the key has no meaning in this deck; giving it is then a mistake, and it is not
  ///     echoed.
  ///   - isGroup: the deck gives a group in its place, whose keys are read by calls of their own.
  ///   - parse: value and resolved deck text of a node.
  mutating func key<Value>(
    _ path: String, takes: String, default fallback: String?, defaultInWords: String? = nil,
    condition: String? = nil, excluded: String? = nil, isGroup: Bool = false, help: String, standIn: Value,
    parse: (Node) throws(Mistake) -> (value: Value, text: String)
  ) -> Value {
    declared.append(
      KeyDescription(
        path: path, takes: takes, fallback: fallback, fallbackInWords: defaultInWords, condition: condition,
        kinds: section, help: help))
    let excluded = isElsewhere ? "this is the deck of \(kind.words)" : excluded
    let parsedFallback = fallback.flatMap { text -> (value: Value, text: String)? in
      guard let node = try? Yams.compose(yaml: text) else { return nil }
      return try? parse(node)
    }
    if let excluded {
      if let entry = entries[path], reasonsGiven.insert(excluded).inserted {
        add(
          Mistake(message: "`\(path.lastKey)` has no place here: \(excluded)", help: "remove this key"),
          at: entry.key)
      }
      return parsedFallback?.value ?? standIn
    }
    if isGroup { return standIn }
    let given = overrides[path]?.node ?? entries[path]?.node
    guard let given else {
      if let parsedFallback {
        resolved.append((path, parsedFallback.text))
        return parsedFallback.value
      }
      let place = path.group.flatMap { entries[$0]?.key } ?? place
      missing[path] = source.diagnostic(
        at: place, "the key `\(path)` is missing", help: "add `\(path.lastKey): ...`, \(takes)")
      return standIn
    }
    do throws(Mistake) {
      let parsed = try parse(given)
      resolved.append((path, parsed.text))
      return parsed.value
    } catch {
      let span = error.part.map(source.span) ?? entries[path]?.value
      report(error, at: overrides[path] == nil ? span : nil)
      return parsedFallback?.value ?? standIn
    }
  }

  /// A list of groups, the keys of each read by `declare`, which is told the number of the group from 1.
  /// - Parameters:
  ///   - name: what one of them is called.
  ///   - example: one of them.
  mutating func groups<Value>(
    _ path: String, of name: String, example: String, help: String,
    declare: (inout DeckReader, _ number: Int) -> Value
  ) -> [Value] {
    let (source, kind, folder) = (source, kind, folder)
    func reader(_ root: Node.Mapping?) -> DeckReader {
      DeckReader(source: source, kind: kind, folder: folder, root: root)
    }
    let takes = "a list of groups, such as [\(example)]"
    var found: [Diagnostic] = []
    let values = key(path, takes: takes, default: "[]", help: help, standIn: [Value]()) {
      node throws(Mistake) in
      guard let items = node.sequence else {
        throw Mistake(message: "not a list", help: "`\(path)` takes \(takes)")
      }
      var values: [Value] = []
      var texts: [String] = []
      for (index, item) in items.enumerated() {
        guard let mapping = item.mapping else {
          throw Mistake(message: "a \(name) is a group of keys", help: "such as \(example)", part: item)
        }
        var group = reader(mapping)
        group.place = source.span(of: item)
        values.append(declare(&group, index + 1))
        group.finish()
        found += group.diagnostics
        texts.append("{" + group.resolved.map { "\($0.path): \($0.text)" }.joined(separator: ", ") + "}")
      }
      return (values, "[" + texts.joined(separator: ", ") + "]")
    }
    diagnostics += isElsewhere ? [] : found
    // For the reference.
    var group = reader(nil)
    _ = declare(&group, 1)
    declared += group.declared.map { $0.inside(path, of: section) }
    return values
  }

  /// `resolved` as YAML.
  var resolvedText: String {
    var lines: [String] = []
    var group: String?
    for (path, text) in resolved {
      if let new = path.group, new != group { lines.append("\(new):") }
      group = path.group
      lines.append((group == nil ? "" : "  ") + "\(path.lastKey): \(text)")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  // MARK: - Keys that nobody declared

  /// Reports keys that no call asked for, and values where a group belongs.
  mutating func finish() {
    section = Set(DeckKind.allCases)
    let paths = declared.map(\.path)
    let groups = Set(paths.compactMap(\.group))
    for (path, entry) in entries where !paths.contains(path) {
      if groups.contains(path) {
        guard entry.node.mapping == nil, !isNothing(path, entry.node) else { continue }
        let keys = paths.filter { $0.group == path }.map(\.lastKey)
        let example = declared.first { $0.path == "\(path).\(keys[0])" }?.fallback ?? "..."
        report(
          Mistake(
            message: "`\(path)` is a group of keys (\(keys.joined(separator: ", "))), not a value",
            help: "write `\(path): {\(keys[0]): \(example)}`"),
          at: entry.value)
      } else if path.group.map(groups.contains) ?? true {
        let here = declared.filter { $0.kinds.contains(kind) }.map(\.path)
        reportUnknown(path, entry, among: here, groups: Set(here.compactMap(\.group)))
      }
    }
    diagnostics += missing.values
    diagnostics.sort {
      ($0.span?.line ?? 0, $0.span?.column ?? 0, $0.message) < (
        $1.span?.line ?? 0, $1.span?.column ?? 0, $1.message
      )
    }
  }

  /// `minimize:` with nothing behind it: the mark of a kind of deck whose group has no key that must be given.
  private func isNothing(_ path: String, _ node: Node) -> Bool {
    path == kind.mark && node.scalar?.string.trimmed.isEmpty == true
  }

  private mutating func reportUnknown(
    _ path: String, _ entry: Entry, among paths: [String], groups: Set<String>
  ) {
    let siblings =
      path.group == nil ? paths.filter { $0.group == nil } + groups : paths.filter { $0.group == path.group }
    let place = path.group.map { " in `\($0)`" } ?? ""
    let near = nearestName(to: path.lastKey, among: siblings.map(\.lastKey))
    if let near { missing[path.group.map { "\($0).\(near)" } ?? near] = nil }
    let help =
      if let elsewhere = paths.first(where: {
        $0 != path && $0.lastKey == path.lastKey && $0.group != path.group
      }) {
        elsewhere.group.map { "`\(path.lastKey)` belongs in the group `\($0)`" }
          ?? "`\(path.lastKey)` belongs outside every group"
      } else if let near {
        "did you mean `\(near)`?"
      } else {
        "known keys\(place): " + Set(siblings.map(\.lastKey)).sorted().joined(separator: ", ")
      }
    report(Mistake(message: "unknown key `\(path.lastKey)`\(place)", help: help), at: entry.key)
  }
}

extension String {
  /// `thermostat` of `thermostat.tau`; nil for a key outside every group.
  var group: String? { firstIndex(of: ".").map { String(self[..<$0]) } }
  /// `tau` of `thermostat.tau`.
  var lastKey: String { firstIndex(of: ".").map { String(self[index(after: $0)...]) } ?? self }
}

extension SourceText {
  /// Where a node stands; as long as its scalar, within one line.
  func span(of node: Node) -> SourceSpan {
    guard let mark = node.mark, lines.indices.contains(mark.line - 1) else {
      return SourceSpan(line: 1, column: 1)
    }
    var length = 1
    if let scalar = node.scalar {
      let isQuoted = scalar.style == .singleQuoted || scalar.style == .doubleQuoted
      length = scalar.string.unicodeScalars.count + (isQuoted ? 2 : 0)
    }
    let available = lines[mark.line - 1].unicodeScalars.count - mark.column + 1
    return SourceSpan(line: mark.line, column: mark.column, length: max(1, min(length, available)))
  }
}
