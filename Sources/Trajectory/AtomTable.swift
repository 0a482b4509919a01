// The atoms of a structure file on their way into a system, each with its line, held against what atoms can be.

import Diagnostics
import Lattice

struct AtomTable {
  private(set) var atomicNumbers: [Int] = []
  private(set) var masses: [Double] = []
  private(set) var positions: [Vector3] = []
  /// In Angstrom/fs; empty, or one for each atom.
  var velocities: [Vector3] = []
  /// 1 along each axis along which the atom may move, 0 where it is fixed.
  private(set) var moveMask: [Vector3] = []
  private(set) var lines: [TextLine] = []

  var count: Int { lines.count }
  /// `the position of atom 3`, of the atom that is read next.
  func next(_ name: String) -> String { "the \(name) of atom \(count + 1)" }

  /// - Parameters:
  ///   - nuclide: atomic number and mass in u.
  ///   - position: in Angstrom, from the bytes `place` of the line.
  mutating func append(
    _ nuclide: (atomicNumber: Int, mass: Double), at position: Vector3, place: Range<Int>, of line: TextLine
  ) throws {
    guard max(position.max(), -position.min()) < Plausibility.largestNumber else {
      throw line.error(
        "atom \(count + 1) is absurdly far away", at: place, help: "positions are in Angstrom")
    }
    atomicNumbers.append(nuclide.atomicNumber)
    masses.append(nuclide.mass)
    positions.append(position)
    moveMask.append(.one)
    lines.append(line)
  }

  /// Says of the last atom along which axes it moves.
  mutating func setMoveMask(_ mask: Vector3) {
    guard !moveMask.isEmpty else { return }
    moveMask[count - 1] = mask
  }

  /// The system in `cell`; atoms on one spot are refused.
  /// - Parameter cellLine: where the cell stands.
  func system(in cell: Cell, cellLine: TextLine?) throws -> AtomicSystem {
    if let (i, j) = try overlappingPair(in: cell, cellLine: cellLine) {
      throw lines[j].error(
        j == i
          ? "atom \(i + 1) sits on its own periodic image" : "atoms \(i + 1) and \(j + 1) are on one spot",
        help: i == j
          ? "the cell\(place(of: cellLine)) is too small"
          : "atom \(i + 1) is on line \(lines[i].number); remove one of them, or check the cell")
    }
    return AtomicSystem(
      cell: cell, atomicNumbers: atomicNumbers, masses: masses, positions: positions,
      velocities: velocities.isEmpty ? nil : velocities, moveMask: moveMask)
  }

  /// Angstrom; nuclei are never this close.
  static let smallestDistance = 0.05

  private func place(of line: TextLine?) -> String { line.map { " on line \($0.number)" } ?? "" }

  private func overlappingPair(in cell: Cell, cellLine: TextLine?) throws -> (Int, Int)? {
    var list = NeighborList(cutoff: Self.smallestDistance, skin: 0)
    do {
      try list.build(positions: positions, cell: cell)
    } catch LatticeError.positionOutOfRange(let atom, _) {
      throw lines[atom].error(
        "atom \(atom + 1) is absurdly far away from the cell",
        help: "wrap the atoms into the cell"
          + (cellLine.map { ", which is on line \($0.number)" } ?? ""))
    } catch is LatticeError {
      throw (cellLine ?? lines[0]).error(
        "thousands of atoms are on one spot", help: "check the cell and the positions")
    }
    for i in positions.indices {
      if let pair = list.pairs(of: i).first {
        return (min(i, Int(list.neighbors[pair])), max(i, Int(list.neighbors[pair])))
      }
    }
    return nil
  }
}

extension TextLine {
  /// The nuclide of a symbol in any case.
  func nuclide(_ word: Range<Int>) throws -> (atomicNumber: Int, mass: Double) {
    let text = string(word)
    if let nuclide = Elements.nuclide(text.prefix(1).uppercased() + text.dropFirst().lowercased()) {
      return nuclide
    }
    let symbol = Int(text).flatMap(Elements.symbol)
    throw error(
      "`\(text)` is no element", at: word,
      help: symbol.map { "write its symbol, \($0)" } ?? "symbols are H, He, Li, ...")
  }
}
