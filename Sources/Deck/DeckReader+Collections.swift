// Kinds of value with entries of the user's own naming: lists of words and numbers, tables by name, files of data.

import Foundation
import Lattice
import Yams

/// A file of training data as a deck names it.
public struct DeckFile: Sendable, Hashable {
  /// Absolute.
  public let path: String
  /// By which tables call it.
  public let name: String
  public let weight: Double
  /// Of its labels.
  public internal(set) var energyWeight = 1.0
  public internal(set) var forcesWeight = 1.0
  public internal(set) var stressWeight = 1.0

  /// All weights.
  public var weights: [Double] { [weight, energyWeight, forcesWeight, stressWeight] }
}

extension DeckReader {
  // MARK: - Lists

  /// A list of values, each read by `entry` from its text.
  mutating func list<Value>(
    _ path: String, takes: String, default fallback: String, defaultInWords: String? = nil,
    condition: String? = nil, excluded: String? = nil, help: String,
    entry: (String, Node, _ before: Value?) throws(Mistake) -> (value: Value, text: String)
  ) -> [Value] {
    let name = path.lastKey
    return key(
      path, takes: takes, default: fallback, defaultInWords: defaultInWords, condition: condition,
      excluded: excluded, help: help, standIn: []
    ) { node throws(Mistake) in
      guard let items = node.sequence else {
        throw Mistake(message: "not a list", help: "`\(name)` takes \(takes)")
      }
      var values: [Value] = []
      var texts: [String] = []
      for item in items {
        let (value, text) = try entry(Self.text(of: item, name, takes: takes), item, values.last)
        values.append(value)
        texts.append(text)
      }
      return (values, "[" + texts.joined(separator: ", ") + "]")
    }
  }

  /// A list of words or patterns.
  mutating func words(_ path: String, takes: String, default fallback: String, help: String) -> [String] {
    list(path, takes: takes, default: fallback, help: help) { text, _, _ throws(Mistake) in
      (text, quoted(text))
    }
  }

  /// A list of whole numbers in a range, ascending and each once.
  mutating func numbers(
    _ path: String, _ range: ClosedRange<Int>, default fallback: String, defaultInWords: String? = nil,
    condition: String? = nil, excluded: String? = nil, isOrdered: Bool, help: String
  ) -> [Int] {
    let name = path.lastKey
    let takes =
      "a list of whole numbers from \(range.lowerBound) to \(range.upperBound), such as `\(name): \(fallback)`"
    return list(
      path, takes: takes, default: fallback, defaultInWords: defaultInWords, condition: condition,
      excluded: excluded, help: help
    ) { text, node, before throws(Mistake) in
      guard let value = Int(text), range.contains(value) else {
        throw Mistake(
          message: "`\(text)` is not a whole number from \(range.lowerBound) to \(range.upperBound)",
          help: "`\(name)` takes \(takes)", part: node)
      }
      if isOrdered, let before, value <= before {
        throw Mistake(
          message: "\(value) comes after \(before)", help: "write each once, in order", part: node)
      }
      return (value, text)
    }
  }

  /// Quantities of one dimension, in Bloch's internal unit; one alone needs no brackets.
  mutating func quantities(
    _ path: String, _ dimension: Dimension, _ range: ClosedRange<Double>, default fallback: String,
    defaultInWords: String? = nil, condition: String? = nil, excluded: String? = nil, help: String
  ) -> [Double] {
    let name = path.lastKey
    let takes = "\(dimension.name.withArticle) in \(dimension.unitNames), or a list of them"
    return key(
      path, takes: takes, default: fallback, defaultInWords: defaultInWords, condition: condition,
      excluded: excluded, help: help, standIn: [range.lowerBound]
    ) { node throws(Mistake) in
      var values: [Double] = []
      var texts: [String] = []
      for item in node.sequence.map({ Array($0) }) ?? [node] {
        let text = try Self.text(of: item, name, takes: takes)
        values.append(try Self.quantity(text, name, dimension, range, takes: takes, part: item))
        texts.append(text)
      }
      guard !values.isEmpty else { throw Mistake(message: "an empty list", help: "`\(name)` takes \(takes)") }
      return (values, "[" + texts.joined(separator: ", ") + "]")
    }
  }

  // MARK: - Tables

  /// A group whose keys are the user's own, each value read by `entry`.
  private static func table<Value>(
    _ node: Node, _ name: String, takes: String,
    entry: (_ key: String, _ text: String, _ node: Node) throws(Mistake) -> (value: Value, text: String)
  ) throws(Mistake) -> (value: [(key: String, value: Value)], text: String) {
    guard let mapping = node.mapping else {
      throw Mistake(message: "not a group", help: "`\(name)` takes \(takes)")
    }
    var values: [(String, Value)] = []
    var texts: [String] = []
    for (key, item) in mapping {
      guard let key = key.string, !key.isEmpty else {
        throw Mistake(message: "a key that is no word", help: "`\(name)` takes \(takes)", part: key)
      }
      let (value, text) = try entry(key, Self.text(of: item, name, takes: takes), item)
      values.append((key, value))
      texts.append("\(quoted(key)): \(text)")
    }
    return (values, "{" + texts.joined(separator: ", ") + "}")
  }

  /// Numbers by names of the user's own.
  mutating func numberTable(
    _ path: String, _ range: ClosedRange<Double>, takes: String, default fallback: String,
    defaultInWords: String? = nil, condition: String? = nil, excluded: String? = nil, help: String,
    checkingKey check: (String) -> String? = { _ in nil }
  ) -> [(key: String, value: Double)] {
    let name = path.lastKey
    return key(
      path, takes: takes, default: fallback, defaultInWords: defaultInWords, condition: condition,
      excluded: excluded, help: help, standIn: []
    ) { node throws(Mistake) in
      try Self.table(node, name, takes: takes) { key, text, item throws(Mistake) in
        if let problem = check(key) {
          throw Mistake(message: problem, help: "`\(name)` takes \(takes)", part: item)
        }
        return (try Self.number(text, in: range, name: key, part: item), text)
      }
    }
  }

  /// Quantities by element.
  mutating func elementQuantities(
    _ path: String, _ dimension: Dimension, _ range: ClosedRange<Double>, example: String, help: String
  ) -> [(key: Int, value: Double)] {
    let name = path.lastKey
    let takes = "a group of elements such as {\(example)}"
    return key(path, takes: takes, default: "{}", help: help, standIn: []) { node throws(Mistake) in
      try Self.elementTable(node, name, dimension, range, takes: takes)
    }
  }

  private static func elementTable(
    _ node: Node, _ name: String, _ dimension: Dimension, _ range: ClosedRange<Double>, takes: String
  ) throws(Mistake) -> (value: [(key: Int, value: Double)], text: String) {
    let (table, text) = try table(node, name, takes: takes) { key, text, item throws(Mistake) in
      guard let z = Elements.atomicNumber(key) else {
        throw Mistake(message: "`\(key)` is no element", help: "symbols are H, He, Li, ...", part: item)
      }
      return ((z, try quantity(text, key, dimension, range, takes: takes, part: item)), text)
    }
    return (table.map(\.value).map { (key: $0.0, value: $0.1) }, text)
  }

  /// A word, or quantities by element.
  mutating func wordOrElements<Word: RawRepresentable & CaseIterable>(
    _ path: String, _ dimension: Dimension, _ range: ClosedRange<Double>, default fallback: String,
    excluded: String? = nil, help: String
  ) -> (word: Word?, table: [(key: Int, value: Double)]) where Word.RawValue == String {
    let name = path.lastKey
    let words = Word.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")
    let takes = "\(words), or a group of elements such as {H: -13.6 \(dimension.unitNames.prefix(2)), ...}"
    return key(
      path, takes: takes, default: fallback, excluded: excluded, help: help, standIn: (nil, [])
    ) { node throws(Mistake) in
      if node.mapping == nil {
        let text = try Self.text(of: node, name, takes: takes)
        guard let word = Word(rawValue: text) else {
          let near = nearestName(to: text, among: Word.allCases.map(\.rawValue))
          throw Mistake(
            message: "`\(text)` is not known here",
            help: near.map { "did you mean `\($0)`?" } ?? "`\(name)` takes \(takes)")
        }
        return ((word, []), text)
      }
      let (table, text) = try Self.elementTable(node, name, dimension, range, takes: takes)
      return ((nil, table), text)
    }
  }

  /// Elements by symbol; empty for the word `auto`.
  mutating func elements(_ path: String, excluded: String? = nil, help: String) -> [Int] {
    let name = path.lastKey
    let takes = "`auto`, or a list of symbols such as [H, O]"
    return key(path, takes: takes, default: "auto", excluded: excluded, help: help, standIn: []) {
      node throws(Mistake) in
      guard let items = node.sequence else {
        let text = try Self.text(of: node, name, takes: takes)
        guard text == "auto" else {
          throw Mistake(message: "`\(text)` is not known here", help: "`\(name)` takes \(takes)")
        }
        return ([], text)
      }
      var numbers: [Int] = []
      for item in items {
        let text = try Self.text(of: item, name, takes: takes)
        guard let z = Elements.atomicNumber(text), !numbers.contains(z) else {
          throw Mistake(
            message: Elements.atomicNumber(text) == nil
              ? "`\(text)` is no element" : "`\(text)` is given twice",
            help: "symbols are H, He, Li, ..., each once", part: item)
        }
        numbers.append(z)
      }
      return (
        numbers.sorted(), "[" + numbers.sorted().compactMap(Elements.symbol).joined(separator: ", ") + "]"
      )
    }
  }

  // MARK: - Files

  /// A structure: a file, or a group of the file and the frame of it that is meant.
  mutating func structureFile(_ path: String, help: String) -> (path: String, frame: Deck.FrameChoice?) {
    let takes = "a file, or {file: PATH, frame: NUMBER or last} where it holds several structures"
    let folder = folder
    let moved: String? = if case .text(let file)? = overrides["\(path).file"] { file } else { nil }
    return key(path, takes: takes, default: nil, help: help, standIn: ("", nil)) { node throws(Mistake) in
      var (file, frame) = ("", Deck.FrameChoice?.none)
      if let mapping = node.mapping {
        for (entry, value) in mapping {
          let text = try Self.text(of: value, entry.string ?? "?", takes: takes)
          switch entry.string {
          case "file": file = text
          case "frame":
            guard let choice = Deck.FrameChoice(text) else {
              throw Mistake(
                message: "`\(text)` is no frame", help: "frames are numbered from 1; `last` is the last one",
                part: value)
            }
            frame = choice
          default:
            throw Mistake(
              message: "unknown key `\(entry.string ?? "?")` of a structure", help: "it has file and frame",
              part: entry)
          }
        }
        guard !file.isEmpty else {
          throw Mistake(message: "a structure without `file`", help: "`\(path.lastKey)` takes \(takes)")
        }
      } else {
        file = try Self.text(of: node, path.lastKey, takes: takes)
      }
      let absolute = absoluteURL(moved ?? file, in: folder).path
      let text = frame.map { "{file: \(quoted(absolute)), frame: \($0)}" } ?? quoted(absolute)
      return ((absolute, frame), text)
    }
  }

  /// One file or a list of them, each a path or a group of `file`, `name`, `weight` and weights of its labels.
  mutating func dataFiles(
    _ path: String, default fallback: String? = nil, defaultInWords: String? = nil, excluded: String? = nil,
    help: String
  ) -> [DeckFile] {
    let takes =
      "a file, or a list of files, each a path or {file: PATH, name: WORD, weight: NUMBER}, where energy, forces and stress "
      + "are weights of single labels (0: it need not have them)"
    let folder = folder
    return key(
      path, takes: takes, default: fallback, defaultInWords: defaultInWords, excluded: excluded, help: help,
      standIn: []
    ) { node throws(Mistake) in
      var files: [DeckFile] = []
      for item in node.sequence.map({ Array($0) }) ?? [node] {
        let file = try Self.dataFile(item, path, takes: takes, folder: folder)
        guard !files.contains(where: { $0.name == file.name }) else {
          throw Mistake(
            message: "two files are called `\(file.name)`",
            help: "give one a name of its own: {file: \(file.path), name: ...}", part: item)
        }
        files.append(file)
      }
      let texts = files.map {
        "{file: \(quoted($0.path)), name: \(quoted($0.name)), weight: \(plain($0.weight))"
          + [("energy", $0.energyWeight), ("forces", $0.forcesWeight), ("stress", $0.stressWeight)]
          .map { $1 == 1 ? "" : ", \($0): \(plain($1))" }.joined() + "}"
      }
      return (files, "[" + texts.joined(separator: ", ") + "]")
    }
  }

  private static func dataFile(
    _ node: Node, _ key: String, takes: String, folder: URL
  ) throws(Mistake) -> DeckFile {
    var (path, name) = ("", String?.none)
    var weights: [String: Double] = [:]
    if let mapping = node.mapping {
      for (entry, value) in mapping {
        let text = try Self.text(of: value, entry.string ?? "?", takes: takes)
        switch entry.string {
        case "file": path = text
        case "name": name = text
        case "weight", "energy", "forces", "stress":
          let key = entry.string ?? ""
          weights[key] = try number(text, in: 0...1e6, name: key, part: value)
        default:
          throw Mistake(
            message: "unknown key `\(entry.string ?? "?")` of a file",
            help: "a file has file, name, weight, and energy, forces, stress for weights of its labels",
            part: entry)
        }
      }
      guard !path.isEmpty else {
        throw Mistake(message: "a file without `file`", help: "`\(key)` takes \(takes)", part: node)
      }
    } else {
      path = try text(of: node, key, takes: takes)
    }
    let url = absoluteURL(path, in: folder)
    return DeckFile(
      path: url.path, name: name ?? url.deletingPathExtension().lastPathComponent,
      weight: weights["weight"] ?? 1, energyWeight: weights["energy"] ?? 1,
      forcesWeight: weights["forces"] ?? 1, stressWeight: weights["stress"] ?? 1)
  }
}
