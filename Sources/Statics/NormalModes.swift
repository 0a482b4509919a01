// Vibrations about a configuration at rest, from forces alone. With mass-weighted coordinates q = sqrt(m) r
//
//   D_ij = H_ij / sqrt(m_i m_j),   H by `ForceConstants`
//   D e = lambda e,   omega = sqrt(a lambda),  a = Units.accelerationPerForce
//
// of the coordinates that may change. Shifts and, without periodic axes, turns of the whole that move no atom along an axis along
// which it is fixed cost nothing: these directions u are taken out, D <- (1 - u u) D (1 - u u), so that what is left are
// vibrations. lambda < 0, where the energy is
// a maximum along e, makes an imaginary frequency, which is given as a negative number. The zero-point energy is
// sum hbar omega / 2 over the real ones.

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

  /// - Precondition: `constants` are complete.
  public init(_ constants: ForceConstants) {
    hessian = constants.hessian
    modes = Self.modes(of: hessian, constants.system, constants.free)
  }

  /// Evaluates the forces twice for each coordinate that may change.
  /// - Throws: what the potential throws; `DynamicsError` for numbers without sense.
  public init(of system: AtomicSystem, in potential: any Potential, displacement: Double = 0.01) throws {
    var constants = ForceConstants(of: system, in: potential, displacement: displacement)
    try constants.prepare()
    while !constants.isComplete { try constants.advance() }
    self.init(constants)
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

  /// Shifts and, without periodic axes, turns of the whole in mass-weighted free coordinates, orthonormal: the combinations that leave
  /// every fixed coordinate where it is. A line of atoms has one turn less, one atom none; about one fixed atom there are three turns.
  func rigidMotions() -> [[Double]] {
    let total = masses.reduce(0, +)
    let centre = zip(positions, masses).reduce(Vector3.zero) { $0 + $1.0 * ($1.1 / total) }
    let size = max(1, positions.map { length($0 - centre) }.max() ?? 1)
    let axes = (0..<3).map { Matrix3.identity[$0] }
    var motions = axes.map { axis in positions.map { _ in axis } }
    if !cell.hasPeriodicAxis {
      motions += axes.map { axis in positions.map { Lattice.cross(axis, $0 - centre) / size } }
    }
    // Squares of what combinations do to fixed coordinates, and 1.
    let held = moveMask.map { 1 - $0 }
    let strain = motions.indices.map { i in
      motions.indices.map { j in
        held.indices.reduce(i == j ? 1 : 0) { $0 + dot(held[$1] * motions[i][$1], motions[j][$1]) }
      }
    }
    let solution = SymmetricEigenproblem(strain)
    let coordinates = freeCoordinates
    var found: [[Double]] = []
    for (value, weights) in zip(solution.values, solution.vectors) where value < 1 + 1e-9 {
      var u = coordinates.map { atom, axis in
        zip(weights, motions).reduce(0) { $0 + $1.0 * $1.1[atom][axis] } * masses[atom].squareRoot()
      }
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
