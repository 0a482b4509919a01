// PDB (https://www.wwpdb.org/documentation/file-format): atoms in fixed columns, the cell in CRYST1, one frame for each MODEL.
//
//   CRYST1   19.700   19.700   19.700  90.00  90.00  90.00 P 1
//   ATOM      1  OW  HOH A   1       2.300   6.280   1.130  1.00  0.00           O
//
// Lengths in Angstrom. The element is that of columns 77 and 78, or follows from the name in columns 13 to 16, whose first two
// are the symbol, right-aligned. Residues, chains and bonds have no meaning here. Atoms that are there in part, and places of
// which one is to be chosen, are refused.

import Diagnostics
import Foundation
import Lattice

final class PDBReader: FrameReader {
  private let lines: LineReader
  private var cell = Cell.free
  private var cellLine: TextLine?
  private var frameCount = 0
  private var warnings: [Diagnostic] = []

  init(_ lines: LineReader) { self.lines = lines }

  /// Records with which a file begins.
  static let records: Set = [
    "HEADER", "TITLE", "COMPND", "AUTHOR", "REMARK", "CRYST1", "MODEL", "ATOM", "HETATM", "OBSLTE", "CAVEAT",
    "SPLIT",
    "SOURCE", "KEYWDS", "EXPDTA",
  ]

  func next() throws -> Configuration? {
    var table = AtomTable()
    read: while let line = try lines.next() {
      switch Self.text(line, 1...6).uppercased() {
      case "CRYST1": try readCell(line)
      case "SCALE1", "SCALE2", "SCALE3": try requireStandardOrientation(line)
      case "ATOM", "HETATM": try readAtom(line, into: &table)
      case "ENDMDL", "END", "MODEL":
        if table.count > 0 { break read }
      default: break
      }
    }
    guard table.count > 0 else {
      guard frameCount > 0 else {
        throw StructureError(
          file: lines.file, message: "there are no atoms in the file",
          help: "a PDB file has lines that begin with ATOM")
      }
      return nil
    }
    frameCount += 1
    let configuration = Configuration(
      system: try table.system(in: cell, cellLine: cellLine), warnings: warnings)
    warnings = []
    return configuration
  }

  // MARK: - Records

  private func readCell(_ line: TextLine) throws {
    let numbers = try [7...15, 16...24, 25...33, 34...40, 41...47, 48...54].map {
      try number(line, $0, "the cell")
    }
    cellLine = line
    // What stands there where there is no cell.
    guard numbers != [1, 1, 1, 90, 90, 90], numbers != [0, 0, 0, 90, 90, 90],
      numbers != Array(repeating: 0, count: 6)
    else {
      cell = .free
      return
    }
    let place = 6..<min(54, line.bytes.count - 1)
    guard
      let vectors = Matrix3(
        lengths: [numbers[0], numbers[1], numbers[2]], angles: [numbers[3], numbers[4], numbers[5]])
    else {
      throw line.error(
        "no cell has these lengths and angles", at: place,
        help: "CRYST1 has a, b, c in Angstrom, then three angles")
    }
    if let (problem, help) = Plausibility.problem(ofCell: vectors, isPeriodic: [true, true, true]) {
      throw line.error(problem, at: place, help: help)
    }
    cell = Cell(vectors: vectors)
    let group = Self.text(line, 56...66)
    if !group.isEmpty, !["P 1", "P1", "1"].contains(group) {
      warnings.append(
        Diagnostic(
          severity: .warning, file: line.file,
          span: SourceSpan(line: line.number, column: 56, length: group.count),
          quotedLine: line.text, "the copies that the space group \(group) makes are not made",
          help: "the atoms are those of the file alone; write P 1 if they fill the cell"))
    }
  }

  /// SCALEn: rows of the matrix that makes fractional coordinates of Cartesian ones.
  private func requireStandardOrientation(_ line: TextLine) throws {
    guard cell.hasPeriodicAxis, let row = Int(Self.text(line, 6...6)) else { return }
    let given = try [11...20, 21...30, 31...40].map { try number(line, $0, "the scale") }
    let standard = cell.inverse.transposed[row - 1]
    let shift = try number(line, 46...55, "the scale")
    for axis in 0..<3 where abs(given[axis] - standard[axis]) > 2e-4 || abs(shift) > 1e-4 {
      throw line.error(
        "the cell does not lie with a along x and b in the plane xy",
        help: "`ase convert` makes extended XYZ of the file; or remove the SCALE records if they mean nothing"
      )
    }
  }

  private func readAtom(_ line: TextLine, into table: inout AtomTable) throws {
    if let place = Self.range(line, 17...17), line.string(place) != " " {
      throw line.error(
        "atom \(table.count + 1) is one of several alternatives (\(line.string(place)))", at: place,
        help: "keep one of them, and clear column 17")
    }
    let occupancy = Self.text(line, 55...60)
    if let part = Double(occupancy), part > 0, part < 1 {
      throw line.error(
        "atom \(table.count + 1) is there in part: occupancy \(occupancy)", at: Self.range(line, 55...60),
        help: "choose the atoms that are there, and write 1.00")
    }
    let r = Vector3(
      try number(line, 31...38, table.next("position")), try number(line, 39...46, table.next("position")),
      try number(line, 47...54, table.next("position")))
    try table.append(
      nuclide(of: line, table.count + 1), at: r, place: 30..<min(54, line.bytes.count - 1), of: line)
  }

  private func nuclide(of line: TextLine, _ number: Int) throws -> (atomicNumber: Int, mass: Double) {
    func nuclide(_ text: String) -> (atomicNumber: Int, mass: Double)? {
      Elements.nuclide(text.prefix(1).uppercased() + text.dropFirst().lowercased())
    }
    let element = Self.text(line, 77...78)
    if !element.isEmpty, element.allSatisfy(\.isLetter) {
      guard let found = nuclide(element) else {
        throw line.error(
          "`\(element)` is no element", at: Self.range(line, 77...78), help: "symbols are H, He, Li, ...")
      }
      return found
    }
    // `OW  ` would be osmium's column; ` OW `, `1HB ` and `HG11` begin with one letter.
    let name = Self.range(line, 13...16).map(line.string) ?? ""
    let symbol = name.prefix(2)
    if let first = symbol.first, first == " " || first.isNumber {
      if let found = nuclide(String(symbol.dropFirst().prefix(1))) { return found }
    } else if symbol.first == "H", name.trimmingCharacters(in: [" "]).count == 4 {
      return nuclide("H") ?? (1, 1.008)
    } else if symbol.allSatisfy(\.isLetter), let found = nuclide(String(symbol)) {
      return found
    }
    throw line.error(
      "the element of atom \(number) (`\(name.trimmingCharacters(in: [" "]))`) does not follow from its name",
      at: Self.range(line, 13...16), help: "write its symbol, right-aligned, into columns 77 and 78")
  }

  // MARK: - Columns, from 1

  private static func range(_ line: TextLine, _ columns: ClosedRange<Int>) -> Range<Int>? {
    let end = min(columns.upperBound, line.bytes.count - 1)
    return columns.lowerBound <= end ? columns.lowerBound - 1..<end : nil
  }

  private static func text(_ line: TextLine, _ columns: ClosedRange<Int>) -> String {
    range(line, columns).map { line.string($0).trimmingCharacters(in: .whitespaces) } ?? ""
  }

  private func number(_ line: TextLine, _ columns: ClosedRange<Int>, _ what: String) throws -> Double {
    guard let place = Self.range(line, columns),
      let word = line.words(in: place).first, line.words(in: place).count == 1
    else {
      throw line.error(
        "\(what): there is no number in columns \(columns.lowerBound) to \(columns.upperBound)",
        at: Self.range(line, columns), help: "PDB has its numbers in fixed columns")
    }
    return try line.finite(word, what)
  }
}
