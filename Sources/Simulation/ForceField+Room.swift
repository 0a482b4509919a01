// Room around the atoms of wires and slabs. The attention takes every axis of a partly periodic cell as a period: along
// an open axis there must be vacuum, as with Ewald sums, or the atoms feel images that are not meant to be there.

import Deck
import Diagnostics
import Foundation
import Lattice

extension AtomicSystem {
  /// Thickness in Angstrom of the empty layer between the atoms and their images along lattice vector `axis`; negative
  /// where they would overlap.
  func vacuum(along axis: Int) -> Double {
    let heights = positions.map { cell.fractional($0)[axis] }
    guard let lowest = heights.min(), let highest = heights.max() else { return 0 }
    return (1 - (highest - lowest)) * cell.heights[axis]
  }
}

extension ForceField {
  /// Less vacuum than this, in Angstrom, deserves a warning.
  private static let customaryVacuum = 10.0

  private func openAxes(of cell: Cell) -> [Int] {
    guard isLongRanged, cell.hasPeriodicAxis else { return [] }
    return (0..<3).filter { !cell.isPeriodic[$0] }
  }

  /// - Parameter frame: number of the frame, from 1; nil for a structure of one.
  /// - Throws: `FileError` where the atoms do not fit into their cell along an open axis.
  func requireRoom(for system: AtomicSystem, file: String, frame: Int? = nil) throws {
    guard let axis = openAxes(of: system.cell).first(where: { system.vacuum(along: $0) <= 0 }) else { return }
    let place = frame.map { " of frame \($0)" } ?? ""
    throw FileError(
      file: file,
      "the atoms\(place) do not fit into the cell along lattice vector \(axis + 1), where it is open",
      help: "make room: atoms.center(vacuum=15, axis=\(axis)) in ASE gives the vector its length")
  }

  /// What is to be said about too little vacuum; nil if there is enough.
  func vacuumWarning(for system: AtomicSystem, frame: Int? = nil) -> Diagnostic? {
    let vacuum = openAxes(of: system.cell).map { ($0, system.vacuum(along: $0)) }
    guard let (axis, least) = vacuum.min(by: { $0.1 < $1.1 }), least < Self.customaryVacuum else {
      return nil
    }
    let place = frame.map { "frame \($0) has " } ?? ""
    let message = String(
      format: "%.1f Angstrom of vacuum along lattice vector %d, which the long-range part takes as a "
        + "period; leave %.0f or more", least, axis + 1, Self.customaryVacuum)
    return Diagnostic(severity: .warning, "\(place)only " + message)
  }
}
