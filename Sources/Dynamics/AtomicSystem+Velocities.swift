// Velocities of a temperature: v_i = sqrt(a k_B T / m_i) xi with xi three standard normals (Maxwell-Boltzmann),
// less the velocity of the centre of mass, rescaled to K = n_dof k_B T / 2 exactly.

import Lattice

extension AtomicSystem {
  /// Draws velocities at `temperature` K, a pure function of the seed.
  ///
  /// Zero along fixed axes. The centre of mass is brought to rest, under every integrator, along each axis along which no atom is
  /// fixed (then it is no constant of motion), unless there is only one. A free cluster keeps its thermal rotation.
  /// - Parameter degreesOfFreedom: those by which the run measures its temperature.
  public mutating func drawVelocities(temperature: Double, degreesOfFreedom: Int, seed: UInt64) {
    let random = CounterRNG(seed: seed)
    let thermal = Units.accelerationPerForce * Units.boltzmann * temperature
    for i in 0..<count {
      velocities[i] =
        (thermal / masses[i]).squareRoot()
        * random.normals(step: 0, atom: i, stream: RandomStream.initialVelocities) * moveMask[i]
    }
    removeCenterOfMassMotion()
    let target = Double(degreesOfFreedom) * Units.boltzmann * temperature / 2
    let drawn = kineticEnergy
    scaleVelocities(by: drawn > 0 ? (target / drawn).squareRoot() : 0)
  }

  /// Takes away what velocities have along fixed axes.
  public mutating func stopFixedAtoms() {
    for i in 0..<count { velocities[i] *= moveMask[i] }
  }

  /// Brings the centre of mass to rest along each axis where its motion is not heat.
  /// - Returns: the velocity that it had, in Angstrom/fs.
  @discardableResult
  public mutating func removeCenterOfMassMotion() -> Vector3 {
    guard hasCenterOfMassMotion else { return .zero }
    let drift = momentum / masses.reduce(0, +) * centerOfMassAxes
    for i in 0..<count { velocities[i] -= drift }
    return drift
  }
}
