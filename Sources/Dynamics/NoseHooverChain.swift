// A chain of M thermostats coupled to the kinetic energy K of n_dof momenta.
// Martyna, Klein, Tuckerman 1992, doi 10.1063/1.463940; integrator: Martyna, Tuckerman, Tobias, Klein 1996,
// doi 10.1080/00268979600100761 (eqs. 29-34).
//
// With masses Q_1 = n_dof k_B T tau^2 and Q_j = k_B T tau^2 the equations of motion lose all energies but one
// ratio (w_j: velocities of the chain in 1/fs, eta_j their integrals):
//
//   dv/dt   = a F/m - w_1 v
//   dw_1/dt = (2K / (n_dof k_B T) - 1) / tau^2     - w_1 w_2
//   dw_2/dt = n_dof w_1^2 - 1/tau^2                - w_2 w_3
//   dw_j/dt = w_(j-1)^2   - 1/tau^2                - w_j w_(j+1)
//
// Energy of the chain, kinetic and potential:
//
//   (k_B T tau^2 / 2) (n_dof w_1^2 + sum_(j>1) w_j^2) + k_B T (n_dof eta_1 + sum_(j>1) eta_j)

import Foundation
import Lattice

/// The thermostat of `NoseHooverVerlet`, and those of the atoms and the cell in `MartynaTobiasKlein`.
struct NoseHooverChain: Sendable {
  let degreesOfFreedom: Double
  /// tau in fs.
  let relaxationTime: Double
  /// w_j in 1/fs.
  var velocities: [Double]
  /// k_B T (n_dof eta_1 + sum eta_j), accumulated, less the work done on the chain by a changing T; in eV.
  var potentialEnergy = 0.0

  /// Fourth-order Suzuki-Yoshida weights: 1/(2 - 2^(1/3)) twice, the rest between them
  /// (Yoshida 1990, doi 10.1016/0375-9601(90)90092-3).
  private static let yoshidaWeights = (outer: 1.3512071919596578, inner: -1.7024143839193153)
  /// Multiple time steps of the chain in each half step of the atoms.
  private static let substeps = 2

  init(degreesOfFreedom: Int, relaxationTime: Double, length: Int) {
    self.degreesOfFreedom = Double(degreesOfFreedom)
    self.relaxationTime = relaxationTime
    self.velocities = Array(repeating: 0, count: length)
  }

  /// - Throws: `DynamicsError.invalidSetting`.
  static func validate(timestep: Double, relaxationTime: Double, length: Int, degreesOfFreedom: Int) throws {
    try DynamicsError.require(
      relaxationTime >= 10 * timestep && relaxationTime.isFinite, .relaxationTime,
      "the thermostat's tau must be at least ten time steps, \(10 * timestep) fs, not \(relaxationTime) fs")
    try DynamicsError.require(
      length >= 1, .chainLength, "a Nose-Hoover chain needs at least 1 link, not \(length)")
    try DynamicsError.require(
      degreesOfFreedom >= 1, .degreesOfFreedom, "there is nothing to thermostat: no atom is free to move")
  }

  /// Kinetic energy of the chain in eV at bath temperature `temperature` K.
  func kineticEnergy(temperature: Double) -> Double {
    var sum = degreesOfFreedom * velocities[0] * velocities[0]
    for w in velocities.dropFirst() { sum += w * w }
    return Units.boltzmann * temperature * relaxationTime * relaxationTime * sum / 2
  }

  /// Changes the bath's temperature, and with it the masses. The work that this does on the chain is booked
  /// in `potentialEnergy`, so that the conserved quantity stays conserved through a ramp.
  mutating func changeTemperature(from old: Double, to new: Double) {
    potentialEnergy -= kineticEnergy(temperature: new) - kineticEnergy(temperature: old)
  }

  /// exp(t L_NHC): advances the chain by `t` fs and returns the factor by which it scales the velocities of
  /// atoms that hold `kineticEnergy` eV.
  mutating func propagate(_ t: Double, kineticEnergy: Double, temperature: Double) -> Double {
    let kT = Units.boltzmann * temperature
    var ratio = 2 * kineticEnergy / (degreesOfFreedom * kT)
    var scale = 1.0
    let (outer, inner) = Self.yoshidaWeights
    for _ in 0..<Self.substeps {
      for weight in [outer, inner, outer] {
        let factor = propagateOnce(weight * t / Double(Self.substeps), ratio: ratio, kT: kT)
        scale *= factor
        ratio *= factor * factor
      }
    }
    return scale
  }

  /// One symmetric sweep along the chain and back; `ratio` is 2K / (n_dof k_B T).
  private mutating func propagateOnce(_ t: Double, ratio: Double, kT: Double) -> Double {
    let last = velocities.count - 1
    for j in stride(from: last, through: 0, by: -1) { accelerate(j, by: t / 2, ratio: ratio) }
    let factor = exp(-velocities[0] * t)
    var etaRate = degreesOfFreedom * velocities[0]
    for w in velocities.dropFirst() { etaRate += w }
    potentialEnergy += kT * etaRate * t
    for j in 0...last { accelerate(j, by: t / 2, ratio: ratio * factor * factor) }
    return factor
  }

  /// Friction of the next link around the push of the previous one, over `t` fs.
  private mutating func accelerate(_ j: Int, by t: Double, ratio: Double) {
    let rate = 1 / (relaxationTime * relaxationTime)
    let push =
      switch j {
      case 0: (ratio - 1) * rate
      case 1: degreesOfFreedom * velocities[0] * velocities[0] - rate
      default: velocities[j - 1] * velocities[j - 1] - rate
      }
    let drag = j + 1 < velocities.count ? exp(-velocities[j + 1] * t / 2) : 1
    velocities[j] = (velocities[j] * drag + push * t) * drag
  }

  // MARK: - State

  var state: StateTree {
    ["chain_velocities": .numbers(velocities), "chain_potential_energy": .numbers([potentialEnergy])]
  }

  /// Takes its values from a group that may hold those of others.
  mutating func restore(from state: inout StateReader) throws {
    velocities = try state.numbers("chain_velocities", count: velocities.count)
    potentialEnergy = try state.number("chain_potential_energy")
  }
}
