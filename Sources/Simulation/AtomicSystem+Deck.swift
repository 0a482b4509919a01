// From a structure to the system that moves: fix, replicate, and refuse what cannot be simulated.

import Deck
import Diagnostics
import Foundation
import Lattice
import Trajectory

extension AtomicSystem {
  /// The system that `deck` makes of `structure`; velocities are those of the structure, or zero.
  /// - Throws: `DeckError` at `fixed` or `replicate` where they do not fit the structure, `FileError` for elements that the force field does
  ///   not know.
  init(_ structure: Configuration, deck: Deck, forceField: ForceField) throws {
    var system = structure.system
    try forceField.requireSpecies(of: system, file: deck.structure)
    for range in deck.fixed {
      guard range.upperBound <= system.count else {
        throw deck.error(
          at: "fixed", "there is no atom \(range.upperBound)", help: "the structure has \(system.count) atoms"
        )
      }
      for atom in range { system.moveMask[atom - 1] = .zero }
    }
    if let problem = system.replicationProblem(deck.replicate, ranks: forceField.ranks?.count ?? 1) {
      throw deck.error(at: "replicate", problem.message, help: problem.help)
    }
    if !deck.masses.isEmpty { system = try system.withMasses(of: deck) }
    self = system.replicated(deck.replicate)
  }

  // MARK: - Masses

  /// - Throws: `DeckError` at `masses` for an element that the structure does not have.
  private func withMasses(of deck: Deck) throws -> AtomicSystem {
    if let absent = deck.masses.keys.sorted().first(where: { !atomicNumbers.contains($0) }) {
      throw deck.error(
        at: "masses", "there is no \(Elements.symbol(absent) ?? "?") in the structure", help: "remove it here"
      )
    }
    return AtomicSystem(
      cell: cell, atomicNumbers: atomicNumbers,
      masses: zip(atomicNumbers, masses).map { deck.masses[$0] ?? $1 }, positions: positions,
      velocities: velocities, moveMask: moveMask)
  }

  /// What is said where atoms have other masses than their elements: `masses that are not the elements' own: H 2.0141 u (16 of
  /// 128)`. Nil where none has.
  var massNotice: String? {
    var groups: [Int: [Double: Int]] = [:]
    for (z, mass) in zip(atomicNumbers, masses) where Elements.mass(z) != mass {
      groups[z, default: [:]][mass, default: 0] += 1
    }
    guard !groups.isEmpty else { return nil }
    let words = groups.sorted { $0.key < $1.key }.map { z, masses in
      let total = atomicNumbers.count { $0 == z }
      let most = masses.sorted { $0.key < $1.key }.prefix(3).map {
        String(format: "%.6g u (%d of %d)", $0.key, $0.value, total)
      }
      return "\(Elements.symbol(z) ?? "?") " + most.joined(separator: ", ")
        + (masses.count > 3 ? ", ..." : "")
    }
    return "masses that are not those of the elements: " + words.joined(separator: "; ")
  }

  // MARK: - Copies

  /// A column of the structure for the copies, too.
  static func replicated(_ columns: [AtomColumn], _ copies: [Int]) -> [AtomColumn] {
    columns.map { column in
      AtomColumn(
        name: column.name, type: column.type, width: column.width,
        texts: (0..<copies.reduce(1, *)).flatMap { _ in column.texts })
    }
  }

  /// Features and neighbours of an atom in the smallest of models; most take several times more.
  private static let leastBytesPerAtom = 10_000.0
  /// Lists, orders and meshes number atoms by 32 bits.
  private static let mostAtoms = Double(Int32.max)

  /// Why the system cannot be copied so often along its three lattice vectors; nil if it can.
  ///
  /// - Parameter ranks: that share what an atom needs.
  func replicationProblem(_ copies: [Int], ranks: Int) -> (message: String, help: String)? {
    for axis in 0..<3 where copies[axis] > 1 && !cell.isPeriodic[axis] {
      return (
        "the structure is not periodic along its lattice vector \(axis + 1)",
        "write 1 as its number of copies"
      )
    }
    // Products of what a user gives are formed in Double, which does not overflow.
    let total = copies.reduce(Double(count)) { $0 * Double($1) }
    guard total <= Self.mostAtoms else {
      return (
        "these copies make \(String(format: "%.0f", total)) atoms, more than the \(String(format: "%.0f", Self.mostAtoms)) that are numbered",
        "make fewer copies"
      )
    }
    let memory = Double(ProcessInfo.processInfo.physicalMemory)
    guard total / Double(ranks) > memory / Self.leastBytesPerAtom else { return nil }
    return (
      "these copies make \(String(format: "%.0f", total)) atoms, more than the \(bytes(memory)) of memory hold",
      "make fewer copies"
    )
  }

  /// Copies along the lattice vectors, the last one fastest; atoms of a copy keep their order.
  func replicated(_ copies: [Int]) -> AtomicSystem {
    let a = cell.vectors
    var shifts: [Vector3] = []
    for i in 0..<copies[0] {
      for j in 0..<copies[1] {
        for k in 0..<copies[2] { shifts.append(a.x * Double(i) + a.y * Double(j) + a.z * Double(k)) }
      }
    }
    func repeated<Value>(_ values: [Value]) -> [Value] { shifts.flatMap { _ in values } }
    let given = cell.given
    return AtomicSystem(
      cell: Cell(
        vectors: Matrix3(
          given.x * Double(copies[0]), given.y * Double(copies[1]), given.z * Double(copies[2])),
        isPeriodic: cell.isPeriodic),
      atomicNumbers: repeated(atomicNumbers), masses: repeated(masses),
      positions: shifts.flatMap { shift in positions.map { $0 + shift } },
      velocities: repeated(velocities), moveMask: repeated(moveMask))
  }

  /// Mass per volume in g/cm^3.
  var density: Double { masses.reduce(0, +) / cell.volume * Units.gramPerCubicCentimetre }
}

extension ForceField {
  /// - Parameter frame: number of the frame, from 1; nil for a structure of one.
  /// - Throws: `FileError` naming an element of `system` that the force field does not know.
  func requireSpecies(of system: AtomicSystem, file: String, frame: Int? = nil) throws {
    guard let atom = system.atomicNumbers.firstIndex(where: { !species.contains($0) }) else { return }
    let known = species.sorted().compactMap(Elements.symbol).joined(separator: ", ")
    let symbol = Elements.symbol(system.atomicNumbers[atom]) ?? "number \(system.atomicNumbers[atom])"
    let place = frame.map { " of frame \($0)" } ?? ""
    throw FileError(
      file: file, "atom \(atom + 1)\(place) is \(symbol), an element that the model does not know",
      help: "the model was made for \(known)")
  }
}
