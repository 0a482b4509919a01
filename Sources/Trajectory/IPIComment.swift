// The comment line of i-PI's xyz files, which is none of extended XYZ (https://docs.ipi-code.org/output-files.html):
//
//   # CELL(abcABC): a b c alpha beta gamma  Step: 10  Bead: 0 positions{angstrom}  cell{angstrom}
//
// or CELL(H) and CELL(GENH) with nine numbers, row by row, of the matrix whose columns are the lattice vectors. Both units are
// said in braces; without them i-PI's own default has changed over time.

import Diagnostics
import Lattice

struct IPIComment {
  let cell: Cell
  /// Of positions, in Angstrom.
  let positionUnit: Double

  private static let units = ["angstrom": 1, "atomic_unit": Units.bohr, "bohr": Units.bohr]
  /// Quantities of such files that are positions.
  private static let positions: Set = ["positions", "x_centroid", "xc"]

  /// Nil for a comment that is not i-PI's.
  /// - Throws: `StructureError` where it is, and does not say what the positions are.
  init?(_ line: TextLine) throws {
    let words = line.text.split { $0 == " " || $0 == "\t" }.map(String.init)
    guard
      let place = words.firstIndex(where: { $0.hasPrefix("CELL") && $0.hasSuffix(":") && $0.count > 7 })
    else { return nil }
    let kind = String(words[place].dropFirst(5).dropLast(2))
    let counts = ["abcABC": 6, "H": 9, "GENH": 9]
    guard let count = counts[kind] else {
      throw line.error(
        "i-PI's CELL(\(kind)) is not known", help: "it is one of CELL(abcABC), CELL(H) and CELL(GENH)")
    }
    let numbers = words[(place + 1)...].prefix(count).compactMap(Double.init)
    guard numbers.count == count, numbers.allSatisfy({ $0.magnitude < Plausibility.largestNumber }) else {
      throw line.error("CELL(\(kind)) is not followed by \(count) numbers", help: "correct the cell")
    }

    var found: [String: Double] = [:]
    for word in words where word.hasSuffix("}") {
      guard let brace = word.firstIndex(of: "{") else { continue }
      let (quantity, unit) = (String(word[..<brace]), String(word[word.index(after: brace)...].dropLast()))
      guard quantity == "cell" || Self.positions.contains(quantity) else {
        throw line.error(
          "this file of i-PI holds `\(quantity)`, no positions", help: "take the file of positions")
      }
      guard let length = Self.units[unit] else {
        throw line.error(
          "`\(unit)` of \(quantity) is no unit of length", help: "it is angstrom or atomic_unit")
      }
      found[quantity == "cell" ? "cell" : "positions"] = length
    }
    guard let positionUnit = found["positions"], let cellUnit = found["cell"] else {
      throw line.error(
        "this file of i-PI does not say in which units positions and cell are",
        help: "add to this line, as i-PI 3 writes it: positions{angstrom} cell{angstrom}")
    }
    self.positionUnit = positionUnit

    let vectors: Matrix3?
    if kind == "abcABC" {
      vectors = Matrix3(
        lengths: Vector3(numbers[0], numbers[1], numbers[2]),
        angles: Vector3(numbers[3], numbers[4], numbers[5]))
    } else {
      let row = { Vector3(numbers[$0], numbers[$0 + 1], numbers[$0 + 2]) }
      vectors = Matrix3(row(0), row(3), row(6)).transposed
    }
    guard let vectors, let cell = Self.cell(vectors * cellUnit) else {
      throw line.error("CELL(\(kind)) has no volume", help: "correct the cell")
    }
    self.cell = cell
  }

  private static func cell(_ vectors: Matrix3) -> Cell? {
    let isCell = Plausibility.problem(ofCell: vectors, isPeriodic: [true, true, true]) == nil
    return isCell ? Cell(vectors: vectors) : nil
  }
}
