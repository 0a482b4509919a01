// What numbers of a file can be atoms. Structures, trajectories and checkpoints are held against it before anything is computed
// from them: no number beyond these bounds comes from a simulation, and some would never end or trap in one.

import Foundation
import Lattice

public enum Plausibility {
  /// Angstrom, Angstrom/fs, eV/Angstrom: whatever is larger is a mistake.
  static let largestNumber = 1e7
  /// Angstrom; thinner cells are mistakes, and their neighbour lists would not end.
  static let smallestHeight = 0.1

  // MARK: - What is wrong, in words; nil where nothing is

  /// One for each atom.
  static func flaw(ofVectors vectors: [Vector3]) -> String? {
    for (i, v) in vectors.enumerated() where !isPlausible(v) {
      return "atom \(i + 1) has (\(v.x), \(v.y), \(v.z))"
    }
    return nil
  }

  /// The cell with these rows, in Angstrom, must have a volume; along open axes a row may be zero.
  public static func flaw(ofCell given: Matrix3, isPeriodic: [Bool]) -> String? {
    let rows = Cell.completed(given, isPeriodic: isPeriodic)
    guard (0..<3).allSatisfy({ isPlausible(rows[$0]) }) else {
      return "the cell has a number that is no length"
    }
    for axis in 0..<3 {
      let normal = cross(rows[(axis + 1) % 3], rows[(axis + 2) % 3])
      let height = abs(rows.determinant) / length(normal)
      guard height >= smallestHeight else {
        return
          "the cell has no volume: it is \(height.isFinite ? height : 0) Angstrom thick along vector \(axis + 1)"
      }
    }
    return nil
  }

  /// Why the vectors of a structure file span no cell, and the cure; nil if they do.
  static func problem(ofCell given: Matrix3, isPeriodic: [Bool]) -> (String, help: String)? {
    let zero = (0..<3).filter { isPeriodic[$0] && given[$0] == .zero }
    guard zero.isEmpty else {
      let names = zero.map { "\($0 + 1)" }.joined(separator: " and ")
      return (
        zero.count == 1 ? "lattice vector \(names) is zero" : "lattice vectors \(names) are zero",
        "give three components in Angstrom, or write F for that axis in pbc"
      )
    }
    let vectors = Cell.completed(given, isPeriodic: isPeriodic)
    let lengths = Vector3(length(vectors.x), length(vectors.y), length(vectors.z))
    let independent = "give three independent lattice vectors in Angstrom"
    for (i, j) in [(0, 1), (1, 2), (0, 2)] {
      // |sin| of the angle between the two
      let sine = length(cross(vectors[i] / lengths[i], vectors[j] / lengths[j]))
      if sine < 1e-6 { return ("lattice vectors \(i + 1) and \(j + 1) are parallel", independent) }
    }
    let volume = abs(vectors.determinant)
    guard volume > 1e-6 * lengths.x * lengths.y * lengths.z else {
      return ("the three lattice vectors lie in one plane", independent)
    }
    let heights = (0..<3).map { volume / length(cross(vectors[($0 + 1) % 3], vectors[($0 + 2) % 3])) }
    guard let axis = heights.firstIndex(where: { !($0 >= smallestHeight) }) else { return nil }
    let thickness = String(format: "%.3g", heights[axis])
    return (
      "the cell is \(thickness) Angstrom thick along lattice vector \(axis + 1)",
      "lengths are in Angstrom; \(independent)"
    )
  }

  static func flaw(ofSpecies atomicNumbers: [Int]) -> String? {
    for (i, z) in atomicNumbers.enumerated() where Elements.symbol(z) == nil {
      return "atom \(i + 1) has the atomic number \(z), which is no element"
    }
    return nil
  }

  /// Masses in u.
  static func flaw(ofMasses masses: [Double]) -> String? {
    for (i, mass) in masses.enumerated() where !(mass > 0 && mass <= largestNumber) {
      return "atom \(i + 1) has the mass \(mass)"
    }
    return nil
  }

  /// In e.
  static func flaw(ofCharges charges: [Double]) -> String? {
    for (i, charge) in charges.enumerated() where !(abs(charge) <= largestNumber) {
      return "atom \(i + 1) has the charge \(charge)"
    }
    return nil
  }

  static func flaw(ofSpreads spreads: [Double]) -> String? {
    for (i, spread) in spreads.enumerated() where !(spread >= 0 && spread <= largestNumber) {
      return "atom \(i + 1) has a spread of forces of \(spread)"
    }
    return nil
  }

  static func isPlausible(_ v: Vector3) -> Bool {
    abs(v.x) <= largestNumber && abs(v.y) <= largestNumber && abs(v.z) <= largestNumber
  }
}
