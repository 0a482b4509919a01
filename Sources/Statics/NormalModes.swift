// Vibrations about a configuration at rest, from forces alone. With mass-weighted coordinates q = sqrt(m) r
//
//   D_ij = H_ij / sqrt(m_i m_j),   H_ij = - (F_j(r_i + h) - F_j(r_i - h)) / 2h,  made symmetric
//   D e = lambda e,   omega = sqrt(a lambda),  a = Units.accelerationPerForce
//
// of the coordinates that may change. Where no atom is fixed the whole may be shifted, and without periodic axes turned, at no cost:
// these directions u are taken out, D <- (1 - u u) D (1 - u u), so that what is left are vibrations. lambda < 0, where the energy is
// a maximum along e, makes an imaginary frequency, which is given as a negative number. The zero-point energy is
// sum hbar omega / 2 over the real ones.

import Dynamics
import Foundation
import Lattice

public struct NormalModes: Sendable {
  public struct Mode: Sendable {
    /// omega in rad/fs; negative where it is imaginary.
    public let frequency: Double
    /// e / sqrt(m) of all atoms, zero on fixed ones, scaled so that the atom that goes furthest goes one Angstrom.
    public let displacements: [Vector3]
    /// 1 / sum |e / sqrt(m)|^2 in u, with e of length one.
    public let reducedMass: Double

    public var isImaginary: Bool { frequency < 0 }
    /// In 1/cm; negative where it is imaginary.
    public var wavenumber: Double { frequency * Units.wavenumber }
    /// hbar omega in eV; 0 where it is imaginary.
    public var quantum: Double { max(0, frequency) * Units.reducedPlanck }
  }

  /// By frequency, imaginary ones first.
  public let modes: [Mode]
  /// H in eV/Angstrom^2, row by row, of the coordinates that may change.
  public let hessian: [[Double]]

  /// In eV.
  public var zeroPointEnergy: Double { modes.reduce(0) { $0 + $1.quantum / 2 } }
  public var imaginaryCount: Int { modes.count(where: \.isImaginary) }

  /// Evaluates the forces twice for each coordinate that may change.
  /// - Parameters:
  ///   - h: of a coordinate, one way and the other, Angstrom.
  ///   - progress: told how many of how many evaluations are done, and the last one.
  /// - Throws: what the potential and `progress` throw; `DynamicsError` for numbers without sense.
  public init(
    of system: AtomicSystem, in potential: any Potential, displacement h: Double = 0.01,
    progress: (_ done: Int, _ total: Int, Evaluation) throws -> Void = { _, _, _ in }
  ) throws {
    let free = system.freeCoordinates
    let size = free.count
    var rows = Array(repeating: Array(repeating: 0.0, count: size), count: size)
    var evaluation = Evaluation()
    try potential.evaluate(system, into: &evaluation)
    var (moved, done) = (system, 0)
    for (row, (atom, axis)) in free.enumerated() {
      for sign in [1.0, -1] {
        moved.positions[atom][axis] = system.positions[atom][axis] + sign * h
        try potential.evaluate(moved, into: &evaluation)
        try StabilityLimits().check(evaluation, step: nil)
        for (column, (other, k)) in free.enumerated() {
          rows[row][column] -= sign * evaluation.forces[other][k] / (2 * h)
        }
        done += 1
        try progress(done, 2 * size, evaluation)
      }
      moved.positions[atom] = system.positions[atom]
    }
    for i in 0..<size {
      for j in 0..<i {
        let mean = (rows[i][j] + rows[j][i]) / 2
        (rows[i][j], rows[j][i]) = (mean, mean)
      }
    }
    hessian = rows
    modes = Self.modes(of: rows, system, free)
  }

  private static func modes(
    of hessian: [[Double]], _ system: AtomicSystem, _ free: [AtomicSystem.Coordinate]
  ) -> [Mode] {
    let size = hessian.count
    let roots = free.map { system.masses[$0.atom].squareRoot() }
    var d = (0..<size).map { i in (0..<size).map { hessian[i][$0] / (roots[i] * roots[$0]) } }
    let rigid = system.rigidMotions()
    for u in rigid { d.project(out: u) }
    // Out of the way of the vibrations: above all of them.
    let above = 2 * (d.map { $0.reduce(0) { $0 + abs($1) } }.max() ?? 0) + 1
    for u in rigid {
      for i in 0..<size { for j in 0..<size { d[i][j] += above * u[i] * u[j] } }
    }
    let solution = SymmetricEigenproblem(d)
    return (0..<size - rigid.count).map { k in
      let lambda = solution.values[k] * Units.accelerationPerForce
      var displacements = Array(repeating: Vector3.zero, count: system.count)
      for (n, (atom, axis)) in free.enumerated() {
        displacements[atom][axis] = solution.vectors[k][n] / roots[n]
      }
      let square = dot(displacements, displacements)
      let furthest = displacements.largest
      return Mode(
        frequency: lambda < 0 ? -(-lambda).squareRoot() : lambda.squareRoot(),
        displacements: furthest > 0 ? displacements.scaled(by: 1 / furthest) : displacements,
        reducedMass: square > 0 ? 1 / square : 0)
    }
  }
}

extension AtomicSystem {
  public typealias Coordinate = (atom: Int, axis: Int)

  /// Coordinates that may change, atom by atom.
  public var freeCoordinates: [Coordinate] {
    moveMask.indices.flatMap { atom in (0..<3).filter { moveMask[atom][$0] == 1 }.map { (atom, $0) } }
  }

  /// Shifts and, without periodic axes, turns of the whole in mass-weighted free coordinates, orthonormal; none along, or into, an
  /// axis along which an atom is fixed. A line of atoms has one turn less, one atom none.
  func rigidMotions() -> [[Double]] {
    let (freeAxes, coordinates) = (freeAxes, freeCoordinates)
    let total = masses.reduce(0, +)
    let centre = zip(positions, masses).reduce(Vector3.zero) { $0 + $1.0 * ($1.1 / total) }
    var motions: [[Vector3]] = []
    for axis in 0..<3 where freeAxes[axis] == 1 {
      motions.append(positions.map { _ in Matrix3.identity[axis] })
    }
    for axis in 0..<3
    where !cell.hasPeriodicAxis && freeAxes[(axis + 1) % 3] * freeAxes[(axis + 2) % 3] == 1 {
      motions.append(positions.map { Lattice.cross(Matrix3.identity[axis], $0 - centre) })
    }
    var found: [[Double]] = []
    for motion in motions {
      var u = coordinates.map { motion[$0.atom][$0.axis] * masses[$0.atom].squareRoot() }
      let before = norm(u)
      for other in found {
        let overlap = zip(u, other).reduce(0) { $0 + $1.0 * $1.1 }
        for i in u.indices { u[i] -= overlap * other[i] }
      }
      let after = norm(u)
      if after > 1e-6 * before, before > 1e-9 { found.append(u.map { $0 / after }) }
    }
    return found
  }

  private func norm(_ u: [Double]) -> Double { u.reduce(0) { $0 + $1 * $1 }.squareRoot() }
}

extension [[Double]] {
  /// (1 - u u) A (1 - u u) of a symmetric matrix.
  fileprivate mutating func project(out u: [Double]) {
    let image = map { row in zip(row, u).reduce(0) { $0 + $1.0 * $1.1 } }
    let mean = zip(image, u).reduce(0) { $0 + $1.0 * $1.1 }
    for i in indices {
      for j in indices { self[i][j] += mean * u[i] * u[j] - image[i] * u[j] - u[i] * image[j] }
    }
  }
}
