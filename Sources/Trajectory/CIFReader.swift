// Crystals in CIF (https://www.iucr.org/resources/cif): the cell by its lengths and angles, atoms in fractional coordinates, and
// the symmetry operations that make the others from them. Each data block with atoms is a frame.
//
//   r' = W f + w of every operation (W, w) of the list, modulo the cell; images closer than 0.1 Angstrom to one another are one
//
// Files that name a space group and do not list its operations are refused, and so are sites that are occupied in part.

import Diagnostics
import Foundation
import Lattice

final class CIFReader: FrameReader {
  private let lines: LineReader
  private var tokens: CIFTokens
  private var frameCount = 0

  init(_ lines: LineReader) {
    self.lines = lines
    tokens = CIFTokens(lines)
  }

  func next() throws -> Configuration? {
    while let block = try CIFBlock(reading: &tokens) {
      guard block.loop(with: "_atom_site_fract_x") != nil || block.loop(with: "_atom_site.cartn_x") != nil
      else { continue }
      frameCount += 1
      return try block.configuration()
    }
    guard frameCount > 0 else {
      throw StructureError(
        file: lines.file, message: "there are no atoms in the file",
        help: "a CIF of a crystal has a loop of _atom_site_fract_x")
    }
    return nil
  }
}

// MARK: - Tokens

/// A word, a quoted text or a text field, and where it stands.
struct CIFToken {
  let text: String
  let isQuoted: Bool
  let line: TextLine
  let range: Range<Int>

  func error(_ message: String, help: String?) -> StructureError {
    line.error(message, at: range, help: help)
  }

  /// `?` and `.`: unknown, or without meaning.
  var isNothing: Bool { !isQuoted && (text == "?" || text == ".") }
  var isTag: Bool { !isQuoted && text.hasPrefix("_") }
  func isWord(_ word: String) -> Bool { !isQuoted && text.lowercased() == word }
  var beginsBlock: Bool { !isQuoted && text.lowercased().hasPrefix("data_") }

  /// Without the standard uncertainty: `5.4310(2)`.
  func number(_ what: String) throws -> Double {
    let digits = text.prefix { $0 != "(" }
    guard let value = Double(digits), value.magnitude < ExtendedXYZ.largestNumber else {
      throw error("\(what): `\(text)` is not a finite number", help: "write a decimal number with a point")
    }
    return value
  }
}

/// The tokens of a file one after another.
struct CIFTokens {
  private let lines: LineReader
  private var waiting: ArraySlice<CIFToken> = []

  init(_ lines: LineReader) { self.lines = lines }

  mutating func peek() throws -> CIFToken? {
    while waiting.isEmpty {
      guard let line = try lines.next() else { return nil }
      waiting =
        try line.bytes.first == UInt8(ascii: ";") ? [textField(from: line)] : Self.tokens(of: line)[...]
    }
    return waiting.first
  }

  mutating func next() throws -> CIFToken? {
    guard try peek() != nil else { return nil }
    return waiting.removeFirst()
  }

  /// From a line that begins with `;` to the next one that does.
  private func textField(from first: TextLine) throws -> CIFToken {
    var text = String(first.text.dropFirst())
    while let line = try lines.next() {
      if line.bytes.first == UInt8(ascii: ";") {
        return CIFToken(text: text, isQuoted: true, line: first, range: 0..<1)
      }
      text += "\n" + line.text
    }
    throw first.error(
      "a text field is opened and not closed", at: 0..<1, help: "close it with a line that begins with ;")
  }

  private static func tokens(of line: TextLine) throws -> [CIFToken] {
    let bytes = line.bytes
    let end = bytes.count - 1
    var tokens: [CIFToken] = []
    var i = 0
    while i < end {
      if TextLine.isSpace(bytes[i]) {
        i += 1
      } else if bytes[i] == UInt8(ascii: "#") {
        break
      } else if bytes[i] == UInt8(ascii: "'") || bytes[i] == UInt8(ascii: "\"") {
        // It ends with the same quote before a blank.
        let close = (i + 1..<max(end, i + 1)).first {
          bytes[$0] == bytes[i] && ($0 + 1 == end || TextLine.isSpace(bytes[$0 + 1]))
        }
        guard let close else {
          throw line.error(
            "a quote is opened and not closed", at: i..<i + 1, help: "close it on the same line")
        }
        tokens.append(
          CIFToken(text: line.string(i + 1..<close), isQuoted: true, line: line, range: i..<close + 1))
        i = close + 1
      } else {
        let start = i
        while i < end, !TextLine.isSpace(bytes[i]) { i += 1 }
        tokens.append(CIFToken(text: line.string(start..<i), isQuoted: false, line: line, range: start..<i))
      }
    }
    return tokens
  }
}

// MARK: - A data block

struct CIFBlock {
  struct Loop {
    /// In lower case.
    let tags: [String]
    let rows: [[CIFToken]]

    func column(_ tag: String) -> Int? { tags.firstIndex(of: tag) }
  }

  private let name: CIFToken
  private var values: [String: CIFToken] = [:]
  private var loops: [Loop] = []

  /// The next block; nil where none follows.
  init?(reading tokens: inout CIFTokens) throws {
    guard var token = try tokens.next() else { return nil }
    while !token.beginsBlock {
      guard let next = try tokens.next() else { return nil }
      token = next
    }
    name = token
    while let token = try tokens.peek(), !token.beginsBlock {
      _ = try tokens.next()
      if token.isWord("loop_") {
        loops.append(try Self.loop(from: token, &tokens))
      } else if token.isTag {
        guard let value = try tokens.peek(), !value.isTag, !value.beginsBlock, !value.isWord("loop_") else {
          throw token.error("\(token.text) has no value", help: "write ? for what is not known")
        }
        values[token.text.lowercased()] = try tokens.next()
      }
    }
  }

  private static func loop(from start: CIFToken, _ tokens: inout CIFTokens) throws -> Loop {
    var tags: [String] = []
    while let token = try tokens.peek(), token.isTag {
      tags.append(token.text.lowercased())
      _ = try tokens.next()
    }
    var values: [CIFToken] = []
    while let token = try tokens.peek(), !token.isTag, !token.beginsBlock, !token.isWord("loop_") {
      values.append(token)
      _ = try tokens.next()
    }
    guard !tags.isEmpty, values.count.isMultiple(of: tags.count) else {
      throw start.error(
        "this loop has \(values.count) values for \(tags.count) columns",
        help: "each row has a value for each column")
    }
    return Loop(
      tags: tags,
      rows: stride(from: 0, to: values.count, by: tags.count).map { Array(values[$0..<$0 + tags.count]) })
  }

  func loop(with tag: String) -> Loop? { loops.first { $0.column(tag) != nil } }

  /// What the block gives under the first of `tags` that it has.
  private func value(_ tags: String...) -> CIFToken? {
    tags.lazy.compactMap { values[$0] ?? loop(with: $0)?.rows.first?[loop(with: $0)?.column($0) ?? 0] }
      .first { !$0.isNothing }
  }

  /// What cannot be read here can be elsewhere.
  private func convert() -> String {
    "`ase convert \(shellQuoted(name.line.file)) structure.xyz` may read it"
  }

  // MARK: - The crystal

  func configuration() throws -> Configuration {
    guard let atoms = loop(with: "_atom_site_fract_x"), let x = atoms.column("_atom_site_fract_x"),
      let y = atoms.column("_atom_site_fract_y"), let z = atoms.column("_atom_site_fract_z")
    else { throw name.error("this is mmCIF, or lacks coordinates: it is not read", help: convert()) }
    let (cell, cellLine) = try cell()
    let (operations, warnings) = try operations()
    var table = AtomTable()
    for row in atoms.rows where !isDummy(row, in: atoms) {
      try requireWhole(row, in: atoms)
      let nuclide = try nuclide(of: row, in: atoms)
      let f = Vector3(
        try row[x].number("the position"), try row[y].number("the position"),
        try row[z].number("the position"))
      var places: [Vector3] = []
      for operation in operations {
        // The atom as it is given, and its images inside the cell.
        let image =
          operation == .identity ? f * cell.vectors : cell.wrap(operation.apply(f) * cell.vectors).position
        let isNew = places.allSatisfy { length(cell.nearestImage($0 - image)) > Self.mergeDistance }
        guard isNew else { continue }
        places.append(image)
        try table.append(nuclide, at: image, place: row[x].range, of: row[x].line)
      }
    }
    guard table.count > 0 else { throw name.error("there are no atoms in this block", help: nil) }
    return Configuration(system: try table.system(in: cell, cellLine: cellLine), warnings: warnings)
  }

  /// Angstrom; coordinates of special positions are rounded, such as 0.3333, and nuclei are never this close.
  private static let mergeDistance = 0.1

  private func cell() throws -> (Cell, TextLine) {
    let numbers = try ["length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma"].map {
      guard let token = value("_cell_\($0)") else {
        throw name.error(
          "_cell_\($0) is missing", help: "a CIF of a crystal has the lengths and angles of its cell")
      }
      return (try token.number("_cell_\($0)"), token)
    }
    let first = numbers[0].1
    guard
      let vectors = Matrix3(
        lengths: [numbers[0].0, numbers[1].0, numbers[2].0],
        angles: [numbers[3].0, numbers[4].0, numbers[5].0])
    else {
      throw first.error(
        "no cell has these lengths and angles", help: "lengths are in Angstrom, angles in degrees")
    }
    if let (problem, help) = Plausibility.problem(ofCell: vectors, isPeriodic: [true, true, true]) {
      throw first.error(problem, help: help)
    }
    return (Cell(vectors: vectors), first.line)
  }

  private func isDummy(_ row: [CIFToken], in atoms: Loop) -> Bool {
    atoms.column("_atom_site_calc_flag").map { row[$0].isWord("dum") } ?? false
  }

  /// - Throws: `StructureError` for a site that is not always occupied, or by one of several.
  private func requireWhole(_ row: [CIFToken], in atoms: Loop) throws {
    if let column = atoms.column("_atom_site_occupancy"), !row[column].isNothing,
      try abs(row[column].number("the occupancy") - 1) > 1e-6
    {
      throw row[column].error(
        "a site that is occupied in part cannot be simulated",
        help: "choose the atoms that are there, with occupancy 1")
    }
    for tag in ["_atom_site_disorder_group", "_atom_site_disorder_assembly"] {
      guard let column = atoms.column(tag), !row[column].isNothing else { continue }
      throw row[column].error(
        "an atom of a disordered group cannot be simulated",
        help: "choose one of the alternatives, and write . here")
    }
  }

  private func nuclide(of row: [CIFToken], in atoms: Loop) throws -> (atomicNumber: Int, mass: Double) {
    guard
      let column = atoms.column("_atom_site_type_symbol").flatMap({ row[$0].isNothing ? nil : $0 })
        ?? atoms.column("_atom_site_label")
    else { throw name.error("the atoms have neither _atom_site_type_symbol nor _atom_site_label", help: nil) }
    let token = row[column]
    // `Fe3+`, `O2-`, `Cl1A`: the letters in front, of which the second is a small one.
    let letters = token.text.prefix { $0.isLetter }
    let candidates = [letters.prefix(2), letters.prefix(1)].map(String.init)
    let isSymbol = atoms.tags[column] == "_atom_site_type_symbol"
    for candidate in isSymbol ? [String(letters)] : candidates {
      if let nuclide = Elements.nuclide(isSymbol ? candidate.capitalized : candidate) { return nuclide }
    }
    throw token.error("`\(token.text)` is no element", help: "write its symbol under _atom_site_type_symbol")
  }

  // MARK: - Symmetry

  private func operations() throws -> ([SymmetryOperation], [Diagnostic]) {
    for tag in ["_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz"] {
      if let loop = loop(with: tag), let column = loop.column(tag) {
        return (try loop.rows.map { try SymmetryOperation($0[column]) }, [])
      }
      if let token = values[tag], !token.isNothing { return ([try SymmetryOperation(token)], []) }
    }
    let group = value(
      "_space_group_name_h-m_alt", "_symmetry_space_group_name_h-m", "_space_group_it_number",
      "_symmetry_int_tables_number", "_space_group_name_hall", "_symmetry_space_group_name_hall")
    guard let group else {
      return (
        [.identity],
        [
          Diagnostic(
            severity: .warning, file: name.line.file,
            "the block \(name.text) says nothing of its symmetry: its atoms are taken for all that are in the cell"
          )
        ]
      )
    }
    guard ["p1", "1"].contains(group.text.lowercased().filter { $0 != " " }) else {
      throw group.error(
        "the space group \(group.text) is named, but its operations are not listed", help: convert())
    }
    return ([.identity], [])
  }
}
