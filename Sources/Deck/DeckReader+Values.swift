// The kinds of value a key may take: text, choice, path, flag, counts, quantities with units, intervals.

import Foundation
import Yams

extension DeckReader {
  /// The text of a scalar; `takes` says what was expected when there is none.
  private static func text(of node: Node, takes: String) throws(Mistake) -> String {
    guard let scalar = node.scalar else {
      let found = node.mapping == nil ? "a list" : "a group of keys"
      throw Mistake(message: "this key takes \(takes), not \(found)")
    }
    let text = scalar.string.trimmed
    guard !text.isEmpty else { throw Mistake(message: "this key has no value", help: "it takes \(takes)") }
    return text
  }

  // MARK: - Words

  mutating func choice<Choice: RawRepresentable & CaseIterable>(
    _ path: String, default fallback: String? = nil, excluded: String? = nil, help: String
  ) -> Choice where Choice.RawValue == String {
    let names = Choice.allCases.map(\.rawValue)
    let takes = names.map { "`\($0)`" }.joined(separator: ", ").replacingLast(", ", with: " or ")
    let standIn = Choice.allCases[Choice.allCases.startIndex]
    return key(path, takes: takes, default: fallback, excluded: excluded, help: help, standIn: standIn) {
      node throws(Mistake) in
      let text = try Self.text(of: node, takes: takes)
      guard let choice = Choice(rawValue: text) else {
        let near = nearestName(to: text, among: names)
        throw Mistake(
          message: "`\(path.lastKey)` takes \(takes), not `\(text)`", help: near.map { "did you mean `\($0)`?" })
      }
      return (choice, text)
    }
  }

  mutating func flag(_ path: String, default fallback: String, excluded: String? = nil, help: String) -> Bool {
    let takes = "`true` or `false`"
    return key(path, takes: takes, default: fallback, excluded: excluded, help: help, standIn: false) {
      node throws(Mistake) in
      let text = try Self.text(of: node, takes: takes)
      switch text {
      case "true": return (true, text)
      case "false": return (false, text)
      default:
        throw Mistake(message: "`\(path.lastKey)` takes \(takes), not `\(text)`", help: Self.flagHint(text))
      }
    }
  }

  private static func flagHint(_ text: String) -> String? {
    switch text.lowercased() {
    case "yes", "on", "1", "true", ".true.": "write `true`"
    case "no", "off", "0", "false", ".false.": "write `false`"
    default: nil
    }
  }

  /// A file or folder, relative to the deck's folder; echoed as an absolute path.
  mutating func path(
    _ path: String, takes: String, default fallback: String? = nil, defaultInWords: String? = nil, help: String
  ) -> String {
    let folder = folder
    return key(
      path, takes: takes, default: fallback.map(quoted), defaultInWords: defaultInWords, help: help, standIn: ""
    ) {
      node throws(Mistake) in
      let text = try Self.text(of: node, takes: takes)
      let expanded = (text as NSString).expandingTildeInPath
      let absolute = URL(fileURLWithPath: expanded, relativeTo: folder).standardizedFileURL.path
      return (absolute, quoted(absolute))
    }
  }

  /// The stem of output files' names.
  mutating func fileName(
    _ path: String, default fallback: String, defaultInWords: String? = nil, help: String
  ) -> String {
    let takes = "a file name without folder"
    return key(
      path, takes: takes, default: quoted(fallback), defaultInWords: defaultInWords, help: help, standIn: ""
    ) {
      node throws(Mistake) in
      let text = try Self.text(of: node, takes: takes)
      guard !text.contains("/"), text != ".", text != ".." else {
        throw Mistake(message: "`\(path.lastKey)` takes \(takes), not `\(text)`", help: "give the folder in `output.folder`")
      }
      return (text, quoted(text))
    }
  }

  // MARK: - Counts

  mutating func count(
    _ path: String, _ range: ClosedRange<Int>, default fallback: String? = nil, defaultInWords: String? = nil,
    excluded: String? = nil, help: String
  ) -> Int {
    let takes = "a whole number from \(range.lowerBound) to \(range.upperBound)"
    return key(
      path, takes: takes, default: fallback, defaultInWords: defaultInWords, excluded: excluded, help: help,
      standIn: range.lowerBound
    ) { node throws(Mistake) in
      let value = try Self.count(Self.text(of: node, takes: takes), in: range, name: path.lastKey)
      return (value, "\(value)")
    }
  }

  private static func count(_ text: String, in range: ClosedRange<Int>, name: String) throws(Mistake) -> Int {
    let takes = "a whole number from \(range.lowerBound) to \(range.upperBound)"
    guard let (number, rest) = NumberText.split(text) else {
      throw Mistake(message: "`\(name)` takes \(takes), not `\(text)`", help: NumberText.slip(in: text))
    }
    guard rest.isEmpty else {
      let unit = rest.wholeMatch(of: /[A-Za-z\/]+/) == nil ? nil : "it has no unit: write `\(name): \(plain(number))`"
      throw Mistake(
        message: "`\(name)` takes \(takes), not `\(text)`", help: NumberText.slip(in: text) ?? unit)
    }
    // Digits are read as they stand: a Double would round those beyond 2^53.
    guard let value = Int(text) ?? Int(exactly: number), range.contains(value) else {
      throw Mistake(message: "`\(name)` takes \(takes), not `\(text)`")
    }
    return value
  }

  mutating func counts(
    _ path: String, length: Int, _ range: ClosedRange<Int>, default fallback: String, help: String
  ) -> [Int] {
    let takes = "a list of \(length) whole numbers"
    return key(path, takes: takes, default: fallback, help: help, standIn: []) {
      node throws(Mistake) in
      guard let items = node.sequence, items.count == length else {
        let found = node.sequence.map { "\($0.count) of them" } ?? node.scalar.map { "`\($0.string)`" } ?? "a group"
        throw Mistake(
          message: "`\(path.lastKey)` takes \(takes), not \(found)", help: "write `\(path.lastKey): \(fallback)`")
      }
      var values: [Int] = []
      for item in items {
        values.append(try Self.count(Self.text(of: item, takes: takes), in: range, name: path.lastKey))
      }
      return (values, "\(values)")
    }
  }

  /// Atoms by number from 1 as in the structure file: `[1, 4, 10-20]`.
  mutating func atoms(_ path: String, help: String) -> [ClosedRange<Int>] {
    let takes = "a list of atom numbers and ranges"
    return key(path, takes: takes, default: "[]", help: help, standIn: []) { node throws(Mistake) in
      guard let items = node.sequence else {
        throw Mistake(message: "`\(path)` takes \(takes)", help: "write `\(path): [1, 4, 10-20]`")
      }
      var ranges: [ClosedRange<Int>] = []
      for item in items {
        let text = try Self.text(of: item, takes: takes)
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0.trimmed) ?? 0 }
        guard (1...2).contains(ends.count), ends[0] >= 1, ends[ends.count - 1] >= ends[0] else {
          throw Mistake(
            message: "`\(path)` takes \(takes), and `\(text)` is neither",
            help: "atoms count from 1; write `\(path): [1, 4, 10-20]`")
        }
        ranges.append(ends[0]...ends[ends.count - 1])
      }
      let texts = ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
      return (ranges, "[" + texts.joined(separator: ", ") + "]")
    }
  }

  // MARK: - Quantities

  /// A number with its unit, in Bloch's internal unit.
  mutating func quantity(
    _ path: String, _ dimension: Dimension, _ range: ClosedRange<Double>, default fallback: String? = nil,
    excluded: String? = nil, isGroup: Bool = false, help: String
  ) -> Double {
    let takes = "a \(dimension.rawValue) in \(dimension.unitNames)"
    return key(
      path, takes: takes, default: fallback, excluded: excluded, isGroup: isGroup, help: help,
      standIn: range.lowerBound
    ) { node throws(Mistake) in
      let text = try Self.text(of: node, takes: takes)
      return (try Self.quantity(text, dimension, range, name: path.lastKey), text)
    }
  }

  private static func quantity(
    _ text: String, _ dimension: Dimension, _ range: ClosedRange<Double>, name: String
  ) throws(Mistake) -> Double {
    let takes = "a \(dimension.rawValue) in \(dimension.unitNames)"
    guard let (number, unit) = NumberText.split(text) else {
      throw Mistake(message: "`\(name)` takes \(takes), not `\(text)`", help: NumberText.slip(in: text))
    }
    let base = dimension.units[0].symbol
    guard !unit.isEmpty else {
      throw Mistake(
        message: "`\(name)` needs a unit: \(dimension.unitNames)", help: "write `\(name): \(plain(number)) \(base)`")
    }
    guard let value = dimension.units.first(where: { $0.symbol == unit })?.value else {
      let near = nearestName(to: unit, among: dimension.units.map(\.symbol))
      throw Mistake(
        message: "`\(unit)` is not a unit of \(dimension.rawValue)",
        help: NumberText.slip(in: text) ?? near.map { "did you mean `\(plain(number)) \($0)`?" }
          ?? "`\(name)` takes \(dimension.unitNames)")
    }
    guard range.contains(number * value) else {
      let unit = dimension.units.first { $0.value == 1 }?.symbol ?? base
      throw Mistake(
        message: "`\(name)` lies between \(plain(range.lowerBound)) and \(plain(range.upperBound)) \(unit), not at `\(text)`")
    }
    return number * value
  }

  /// A number of steps, written as `10 steps` or as a time that is a whole number of steps.
  mutating func interval(
    _ path: String, timestep: Double, default fallback: String, defaultInWords: String? = nil,
    excluded: String? = nil, help: String
  ) -> Int {
    let takes = "a number of steps or a time"
    let name = path.lastKey
    return key(
      path, takes: takes, default: fallback, defaultInWords: defaultInWords, excluded: excluded, help: help,
      standIn: 1
    ) { node throws(Mistake) in
      let text = try Self.text(of: node, takes: takes)
      guard let (number, unit) = NumberText.split(text) else {
        throw Mistake(
          message: "`\(name)` takes \(takes), not `\(text)`",
          help: NumberText.slip(in: text) ?? "write `\(name): 10 steps` or `\(name): 5 fs`")
      }
      guard !unit.isEmpty else {
        throw Mistake(
          message: "`\(name)` needs a unit: steps, \(Dimension.time.unitNames)",
          help: "write `\(name): \(plain(number)) steps`")
      }
      if unit == "steps" || unit == "step" {
        let steps = try Self.count(plain(number), in: 1...1_000_000_000_000, name: name)
        return (steps, "\(steps) steps")
      }
      guard Dimension.time.units.contains(where: { $0.symbol == unit }) else {
        let near = nearestName(to: unit, among: Dimension.time.units.map(\.symbol) + ["steps"])
        throw Mistake(
          message: "`\(unit)` is not a unit of time", help: near.map { "did you mean `\(plain(number)) \($0)`?" }
            ?? "`\(name)` takes steps, \(Dimension.time.unitNames)")
      }
      let time = try Self.quantity(text, .time, 0...1e18, name: name)
      let ratio = (time / timestep).rounded()
      guard ratio >= 1, ratio < 1e12, abs(ratio * timestep - time) <= 1e-9 * time else {
        throw Mistake(
          message: "`\(text)` is not a whole number of steps of \(plain(timestep)) fs",
          help: "write `\(name): \(plain(min(max(ratio, 1), 1e12))) steps`")
      }
      return (Int(ratio), text)
    }
  }
}

/// A number as a person writes it: `300` and not `300.0`.
func plain(_ number: Double) -> String {
  Int(exactly: number).map(String.init) ?? "\(number)"
}

/// Text as a YAML scalar, in double quotes unless it is made of plain characters only.
func quoted(_ text: String) -> String {
  if text.wholeMatch(of: /[A-Za-z_.\/][A-Za-z0-9_.\/-]*/) != nil { return text }
  let escaped = text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"")
  return "\"\(escaped)\""
}
