// The cell as three more vectors of a minimisation, by the strain E of each step: atoms and cell become (r + u) e^E and A e^E.
// Fixed atoms keep their fractional coordinates. At E = 0 the enthalpy changes by
//
//   dH = V (sigma + p) : dE,      sigma = (1/V) dU/d(strain), p the pressure tensor asked for
//
// so with coordinates Q = L E the force on them is -V (sigma + p) / L, of which the strains that the cell may follow are
// kept. Strains add up as logarithms do: e^E of many small steps, as in ASE's FrechetCellFilter. L = sqrt(N) (V/N)^(1/3) makes
// the cell about as stiff as the atoms: a spring k between neighbours adds N k (V/N)^(2/3) to d2U/dE2, k to d2U/dQ2.

import Dynamics
import Foundation
import Lattice

/// Which strains of a cell are relaxed, and to which pressure.
public struct CellRelaxation: Sendable {
  public let coupling: CellCoupling
  /// In eV/Angstrom^3, positive under compression, symmetric.
  public let pressure: Matrix3
  /// Where no component of sigma + p is larger, in eV/Angstrom^3, the cell has what was asked for.
  public let tolerance: Double

  public init(coupling: CellCoupling, pressure: Matrix3, tolerance: Double) {
    self.coupling = coupling
    self.pressure = pressure
    self.tolerance = tolerance
  }

  /// L in Angstrom, such that a step that is long for an atom is a strain of at most 0.09.
  static func scale(of system: AtomicSystem, largestStep: Double) -> Double {
    let count = Double(max(1, system.count))
    return max(count.squareRoot() * cbrt(system.cell.volume / count), 20 * largestStep)
  }

  /// What of sigma + p the cell may follow, in eV/Angstrom^3.
  func excess(_ stress: Matrix3) -> Matrix3 { coupling.project(stress + pressure) }

  /// Largest component of it.
  func largestExcess(_ stress: Matrix3) -> Double {
    let excess = excess(stress)
    return (0..<3).flatMap { i in (0..<3).map { abs(excess[i][$0]) } }.max() ?? 0
  }
}
