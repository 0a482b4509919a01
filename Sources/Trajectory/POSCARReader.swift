// POSCAR and CONTCAR of VASP 5 and later (https://www.vasp.at/wiki/index.php/POSCAR):
//
//   comment
//   1.0                          scaling; one negative number is minus the volume, three scale x, y and z
//   5.4 0.0 0.0                  lattice vectors
//   0.0 5.4 0.0
//   0.0 0.0 5.4
//   Si O                         symbols; a potential's ending (`Fe_pv`, `O/1a2b3c`) is dropped
//   1 2                          numbers of atoms
//   Selective dynamics           if flags follow the positions: T moves, F does not
//   Direct                       or Cartesian
//   0.0 0.0 0.0  T T T
//   ...
//                                a blank line or `Cartesian`, then velocities in Angstrom/fs
//   0.001 0.0 0.0
//
// Velocities of zero, which a relaxation leaves, are none.

import Diagnostics
import Foundation
import Lattice

final class POSCARReader: FrameReader {
  private let lines: LineReader
  private var isRead = false

  init(_ lines: LineReader) { self.lines = lines }

  func next() throws -> Configuration? {
    guard !isRead else { return nil }
    isRead = true
    _ = try line("a comment")
    let (cell, cellLine, scale) = try cell()
    let nuclides = try nuclides()
    var mode = try line("`Direct` or `Cartesian`")
    let isSelective = Self.letter(of: mode) == "s"
    if isSelective { mode = try line("`Direct` or `Cartesian`") }
    let isCartesian = "ck".contains(Self.letter(of: mode) ?? "d")

    var table = AtomTable()
    var partialMask: StructureError?
    for nuclide in nuclides {
      let line = try line("the position of atom \(table.count + 1)")
      let words = line.words()
      guard words.count >= (isSelective ? 6 : 3) else {
        throw line.error(
          "\(words.count) columns are too few for an atom",
          help: isSelective ? "write: x y z T T T" : "write: x y z")
      }
      let r = try line.vector(words[..<3], table.next("position"))
      let place = words[0].lowerBound..<words[2].upperBound
      try table.append(nuclide, at: isCartesian ? r * scale : r * cell.vectors, place: place, of: line)
      if isSelective {
        let flags = try words[3..<6].map { try flag(line, $0) }
        if let mask = Self.moveMask(flags, cell.vectors) {
          table.setMoveMask(mask)
        } else if partialMask == nil {
          partialMask = line.error(
            "atom \(table.count) is fixed along lattice vectors that are not x, y or z, which cannot be simulated",
            at: words[3].lowerBound..<words[5].upperBound,
            help: "let it move along all three lattice vectors, or along none; or turn the cell")
        }
      }
    }
    let warning = try readVelocities(into: &table)
    var configuration = Configuration(system: try table.system(in: cell, cellLine: cellLine))
    configuration.hasVelocities = !table.velocities.isEmpty
    configuration.velocitySource = table.velocities.isEmpty ? nil : "its last block, in Angstrom/fs"
    configuration.partialMask = partialMask
    configuration.warnings = [warning].compactMap { $0 }
    return configuration
  }

  // MARK: - Parts

  private func cell() throws -> (Cell, line: TextLine, scale: Vector3) {
    let scaling = try line("a scaling factor")
    // What follows the numbers is a comment.
    let numbers = scaling.words().map(scaling.number).prefix { $0 != nil }.compactMap { $0 }
    guard let first = numbers.first, numbers.prefix(3).allSatisfy({ $0.isFinite && $0 != 0 }) else {
      throw scaling.error(
        "this is no scaling factor", help: "the second line of a POSCAR is a number such as 1.0")
    }
    var scale = Vector3(repeating: first)
    if numbers.count == 3 { scale = Vector3(numbers[0], numbers[1], numbers[2]) }
    guard numbers.count == 3 ? scale.min() > 0 : numbers.count == 1 else {
      throw scaling.error("\(numbers.count) scaling factors", help: "give one, or three positive ones")
    }
    var rows: [Vector3] = []
    let firstLine = try line("lattice vector 1")
    for axis in 1...3 {
      let line = axis == 1 ? firstLine : try line("lattice vector \(axis)")
      let words = line.words()
      guard words.count >= 3 else {
        throw line.error("lattice vector \(axis) has \(words.count) components", help: "it has three")
      }
      rows.append(try line.vector(words[..<3], "lattice vector \(axis)"))
    }
    var vectors = Matrix3(rows[0], rows[1], rows[2])
    if scale.x < 0 { scale = Vector3(repeating: cbrt(-scale.x / abs(vectors.determinant))) }
    vectors = Matrix3(vectors.x * scale, vectors.y * scale, vectors.z * scale)
    guard (0..<3).allSatisfy({ Plausibility.isPlausible(vectors[$0]) }) else {
      throw firstLine.error("the cell is absurdly large, or has no volume", help: "lengths are in Angstrom")
    }
    if let (problem, help) = Plausibility.problem(ofCell: vectors, isPeriodic: [true, true, true]) {
      throw firstLine.error(problem, help: help)
    }
    return (Cell(vectors: vectors), firstLine, scale)
  }

  /// The axes along which an atom moves that moves along the lattice vectors of `flags` (VASP means these, however positions are
  /// given): what these vectors span. Nil where that is not spanned by axes.
  private static func moveMask(_ flags: [Bool], _ vectors: Matrix3) -> Vector3? {
    var mask = Vector3.zero
    for i in 0..<3 where flags[i] {
      for axis in 0..<3 where abs(vectors[i][axis]) > 1e-6 * length(vectors[i]) { mask[axis] = 1 }
    }
    return Int(mask.sum()) == flags.count { $0 } ? mask : nil
  }

  /// One for each atom.
  private func nuclides() throws -> [(atomicNumber: Int, mass: Double)] {
    let symbols = try line("the symbols of the elements")
    let names = symbols.words()
    guard let first = names.first, Int(symbols.string(first)) == nil else {
      throw symbols.error(
        "the symbols of the elements are missing: this is a file of VASP 4",
        help: "put a line such as `Si O` before the numbers of atoms")
    }
    let nuclides = try names.map { word in
      let symbol = symbols.bytes[word].prefix { $0 != UInt8(ascii: "_") && $0 != UInt8(ascii: "/") }
      return try symbols.nuclide(word.lowerBound..<word.lowerBound + symbol.count)
    }
    let counts = try line("the numbers of atoms")
    let words = counts.words()
    guard words.count >= nuclides.count else {
      throw counts.error("\(words.count) numbers for \(nuclides.count) elements", help: "give one for each")
    }
    var atoms: [(atomicNumber: Int, mass: Double)] = []
    for (word, nuclide) in zip(words, nuclides) {
      guard let count = Int(counts.string(word)), (0..<Self.mostAtoms).contains(count),
        atoms.count + count < Self.mostAtoms
      else {
        throw counts.error(
          "`\(counts.string(word))` is no number of atoms", at: word, help: "give one for each element")
      }
      atoms += Array(repeating: nuclide, count: count)
    }
    guard !atoms.isEmpty else { throw counts.error("there are no atoms", help: "give numbers of atoms") }
    return atoms
  }

  /// Arrays of so many are never made before their lines are read.
  private static let mostAtoms = 10_000_000

  /// - Returns: a word about velocities that are left out.
  private func readVelocities(into table: inout AtomTable) throws -> Diagnostic? {
    guard var mode = try lines.next() else { return nil }
    if Self.letter(of: mode) == "l" {
      // Velocities of the lattice: a number, and twice three vectors.
      for _ in 0..<7 { _ = try line("the lattice velocities") }
      guard let next = try lines.next() else { return nil }
      mode = next
    }
    guard let first = try lines.peek(1).first, !first.isBlank else { return nil }
    guard mode.isBlank || "ck".contains(Self.letter(of: mode) ?? "d") else {
      return Diagnostic(
        severity: .warning, file: mode.file,
        span: SourceSpan(line: mode.number, column: 1, length: max(1, mode.bytes.count - 1)),
        quotedLine: mode.text,
        "velocities in units of the lattice and of VASP's POTIM are left out",
        help: "write them as `Cartesian`, in Angstrom/fs")
    }
    var velocities: [Vector3] = []
    for atom in 0..<table.count {
      let line = try line("the velocity of atom \(atom + 1)")
      let words = line.words()
      guard words.count >= 3 else {
        throw line.error("\(words.count) columns are too few for a velocity", help: "write: vx vy vz")
      }
      velocities.append(try line.vector(words[..<3], "the velocity of atom \(atom + 1)"))
    }
    if velocities.contains(where: { $0 != .zero }) { table.velocities = velocities }
    return nil
  }

  // MARK: - Lines and words

  private func line(_ what: String) throws -> TextLine {
    guard let line = try lines.next() else {
      throw StructureError(
        file: lines.file, message: "the file ends before \(what)", help: "restore the missing lines")
    }
    return line
  }

  /// The first letter, by which VASP tells what a line says.
  private static func letter(of line: TextLine) -> Character? {
    line.words().first.flatMap { line.string($0).lowercased().first }
  }

  private func flag(_ line: TextLine, _ word: Range<Int>) throws -> Bool {
    switch line.string(word).trimmingCharacters(in: ["."]).prefix(1).uppercased() {
    case "T": return true
    case "F": return false
    default:
      throw line.error(
        "`\(line.string(word))` is neither T nor F", at: word,
        help: "of selective dynamics T moves, F does not")
    }
  }
}
