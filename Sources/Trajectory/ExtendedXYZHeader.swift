// The comment line of an extended XYZ frame: key=value pairs, the cell and what the columns hold.

import Diagnostics
import Foundation
import Lattice

/// A `key=value` of the comment line and where it stood.
private struct Entry {
  let key: String
  let value: String
  let range: Range<Int>
}

/// What one column of Properties holds.
struct XYZProperty {
  let name: String
  /// R real, I integer, S text, L logical.
  let type: Character
  let firstColumn: Int
  let columns: Int
}

struct ExtendedXYZHeader {
  let line: TextLine
  let cell: Cell
  /// Of positions, in Angstrom: 1 but in files of i-PI.
  let positionUnit: Double
  let properties: [XYZProperty]
  /// Number of columns of an atom's line; nil when the frame does not say.
  let columnCount: Int?
  let energy: Double?
  let stress: Matrix3?
  /// Without forces.
  let reference: Labels
  let info: [String: String]
  /// Every key and value, whatever it means.
  let values: [String: String]
  /// About labels that are left out.
  let warnings: [Diagnostic]

  init(_ line: TextLine) throws {
    self.line = line
    let entries = try ExtendedXYZHeader.entries(of: line)
    var interpreted: Set<String> = []

    /// The entry of the first of `keys` that is there.
    func entry(_ keys: [String]) throws -> Entry? {
      interpreted.formUnion(keys)
      for key in keys {
        let found = entries.filter { $0.key == key }
        if found.count > 1 {
          throw line.error("\(key) is given twice", at: found[1].range, help: "remove one of them")
        }
        if let first = found.first { return first }
      }
      return nil
    }

    var warnings: [Diagnostic] = []
    /// The value of the first of `keys` that is there; one that cannot be read is left out.
    func label<Value>(_ keys: String..., read: (Entry) throws -> Value) throws -> Value? {
      do {
        return try entry(keys).map(read)
      } catch let error as StructureError {
        warnings.append(error.warningOfLabel)
        return nil
      }
    }

    for entry in entries {
      for key in ["Lattice", "Properties", "pbc"]
      where entry.key != key && entry.key.lowercased() == key.lowercased() {
        throw line.error("unknown key \(entry.key)", at: entry.range, help: "the key is spelled \(key)")
      }
    }
    let comment = try IPIComment(line)
    let written = try ExtendedXYZHeader.cell(lattice: entry(["Lattice"]), pbc: entry(["pbc"]), of: line)
    let cell = comment?.cell ?? written
    self.cell = cell
    positionUnit = comment?.positionUnit ?? 1
    (properties, columnCount) = try ExtendedXYZHeader.properties(entry(["Properties"]), of: line)

    func energy(_ entry: Entry) throws -> Double { try ExtendedXYZHeader.numbers(entry, [1], of: line)[0] }
    func stress(_ entry: Entry) throws -> Matrix3 { try ExtendedXYZHeader.tensor(entry, of: line) }
    func virial(_ entry: Entry) throws -> Matrix3? {
      cell.isFullyPeriodic ? try stress(entry) * (-1 / cell.volume) : nil
    }
    self.energy = try label("energy", read: energy)
    self.stress = try label("stress", read: stress) ?? label("virials", "virial", read: virial) ?? nil
    reference = Labels(
      energy: try label("REF_energy", read: energy),
      stress: try label("REF_stress", read: stress) ?? label("REF_virials", "REF_virial", read: virial) ?? nil
    )
    info = Dictionary(
      entries.filter { !interpreted.contains($0.key) && !Self.calculatorResults.contains($0.key) }
        .map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
    values = Dictionary(entries.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
    self.warnings = warnings
  }

  /// `ase.calculators.calculator.all_properties`, and the virial, which is the stress in other words.
  static let calculatorResults: Set = [
    "energy", "free_energy", "energies", "forces", "stress", "stresses", "virial", "virials", "dipole",
    "charges",
    "magmom", "magmoms", "dielectric_tensor", "born_effective_charges", "polarization",
  ]

  // MARK: - key=value

  /// Splits `key=value key="quoted value" flag`; a flag means T. Quotes are "", '', {} or [], a backslash
  /// takes the next character as it is.
  private static func entries(of line: TextLine) throws -> [Entry] {
    let bytes = line.bytes.dropLast()
    let closing: [UInt8: UInt8] = [34: 34, 39: 39, 123: 125, 91: 93]
    var entries: [Entry] = []
    var i = 0
    while i < bytes.count {
      if TextLine.isSpace(bytes[i]) {
        i += 1
        continue
      }
      let start = i
      var key: [UInt8]?
      var text: [UInt8] = []
      while i < bytes.count, !TextLine.isSpace(bytes[i]) {
        if bytes[i] == UInt8(ascii: "="), key == nil {
          key = text
          text = []
        } else if bytes[i] == UInt8(ascii: "\\"), i + 1 < bytes.count {
          i += 1
          text.append(bytes[i])
        } else if let close = closing[bytes[i]] {
          let quote = i
          i += 1
          while i < bytes.count, bytes[i] != close {
            if bytes[i] == UInt8(ascii: "\\"), i + 1 < bytes.count { i += 1 }
            text.append(bytes[i])
            i += 1
          }
          if i == bytes.count {
            // A plain XYZ file may say anything on this line.
            guard ["Lattice", "Properties"].contains(where: line.text.contains) else { return [] }
            throw line.error(
              "a quote is opened and not closed", at: quote..<quote + 1,
              help: "close it, as in Lattice=\"10 0 0 0 10 0 0 0 10\"")
          }
        } else {
          text.append(bytes[i])
        }
        i += 1
      }
      func string(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
      entries.append(
        Entry(key: string(key ?? text), value: key == nil ? "T" : string(text), range: start..<i))
    }
    return entries
  }

  /// The finite numbers of an entry, of which there must be one of `counts`.
  private static func numbers(_ entry: Entry, _ counts: [Int], of line: TextLine) throws -> [Double] {
    let words = entry.value.split { $0 == " " || $0 == "," || $0 == "\t" }
    let wanted = counts.map(String.init).joined(separator: " or ") + (counts == [1] ? " number" : " numbers")
    guard counts.contains(words.count) else {
      throw line.error(
        "\(entry.key) has \(words.count) values", at: entry.range, help: "it takes \(wanted)")
    }
    return try words.map { word in
      guard let value = Double(word), value.magnitude < ExtendedXYZ.largestNumber else {
        throw line.error(
          "\(entry.key): `\(word)` is not a finite number", at: entry.range, help: "it takes \(wanted)")
      }
      return value
    }
  }

  /// Nine numbers, or six in Voigt order xx yy zz yz xz xy.
  private static func tensor(_ entry: Entry, of line: TextLine) throws -> Matrix3 {
    ExtendedXYZ.tensor(try numbers(entry, [9, 6], of: line))
  }

  // MARK: - Lattice and pbc

  private static func cell(lattice: Entry?, pbc: Entry?, of line: TextLine) throws -> Cell {
    var isPeriodic = Array(repeating: lattice != nil, count: 3)
    if let pbc {
      let words = pbc.value.split { $0 == " " || $0 == "," || $0 == "\t" }
      let flags = words.compactMap {
        ["T", "True", "true", "TRUE", "1"].contains($0)
          ? true
          : ["F", "False", "false", "FALSE", "0"].contains($0) ? false : nil
      }
      guard flags.count == words.count, flags.count == 3 || flags.count == 1 else {
        throw line.error("pbc is not three of T and F", at: pbc.range, help: "write pbc=\"T T T\"")
      }
      isPeriodic = flags.count == 3 ? flags : Array(repeating: flags[0], count: 3)
    }
    guard let lattice else {
      if let pbc, isPeriodic.contains(true) {
        throw line.error(
          "pbc asks for periodic axes, but there is no Lattice", at: pbc.range,
          help: "add Lattice=\"ax ay az bx by bz cx cy cz\" in Angstrom, or write pbc=\"F F F\"")
      }
      return .free
    }
    let a = try numbers(lattice, [9], of: line)
    guard a.allSatisfy({ abs($0) < Plausibility.largestNumber }) else {
      throw line.error(
        "Lattice has an absurdly large entry", at: lattice.range, help: "lengths are in Angstrom")
    }
    guard isPeriodic.contains(true) else { return .free }
    let vectors = Matrix3([a[0], a[1], a[2]], [a[3], a[4], a[5]], [a[6], a[7], a[8]])
    if let (problem, help) = Plausibility.problem(ofCell: vectors, isPeriodic: isPeriodic) {
      throw line.error(problem, at: lattice.range, help: help)
    }
    return Cell(vectors: vectors, isPeriodic: isPeriodic)
  }

  // MARK: - Properties

  private static func properties(_ entry: Entry?, of line: TextLine) throws -> ([XYZProperty], Int?) {
    let plain = [
      XYZProperty(name: "species", type: "S", firstColumn: 0, columns: 1),
      XYZProperty(name: "pos", type: "R", firstColumn: 1, columns: 3),
    ]
    guard let entry else { return (plain, nil) }
    let fields = entry.value.split(separator: ":", omittingEmptySubsequences: false)
    let help = "it is a list of name:type:columns such as species:S:1:pos:R:3"
    guard fields.count % 3 == 0 else {
      throw line.error("Properties has \(fields.count) fields", at: entry.range, help: help)
    }
    var properties: [XYZProperty] = []
    var column = 0
    for i in stride(from: 0, to: fields.count, by: 3) {
      let name = String(fields[i])
      guard let type = fields[i + 1].first, fields[i + 1].count == 1, "RISL".contains(type) else {
        throw line.error(
          "Properties: `\(fields[i + 1])` is no type", at: entry.range,
          help: "types are R (real), I (integer), S (text) and L (logical)")
      }
      guard let columns = Int(fields[i + 2]), (1...1000).contains(columns) else {
        throw line.error(
          "Properties: `\(fields[i + 2])` is no number of columns", at: entry.range, help: help)
      }
      guard !properties.contains(where: { $0.name == name }) else {
        throw line.error("Properties names \(name) twice", at: entry.range, help: "remove one of them")
      }
      properties.append(XYZProperty(name: name, type: type, firstColumn: column, columns: columns))
      column += columns
    }
    return (properties, column)
  }

  /// The column group of the first of `names` that the frame has.
  func property(_ names: [String], type: Character, columns: Int) throws -> XYZProperty? {
    for name in names {
      guard let property = properties.first(where: { $0.name == name }) else { continue }
      guard property.type == type, property.columns == columns else {
        throw line.error(
          "Properties: \(name) is \(property.type):\(property.columns)",
          help: "write \(name):\(type):\(columns)")
      }
      return property
    }
    return nil
  }
}
