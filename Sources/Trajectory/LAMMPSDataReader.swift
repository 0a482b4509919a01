// Data files of LAMMPS (https://docs.lammps.org/read_data.html) with atom styles atomic, charge, molecular and full:
//
//   comment; `units = real` in it, as write_data puts it there, sets the unit of velocities
//
//   3 atoms
//   2 atom types
//   0.0 10.0 xlo xhi
//   ...
//   0.0 0.0 0.0 xy xz yz
//
//   Masses
//
//   1 15.9994  # O
//   2 1.008
//
//   Atoms  # full
//
//   1 1 1 -0.8476 0.0 0.0 0.0  0 0 1
//   ...
//
// Positions in Angstrom, which are those of units metal and real; image flags move them to where they have come from the first
// cell, xlo stays where it is. Velocities in Angstrom/ps (metal, unless the comment says real: Angstrom/fs). Atoms come in the
// order of their numbers. The element of a type is what its label or the comment behind its mass says, or the one of its mass.
// LAMMPS keeps its boundaries elsewhere: all three axes are periodic. Bonds, angles and coefficients are read over.

import Diagnostics
import Foundation
import Lattice

final class LAMMPSDataReader: FrameReader {
  private let lines: LineReader
  private var isRead = false

  private struct Atom {
    let number: Int
    let type: Int
    let position: Vector3
    let image: Vector3
    let place: Range<Int>
    let line: TextLine
  }

  private var atomCount: Int?
  private var bounds: [(low: Double, high: Double)?] = [nil, nil, nil]
  private var tilts = Vector3.zero
  private var cellLine: TextLine?
  private var masses: [Int: (mass: Double, comment: String, word: Range<Int>, line: TextLine)] = [:]
  private var labels: [Int: String] = [:]
  private var atoms: [Atom] = []
  private var velocities: [Int: Vector3] = [:]
  private var isReal = false

  init(_ lines: LineReader) { self.lines = lines }

  private static let sections: Set = [
    "Atoms", "Velocities", "Masses", "Ellipsoids", "Lines", "Triangles", "Bodies", "Bonds", "Angles",
    "Dihedrals",
    "Impropers", "Atom Type Labels", "Bond Type Labels", "Angle Type Labels", "Dihedral Type Labels",
    "Improper Type Labels", "Pair Coeffs", "PairIJ Coeffs", "Bond Coeffs", "Angle Coeffs", "Dihedral Coeffs",
    "Improper Coeffs", "BondBond Coeffs", "BondAngle Coeffs", "MiddleBondTorsion Coeffs",
    "EndBondTorsion Coeffs",
    "AngleTorsion Coeffs", "AngleAngleTorsion Coeffs", "BondBond13 Coeffs", "AngleAngle Coeffs",
  ]

  func next() throws -> Configuration? {
    guard !isRead else { return nil }
    isRead = true
    try readUnits()
    var section: String?
    var style: String?
    while let line = try lines.nextFilled() {
      let (content, comment) = Self.split(line)
      guard !content.isEmpty else { continue }
      let title = content.map(line.string).joined(separator: " ")
      if Self.sections.contains(title) {
        section = title
        if title == "Atoms" { style = comment.isEmpty ? nil : comment }
        continue
      }
      switch section {
      case nil: try readHeader(line, content)
      case "Masses": try readMass(line, content, comment)
      case "Atom Type Labels":
        if content.count == 2, let type = Int(line.string(content[0])) {
          labels[type] = line.string(content[1])
        }
      case "Atoms": try readAtom(line, content, style: style)
      case "Velocities": try readVelocity(line, content)
      default: break
      }
    }
    return try configuration()
  }

  // MARK: - Lines

  /// Words before `#`, and what follows it.
  private static func split(_ line: TextLine) -> (words: [Range<Int>], comment: String) {
    let end = line.bytes.firstIndex(of: UInt8(ascii: "#")) ?? line.bytes.count - 1
    let comment = end < line.bytes.count - 1 ? line.string(end + 1..<line.bytes.count - 1) : ""
    return (line.words(in: 0..<end), comment.trimmingCharacters(in: .whitespaces))
  }

  private func readUnits() throws {
    guard let comment = try lines.next() else {
      throw StructureError(file: lines.file, message: "the file is empty", help: "give a data file of LAMMPS")
    }
    guard let units = comment.text.firstMatch(of: /units\s*=\s*([a-z]+)/)?.output.1 else { return }
    guard ["metal", "real"].contains(units) else {
      throw comment.error(
        "units \(units) of LAMMPS are not read", help: "write the file with `units metal` or `units real`")
    }
    isReal = units == "real"
  }

  private func readHeader(_ line: TextLine, _ words: [Range<Int>]) throws {
    let names = words.map(line.string)
    let keys = names.drop { Double($0) != nil }.joined(separator: " ")
    func numbers(_ count: Int) throws -> [Double] {
      guard words.count > count else { throw line.error("`\(keys)` takes \(count) numbers", help: nil) }
      return try words[..<count].map { try line.finite($0, "`\(keys)`") }
    }
    if let axis = ["xlo xhi", "ylo yhi", "zlo zhi"].firstIndex(of: keys) {
      let ends = try numbers(2)
      bounds[axis] = (ends[0], ends[1])
      cellLine = cellLine ?? line
      return
    }
    switch keys {
    case "atoms":
      guard let count = Int(names[0]), count > 0 else {
        throw line.error("`\(names[0])` is no number of atoms", at: words[0], help: "write: 3 atoms")
      }
      atomCount = count
    case "xy xz yz":
      let tilt = try numbers(3)
      tilts = [tilt[0], tilt[1], tilt[2]]
    case "avec", "bvec", "cvec", "abc origin":
      throw line.error(
        "general triclinic boxes are not read",
        help: "write the file with `write_data FILE triclinic/general no`")
    default: break
    }
  }

  private func readMass(_ line: TextLine, _ words: [Range<Int>], _ comment: String) throws {
    guard words.count == 2, let type = Int(line.string(words[0])) else {
      throw line.error("this is no mass", help: "write the number of a type and its mass in u: 1 15.999  # O")
    }
    let mass = try line.finite(words[1], "the mass of type \(type)")
    masses[type] = (mass, comment, words[1], line)
  }

  /// Columns before the position, and which of them is the type; nil for styles that are not read.
  private static func columns(of style: String) -> (before: Int, type: Int)? {
    switch style {
    case "atomic": (2, 1)
    case "charge": (3, 1)
    case "molecular", "bond", "angle": (3, 2)
    case "full": (4, 2)
    default: nil
    }
  }

  private func readAtom(_ line: TextLine, _ words: [Range<Int>], style: String?) throws {
    guard let style = style ?? ([5, 8].contains(words.count) ? "atomic" : nil) else {
      throw line.error(
        "which columns these are is not said",
        help: "name the atom style behind the title of the section, such as `Atoms  # full`")
    }
    guard let (before, typeColumn) = Self.columns(of: style) else {
      throw line.error(
        "atom style \(style) is not read", help: "styles are atomic, charge, molecular and full")
    }
    guard words.count == before + 3 || words.count == before + 6 else {
      throw line.error(
        "\(words.count) columns do not fit atom style \(style)",
        help: "it has \(before + 3), or \(before + 6) with image flags")
    }
    let name = line.string(words[typeColumn])
    guard let number = Int(line.string(words[0])),
      let type = Int(name) ?? labels.first(where: { $0.value == name })?.key
    else {
      throw line.error("this is no atom", help: "it begins with its number; its type is a number or a label")
    }
    let place = words[before].lowerBound..<words[before + 2].upperBound
    let r = try line.vector(words[before..<before + 3], "the position of atom \(number)")
    let image =
      words.count == before + 6
      ? try line.vector(words[(before + 3)...], "the image flags of atom \(number)") : .zero
    atoms.append(Atom(number: number, type: type, position: r, image: image, place: place, line: line))
  }

  private func readVelocity(_ line: TextLine, _ words: [Range<Int>]) throws {
    guard words.count >= 4, let number = Int(line.string(words[0])) else {
      throw line.error("this is no velocity", help: "write the number of an atom and three components")
    }
    velocities[number] = try line.vector(words[1..<4], "the velocity of atom \(number)") * (isReal ? 1 : 1e-3)
  }

  // MARK: - Result

  private func configuration() throws -> Configuration {
    guard atomCount != nil, !atoms.isEmpty else {
      throw StructureError(
        file: lines.file, message: "there are no atoms in the file", help: "a data file has a section Atoms")
    }
    guard atomCount == atoms.count else {
      throw StructureError(
        file: lines.file, message: "the file has \(atoms.count) of \(atomCount ?? 0) atoms",
        help: "correct the number of atoms, or restore the missing lines")
    }
    let cell = try cell()
    var table = AtomTable()
    atoms.sort { $0.number < $1.number }
    for (n, atom) in atoms.enumerated() {
      if n > 0, atoms[n - 1].number == atom.number {
        throw atom.line.error(
          "atom \(atom.number) is given twice", help: "the first is on line \(atoms[n - 1].line.number)")
      }
      try table.append(
        nuclide(of: atom), at: atom.position + atom.image * cell.vectors, place: atom.place, of: atom.line)
    }
    if !velocities.isEmpty {
      table.velocities = try atoms.map { atom in
        guard let v = velocities[atom.number] else {
          throw atom.line.error(
            "atom \(atom.number) has no velocity, others have",
            help: "give all or none in the section Velocities")
        }
        return v
      }
    }
    var configuration = Configuration(system: try table.system(in: cell, cellLine: cellLine))
    configuration.hasVelocities = !velocities.isEmpty
    configuration.velocitySource =
      velocities.isEmpty
      ? nil
      : "the section Velocities, in " + (isReal ? "Angstrom/fs (units real)" : "Angstrom/ps (units metal)")
    return configuration
  }

  private func cell() throws -> Cell {
    let lengths = try zip(bounds, "xyz").map { ends, axis in
      guard let ends else {
        throw StructureError(
          file: lines.file, message: "the box has no `\(axis)lo \(axis)hi`",
          help: "write: 0.0 10.0 \(axis)lo \(axis)hi")
      }
      return ends.high - ends.low
    }
    let vectors = Matrix3(
      [lengths[0], 0, 0], [tilts.x, lengths[1], 0], [tilts.y, tilts.z, lengths[2]])
    guard lengths.allSatisfy({ $0 > 0 }), (0..<3).allSatisfy({ Plausibility.isPlausible(vectors[$0]) }) else {
      throw (cellLine ?? atoms[0].line).error(
        "the box has no volume, or an absurd one", help: "xlo is less than xhi, in Angstrom")
    }
    if let (problem, help) = Plausibility.problem(ofCell: vectors, isPeriodic: [true, true, true]) {
      throw (cellLine ?? atoms[0].line).error(problem, help: help)
    }
    return Cell(vectors: vectors)
  }

  /// Files round the masses of elements to so much, in u.
  private static let massTolerance = 0.06

  /// The element of a type. Its mass is the element's where the two agree, else the file's: a heavy hydrogen stays one.
  private func nuclide(of atom: Atom) throws -> (atomicNumber: Int, mass: Double) {
    let word = labels[atom.type] ?? masses[atom.type]?.comment ?? ""
    guard let given = masses[atom.type] else {
      if let nuclide = Elements.nuclide(word) { return nuclide }
      throw atom.line.error(
        "atom type \(atom.type) has no mass, by which its element is known",
        help: "add a section Masses with a line such as `\(atom.type) 15.999  # O`")
    }
    let named = Elements.nuclide(word)
    let nearest =
      (1...118).compactMap { z in Elements.mass(z).map { (z, $0) } }
      + ["D", "T"].compactMap(Elements.nuclide)
    let byMass = nearest.min { abs($0.1 - given.mass) < abs($1.1 - given.mass) }
    let found = named ?? byMass.flatMap { abs($0.1 - given.mass) < Self.massTolerance ? $0 : nil }
    guard let found, given.mass >= 1e-3, given.mass < 1e6 else {
      throw given.line.error(
        "no element has the mass of type \(atom.type)", at: given.word,
        help:
          "masses are in u; name the element behind it: \(atom.type) \(given.line.string(given.word))  # O")
    }
    return abs(found.mass - given.mass) < Self.massTolerance ? found : (found.atomicNumber, given.mass)
  }
}
