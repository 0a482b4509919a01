// The exact flows from which the integrators are composed; fixed atoms take part in none of them.

import Lattice

extension AtomicSystem {
  /// B: exp(t L_B), v <- v + a F t / m with forces in eV/Angstrom and t in fs.
  mutating func kick(_ forces: [Vector3], _ t: Double) {
    let impulse = Units.accelerationPerForce * t
    velocities.withUnsafeMutableBufferPointer { v in
      for i in v.indices where !isFixed[i] { v[i] += forces[i] * (impulse / masses[i]) }
    }
  }

  /// A: exp(t L_A), r <- r + v t.
  mutating func drift(_ t: Double) {
    positions.withUnsafeMutableBufferPointer { r in
      for i in r.indices where !isFixed[i] { r[i] += velocities[i] * t }
    }
  }

  mutating func scaleVelocities(by factor: Double) {
    velocities.withUnsafeMutableBufferPointer { v in
      for i in v.indices where !isFixed[i] { v[i] *= factor }
    }
  }
}
