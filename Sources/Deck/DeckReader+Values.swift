// The kinds of value a key may take: choices, flags, paths, counts, quantities with units, intervals.

import Foundation
import Yams

extension DeckReader {
  /// The text of a scalar.
  static func text(of node: Node, _ name: String, takes: String) throws(Mistake) -> String {
    let help = "`\(name)` takes \(takes)"
    guard let scalar = node.scalar else {
      throw Mistake(
        message: node.mapping == nil ? "a list, not one value" : "a group, not one value", help: help)
    }
    let text = scalar.string.trimmed
    guard !text.isEmpty else { throw Mistake(message: "`\(name)` has no value", help: help) }
    return text
  }

  // MARK: - Words

  mutating func choice<Choice: RawRepresentable & CaseIterable>(
    _ path: String, default fallback: String? = nil, defaultInWords: String? = nil, condition: String? = nil,
    excluded: String? = nil, help: String
  ) -> Choice where Choice.RawValue == String {
    let names = Choice.allCases.map(\.rawValue)
    let takes = names.map { "`\($0)`" }.joined(separator: ", ").replacingLast(", ", with: " or ")
    let standIn = Choice.allCases[Choice.allCases.startIndex]
    let name = path.lastKey
    return key(
      path, takes: takes, default: fallback, defaultInWords: defaultInWords, condition: condition,
      excluded: excluded, help: help, standIn: standIn
    ) { node throws(Mistake) in
      let text = try Self.text(of: node, name, takes: takes)
      guard let choice = Choice(rawValue: text) else {
        let near = nearestName(to: text, among: names)
        throw Mistake(
          message: "`\(text)` is not known here",
          help: near.map { "did you mean `\($0)`?" } ?? "`\(name)` takes \(takes)")
      }
      return (choice, text)
    }
  }

  mutating func flag(
    _ path: String, default fallback: String, condition: String? = nil, excluded: String? = nil, help: String
  ) -> Bool {
    let takes = "`true` or `false`"
    let name = path.lastKey
    return key(
      path, takes: takes, default: fallback, condition: condition, excluded: excluded, help: help,
      standIn: false
    ) { node throws(Mistake) in
      let text = try Self.text(of: node, name, takes: takes)
      switch text {
      case "true": return (true, text)
      case "false": return (false, text)
      default: throw Mistake(message: "`\(text)` is neither true nor false", help: "`\(name)` takes \(takes)")
      }
    }
  }

  /// A file or folder, relative to the deck's folder; echoed as an absolute path.
  mutating func path(
    _ path: String, takes: String, default fallback: String? = nil, defaultInWords: String? = nil,
    help: String
  ) -> String {
    let folder = folder
    return key(
      path, takes: takes, default: fallback.map(quoted), defaultInWords: defaultInWords, help: help,
      standIn: ""
    ) { node throws(Mistake) in
      let text = try Self.text(of: node, path.lastKey, takes: takes)
      let absolute = absoluteURL(text, in: folder).path
      return (absolute, quoted(absolute))
    }
  }

  /// A file, or a list of files, each once.
  mutating func paths(_ path: String, takes: String, help: String) -> [String] {
    let folder = folder
    return key(path, takes: takes, default: nil, help: help, standIn: []) { node throws(Mistake) in
      var absolute: [String] = []
      for item in node.sequence.map({ Array($0) }) ?? [node] {
        let file = absoluteURL(try Self.text(of: item, path.lastKey, takes: takes), in: folder).path
        guard !absolute.contains(file) else {
          throw Mistake(message: "\(file) stands here twice", help: "name each file once", part: item)
        }
        absolute.append(file)
      }
      guard !absolute.isEmpty else {
        throw Mistake(message: "an empty list", help: "`\(path.lastKey)` takes \(takes)")
      }
      let texts = absolute.map(quoted)
      return (absolute, texts.count == 1 ? texts[0] : "[" + texts.joined(separator: ", ") + "]")
    }
  }

  /// A file that need not be given; nil for the word `none`.
  mutating func optionalPath(_ path: String, takes: String, help: String) -> String? {
    let folder = folder
    return key(path, takes: "`none`, or \(takes)", default: "none", help: help, standIn: nil) {
      node throws(Mistake) in
      let text = try Self.text(of: node, path.lastKey, takes: takes)
      if text == "none" { return (nil, text) }
      let absolute = absoluteURL(text, in: folder).path
      return (absolute, quoted(absolute))
    }
  }

  /// A name of the user's own for a column of a table.
  mutating func word(_ path: String, default fallback: String, help: String) -> String {
    let takes = "a name of letters, digits, - and _"
    return key(path, takes: takes, default: fallback, help: help, standIn: fallback) { node throws(Mistake) in
      let text = try Self.text(of: node, path.lastKey, takes: takes)
      guard text.wholeMatch(of: /[A-Za-z][A-Za-z0-9_-]{0,63}/) != nil else {
        throw Mistake(message: "`\(text)` is no name of a column", help: "`\(path.lastKey)` takes \(takes)")
      }
      return (text, quoted(text))
    }
  }

  /// A name of the user's own; nil for the word `auto`.
  mutating func name(_ path: String, help: String) -> String? {
    let takes = "`auto`, or a name"
    return key(path, takes: takes, default: "auto", help: help, standIn: nil) { node throws(Mistake) in
      let text = try Self.text(of: node, path.lastKey, takes: takes)
      return (text == "auto" ? nil : text, quoted(text))
    }
  }

  /// Words of the user's own, in one line; nil for the word `none`.
  mutating func note(_ path: String, help: String) -> String? {
    let longest = 1000
    let takes = "`none`, or a line of up to \(longest) characters"
    return key(path, takes: takes, default: "none", help: help, standIn: nil) { node throws(Mistake) in
      // Lines of a YAML block become one.
      let text = try Self.text(of: node, path.lastKey, takes: takes).split(whereSeparator: \.isWhitespace)
        .joined(separator: " ")
      guard text.count <= longest else {
        throw Mistake(message: "a text of \(text.count) characters", help: "`\(path.lastKey)` takes \(takes)")
      }
      return (text == "none" ? nil : text, quoted(text))
    }
  }

  /// The stem of output files' names.
  mutating func fileName(
    _ path: String, default fallback: String, defaultInWords: String? = nil, help: String
  ) -> String {
    let takes = "a file name without a folder"
    return key(
      path, takes: takes, default: quoted(fallback), defaultInWords: defaultInWords, help: help, standIn: ""
    ) { node throws(Mistake) in
      let text = try Self.text(of: node, path.lastKey, takes: takes)
      guard !text.contains("/"), text != ".", text != ".." else {
        throw Mistake(message: "`\(text)` names a folder", help: "give the folder in `output.folder`")
      }
      return (text, quoted(text))
    }
  }

  // MARK: - Counts

  private static func takesCount(_ range: ClosedRange<Int>) -> String {
    "a whole number from \(range.lowerBound) to \(range.upperBound)"
  }

  mutating func count(
    _ path: String, _ range: ClosedRange<Int>, default fallback: String? = nil, defaultInWords: String? = nil,
    condition: String? = nil, excluded: String? = nil, help: String
  ) -> Int {
    let takes = Self.takesCount(range)
    return key(
      path, takes: takes, default: fallback, defaultInWords: defaultInWords, condition: condition,
      excluded: excluded, help: help, standIn: range.lowerBound
    ) { node throws(Mistake) in
      let value = try Self.count(
        Self.text(of: node, path.lastKey, takes: takes), in: range, name: path.lastKey)
      return (value, "\(value)")
    }
  }

  private static func count(
    _ text: String, in range: ClosedRange<Int>, name: String, part: Node? = nil
  ) throws(Mistake) -> Int {
    let takes = "`\(name)` takes \(takesCount(range))"
    guard let (number, rest) = NumberText.split(text), rest.isEmpty else {
      let unit = NumberText.split(text).flatMap { number, rest in
        rest.wholeMatch(of: /[A-Za-z\/]+/).map { _ in
          "`\(name)` has no unit: write `\(name): \(plain(number))`"
        }
      }
      throw Mistake(
        message: "`\(text)` is not a whole number", help: NumberText.slip(in: text) ?? unit ?? takes,
        part: part)
    }
    // Digits are read as they stand: a Double would round those beyond 2^53.
    guard let value = Int(text) ?? Int(exactly: number) else {
      throw Mistake(message: "`\(text)` is not a whole number within reach", help: takes, part: part)
    }
    guard range.contains(value) else {
      throw Mistake(message: "\(value) is out of range", help: takes, part: part)
    }
    return value
  }

  mutating func counts(
    _ path: String, length: Int, _ range: ClosedRange<Int>, default fallback: String, help: String
  ) -> [Int] {
    let takes = "a list of \(length) whole numbers"
    let name = path.lastKey
    return key(path, takes: takes, default: fallback, help: help, standIn: []) { node throws(Mistake) in
      let values = try Self.counts(of: node, length: length, in: range, name: name, example: fallback)
      return (values, "\(values)")
    }
  }

  /// So many whole numbers; nil for the word `auto`.
  mutating func optionalCounts(
    _ path: String, length: Int, _ range: ClosedRange<Int>, example: String, help: String
  ) -> [Int]? {
    let takes = "`auto`, or a list of \(length) whole numbers such as \(example)"
    let name = path.lastKey
    return key(path, takes: takes, default: "auto", help: help, standIn: nil) { node throws(Mistake) in
      if node.string == "auto" { return (nil, "auto") }
      let values = try Self.counts(of: node, length: length, in: range, name: name, example: example)
      return (values, "\(values)")
    }
  }

  private static func counts(
    of node: Node, length: Int, in range: ClosedRange<Int>, name: String, example: String
  ) throws(Mistake) -> [Int] {
    let takes = "a list of \(length) whole numbers"
    guard let items = node.sequence, items.count == length else {
      throw Mistake(
        message: node.sequence.map { "a list of \($0.count)" } ?? "not a list",
        help: "`\(name)` takes \(takes), such as `\(name): \(example)`")
    }
    var values: [Int] = []
    for item in items {
      values.append(try count(text(of: item, name, takes: takes), in: range, name: name, part: item))
    }
    return values
  }

  /// Atoms by number from 1 as in the structure file: `[1, 4, 10-20]`.
  mutating func atoms(_ path: String, default fallback: String? = "[]", help: String) -> [ClosedRange<Int>] {
    let takes = "a list of atom numbers and ranges, such as [1, 4, 10-20]"
    return key(path, takes: takes, default: fallback, help: help, standIn: []) { node throws(Mistake) in
      guard let items = node.sequence else {
        throw Mistake(message: "not a list", help: "`\(path)` takes \(takes)")
      }
      var ranges: [ClosedRange<Int>] = []
      for item in items {
        let text = try Self.text(of: item, path, takes: takes)
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0.trimmed) ?? 0 }
        guard (1...2).contains(ends.count), ends[0] >= 1, ends[ends.count - 1] >= ends[0] else {
          throw Mistake(
            message: "`\(text)` is neither an atom nor a range of atoms",
            help: "atoms count from 1 as in the structure file; write `\(path): [1, 4, 10-20]`", part: item)
        }
        ranges.append(ends[0]...ends[ends.count - 1])
      }
      let texts = ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
      return (ranges, "[" + texts.joined(separator: ", ") + "]")
    }
  }

  // MARK: - Numbers

  /// A number without a unit.
  mutating func number(
    _ path: String, _ range: ClosedRange<Double>, default fallback: String? = nil,
    defaultInWords: String? = nil, condition: String? = nil, excluded: String? = nil, help: String
  ) -> Double {
    key(
      path, takes: Self.takesNumber(range), default: fallback, defaultInWords: defaultInWords,
      condition: condition, excluded: excluded, help: help, standIn: range.lowerBound
    ) { node throws(Mistake) in
      let text = try Self.text(of: node, path.lastKey, takes: Self.takesNumber(range))
      return (try Self.number(text, in: range, name: path.lastKey), text)
    }
  }

  /// A number that need not be given; nil for the word `none`.
  mutating func optionalNumber(
    _ path: String, _ range: ClosedRange<Double>, default fallback: String = "none", condition: String? = nil,
    excluded: String? = nil, help: String
  ) -> Double? {
    let takes = "`none`, or \(Self.takesNumber(range))"
    return key(
      path, takes: takes, default: fallback, condition: condition, excluded: excluded, help: help,
      standIn: nil
    ) { node throws(Mistake) in
      let text = try Self.text(of: node, path.lastKey, takes: takes)
      return (text == "none" ? nil : try Self.number(text, in: range, name: path.lastKey), text)
    }
  }

  /// A whole number that need not be given; nil for the word `absent`.
  mutating func optionalCount(
    _ path: String, _ range: ClosedRange<Int>, absent: String = "none", defaultInWords: String? = nil,
    excluded: String? = nil, help: String
  ) -> Int? {
    let takes = "`\(absent)`, or \(Self.takesCount(range))"
    return key(
      path, takes: takes, default: absent, defaultInWords: defaultInWords, excluded: excluded, help: help,
      standIn: nil
    ) { node throws(Mistake) in
      let text = try Self.text(of: node, path.lastKey, takes: takes)
      return (text == absent ? nil : try Self.count(text, in: range, name: path.lastKey), text)
    }
  }

  private static func takesNumber(_ range: ClosedRange<Double>) -> String {
    "a number from \(plain(range.lowerBound)) to \(plain(range.upperBound))"
  }

  static func number(
    _ text: String, in range: ClosedRange<Double>, name: String, part: Node? = nil
  ) throws(Mistake) -> Double {
    let takes = "`\(name)` takes \(takesNumber(range))"
    guard let (number, rest) = NumberText.split(text), rest.isEmpty else {
      throw Mistake(
        message: "`\(text)` is not a number", help: NumberText.slip(in: text) ?? takes, part: part)
    }
    guard range.contains(number) else {
      throw Mistake(message: "`\(text)` is out of range", help: takes, part: part)
    }
    return number
  }

  // MARK: - Quantities

  /// A number with its unit, in Bloch's internal unit.
  mutating func quantity(
    _ path: String, _ dimension: Dimension, _ range: ClosedRange<Double>, default fallback: String? = nil,
    defaultInWords: String? = nil, condition: String? = nil, excluded: String? = nil, isGroup: Bool = false,
    help: String
  ) -> Double {
    let takes = "\(dimension.name.withArticle) in \(dimension.unitNames)"
    return key(
      path, takes: takes, default: fallback, defaultInWords: defaultInWords, condition: condition,
      excluded: excluded, isGroup: isGroup, help: help, standIn: range.lowerBound
    ) { node throws(Mistake) in
      let text = try Self.text(of: node, path.lastKey, takes: takes)
      return (try Self.quantity(text, path.lastKey, dimension, range, takes: takes), text)
    }
  }

  /// A number with its unit that need not be given; nil for the word `absent`.
  mutating func optionalQuantity(
    _ path: String, _ dimension: Dimension, _ range: ClosedRange<Double>, absent: String = "none",
    default fallback: String? = nil, defaultInWords: String? = nil, condition: String? = nil,
    excluded: String? = nil, help: String
  ) -> Double? {
    let takes = "`\(absent)`, or \(dimension.name.withArticle) in \(dimension.unitNames)"
    return key(
      path, takes: takes, default: fallback ?? absent, defaultInWords: defaultInWords, condition: condition,
      excluded: excluded, help: help, standIn: nil
    ) { node throws(Mistake) in
      let text = try Self.text(of: node, path.lastKey, takes: takes)
      if text == absent { return (nil, text) }
      return (try Self.quantity(text, path.lastKey, dimension, range, takes: takes), text)
    }
  }

  static func quantity(
    _ text: String, _ name: String, _ dimension: Dimension, _ range: ClosedRange<Double>, takes: String,
    part: Node? = nil
  ) throws(Mistake) -> Double {
    let (number, unit): (Double, Double)
    do throws(Mistake) {
      (number, unit) = try measurement(text, name, [dimension.units], of: dimension, takes: takes)
    } catch {
      throw Mistake(message: error.message, help: error.help, part: part)
    }
    guard range.contains(number * unit) else {
      throw Mistake(
        message: "`\(text)` is out of range", help: "`\(name)` takes \(dimension.words(for: range))",
        part: part)
    }
    return number * unit
  }

  /// A number of steps, written as `10 steps` or as a time that is a whole number of steps.
  /// - Parameter timestep: in fs; nil where no time passes.
  mutating func interval(
    _ path: String, timestep: Double?, default fallback: String, defaultInWords: String? = nil,
    condition: String? = nil, excluded: String? = nil, help: String
  ) -> Int {
    let takes = "a number of steps" + (timestep == nil ? "" : ", or a time in \(Dimension.time.unitNames)")
    let name = path.lastKey
    return key(
      path, takes: takes, default: fallback, defaultInWords: defaultInWords, condition: condition,
      excluded: excluded, help: help, standIn: 1
    ) { node throws(Mistake) in
      let text = try Self.text(of: node, name, takes: takes)
      return (try Self.steps(text, name, timestep: timestep, takes: takes), text)
    }
  }

  /// A number of steps as above; nil for the word `none`.
  mutating func optionalInterval(
    _ path: String, timestep: Double?, excluded: String? = nil, help: String
  ) -> Int? {
    let takes = "`none`, or a number of steps or a time, such as 100 steps"
    return key(path, takes: takes, default: "none", excluded: excluded, help: help, standIn: nil) {
      node throws(Mistake) in
      let text = try Self.text(of: node, path.lastKey, takes: takes)
      if text == "none" { return (nil, text) }
      return (try Self.steps(text, path.lastKey, timestep: timestep, takes: takes), text)
    }
  }

  private static func steps(
    _ text: String, _ name: String, timestep: Double?, takes: String
  ) throws(Mistake) -> Int {
    let times = timestep == nil ? [] : Dimension.time.units
    let timestep = timestep ?? 1
    let stepUnits = [(symbol: "steps", value: timestep), (symbol: "step", value: timestep)]
    let (number, unit) = try measurement(text, name, [stepUnits, times], of: .time, takes: takes)
    let ratio = number * unit / timestep
    guard ratio.rounded() >= 1, ratio <= 1e12, abs(ratio.rounded() - ratio) <= 1e-9 * ratio else {
      throw Mistake(
        message: "`\(text)` is not a whole number of steps of \(plain(timestep)) fs",
        help: "write `\(name): \(plain(min(max(ratio.rounded(), 1), 1e12))) steps`")
    }
    return Int(ratio.rounded())
  }

  /// Number and value of its unit.
  private static func measurement(
    _ text: String, _ name: String, _ units: [[(symbol: String, value: Double)]], of dimension: Dimension,
    takes: String
  ) throws(Mistake) -> (number: Double, unit: Double) {
    let symbols = units.flatMap { $0 }
    guard let (number, symbol) = NumberText.split(text) else {
      throw Mistake(
        message: "`\(text)` does not begin with a number",
        help: NumberText.slip(in: text) ?? "`\(name)` takes \(takes)")
    }
    if let unit = symbols.first(where: { $0.symbol == symbol }) { return (number, unit.value) }
    let suggestion =
      dimension.suggestion(for: symbol, number: number)
      ?? (nearestName(to: symbol, among: symbols.map(\.symbol).filter { $0.hasPrefix("step") })).map {
        "did you mean `\(plain(number)) \($0)`?"
      }
    if suggestion == nil, let slip = NumberText.slip(in: text) {
      throw Mistake(message: "`\(text)` is not a number with a unit", help: slip)
    }
    guard !symbol.isEmpty else {
      throw Mistake(
        message: "`\(text)` has no unit",
        help: "write `\(name): \(plain(number)) \(symbols[0].symbol)`: it takes \(takes)")
    }
    throw Mistake(
      message: "`\(symbol)` is not a unit of `\(name)`",
      help: suggestion ?? "it takes \(takes); all units are \(dimension.allUnitNames)")
  }
}

extension String {
  /// `a length`, `an angle`.
  var withArticle: String { (first.map("aeiou".contains) == true ? "an " : "a ") + self }
}

/// `path` where a deck in `folder` means it.
func absoluteURL(_ path: String, in folder: URL) -> URL {
  URL(fileURLWithPath: (path as NSString).expandingTildeInPath, relativeTo: folder).standardizedFileURL
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
