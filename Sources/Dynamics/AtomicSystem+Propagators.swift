// The exact flows from which the integrators are composed; atoms take part in them along the axes along which they may move.

import Lattice

extension AtomicSystem {
  /// B: exp(t L_B), v <- v + a F t / m with forces in eV/Angstrom and t in fs.
  mutating func kick(_ forces: [Vector3], _ t: Double) {
    let impulse = Units.accelerationPerForce * t
    velocities.withUnsafeMutableBufferPointer { v in
      for i in v.indices { v[i] += forces[i] * (impulse / masses[i]) * moveMask[i] }
    }
  }

  /// A: exp(t L_A), r <- r + v t.
  mutating func drift(_ t: Double) {
    positions.withUnsafeMutableBufferPointer { r in
      for i in r.indices { r[i] += velocities[i] * t * moveMask[i] }
    }
  }

  // MARK: - In a cell that moves: every atom does, w = `strainRate` in 1/fs, symmetric

  /// dv/dt = a F / m - v M with M = w + tr(w) / n_dof:  v <- v e^(-Mt) + (a F / m) t phi_1(-Mt).
  mutating func kick(_ forces: [Vector3], _ t: Double, strainRate: Matrix3, degreesOfFreedom: Int) {
    let friction = strainRate + Matrix3.identity * (strainRate.trace / Double(degreesOfFreedom))
    let exponent = friction * -t
    let (decay, impulse) = (exponent.exponential, exponent.phi1 * (Units.accelerationPerForce * t))
    velocities.withUnsafeMutableBufferPointer { v in
      for i in v.indices { v[i] = v[i] * decay + forces[i] * impulse * (1 / masses[i]) }
    }
  }

  /// dr/dt = v + r w, dA/dt = A w:  r <- r e^(wt) + v t phi_1(wt), A <- A e^(wt).
  mutating func drift(_ t: Double, strainRate: Matrix3) {
    let exponent = strainRate * t
    let (stretch, path) = (exponent.exponential, exponent.phi1 * t)
    positions.withUnsafeMutableBufferPointer { r in
      for i in r.indices { r[i] = r[i] * stretch + velocities[i] * path }
    }
    cell = Cell(vectors: cell.vectors * stretch, isPeriodic: cell.isPeriodic)
  }

  /// The cell and all in it change by F = e^E while momenta are kept from point to point: A <- A F, r <- r F, v <- v F^-1.
  /// - Parameter e: symmetric, of Frobenius' norm 0.1 at most.
  public mutating func strain(by e: Matrix3) {
    let (stretch, shrink) = (e.exponential, (e * -1).exponential)
    for i in 0..<count {
      positions[i] = positions[i] * stretch
      velocities[i] = velocities[i] * shrink
    }
    cell = Cell(vectors: cell.vectors * stretch, isPeriodic: cell.isPeriodic)
  }

  // MARK: - Both

  mutating func scaleVelocities(by factor: Double) {
    velocities.withUnsafeMutableBufferPointer { v in
      for i in v.indices { v[i] *= factor }
    }
  }
}
