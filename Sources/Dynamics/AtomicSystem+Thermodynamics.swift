// Kinetic observables of a configuration (v in Angstrom/fs, m in u, energies in eV, a = accelerationPerForce):
//
//   K = (1/2a) sum_i m_i v_i^2          T = 2 K / (n_dof k_B)
//   p = (1/aV) sum_i m_i v_i (x) v_i - sigma                  P = tr(p) / 3
//
// sigma = (1/V) dE/d(strain) is the stress of the potential, so P = 2K/3V - tr(sigma)/3.

import Lattice

extension AtomicSystem {
  /// Kinetic energy in eV.
  public var kineticEnergy: Double {
    var twice = 0.0
    velocities.withUnsafeBufferPointer { v in
      for i in v.indices { twice += masses[i] * dot(v[i], v[i]) }
    }
    return twice / (2 * Units.accelerationPerForce)
  }

  /// 1 along each axis where the motion of the centre of mass can be told from heat: not where fixed atoms hold the others, and
  /// not where one atom is all there is.
  var centerOfMassAxes: Vector3 { count > 1 ? freeAxes : .zero }
  public var hasCenterOfMassMotion: Bool { centerOfMassAxes != .zero }

  /// Independent momenta: one for each axis along which an atom may move, less one for each along which the integrator conserves
  /// the momentum of the centre of mass.
  public func degreesOfFreedom(conservingMomentum: Bool) -> Int {
    Int(moveMask.reduce(.zero, +).sum() - (conservingMomentum ? centerOfMassAxes.sum() : 0))
  }

  /// Instantaneous temperature in K, 0 where nothing can move. Where the motion of the centre of mass counts as no degree of freedom
  /// its energy counts as no heat, either: a bath gives some back after it was taken away.
  public func temperature(degreesOfFreedom: Int) -> Double {
    guard degreesOfFreedom > 0 else { return 0 }
    var heat = kineticEnergy
    if degreesOfFreedom < self.degreesOfFreedom(conservingMomentum: false) {
      let p = momentum * centerOfMassAxes
      heat -= dot(p, p) / (2 * masses.reduce(0, +) * Units.accelerationPerForce)
    }
    return 2 * heat / (Double(degreesOfFreedom) * Units.boltzmann)
  }

  /// Total momentum in u Angstrom/fs.
  public var momentum: Vector3 {
    var sum = Vector3.zero
    for i in 0..<count { sum += masses[i] * velocities[i] }
    return sum
  }

  /// sum_i m_i v_i (x) v_i / a in eV; its trace is 2 K.
  var kineticTensor: Matrix3 {
    var sum = Matrix3.zero
    velocities.withUnsafeBufferPointer { velocities in
      for i in velocities.indices {
        let v = velocities[i]
        let p = masses[i] * v
        sum += Matrix3(p.x * v, p.y * v, p.z * v)
      }
    }
    return sum * (1 / Units.accelerationPerForce)
  }

  /// Pressure tensor in eV/Angstrom^3 (positive under compression), kinetic part included. It has a meaning only where
  /// every axis is periodic.
  public func pressureTensor(potential stress: Matrix3) -> Matrix3 {
    kineticTensor * (1 / cell.volume) - stress
  }

  /// Pressure in eV/Angstrom^3, the mean of the tensor's diagonal.
  public func pressure(potential stress: Matrix3) -> Double {
    pressureTensor(potential: stress).trace / 3
  }
}
