// The numbers that a run follows, once for the log and for the trajectory.

import Dynamics
import Lattice
import Trajectory

extension Simulation {
  /// Time since the first step, in fs.
  var time: Double { Double(integrator.completedSteps) * deck.timestep }

  /// What a run in `cell` follows.
  static func observables(of cell: Cell) -> [H5MDObservable] {
    let always = [
      H5MDObservable(name: "potential_energy", unit: "eV"),
      H5MDObservable(name: "kinetic_energy", unit: "eV"),
      H5MDObservable(name: "conserved_energy", unit: "eV"), H5MDObservable(name: "temperature", unit: "K"),
    ]
    return cell.isFullyPeriodic ? always + [H5MDObservable(name: "pressure", unit: "bar")] : always
  }

  /// Their values after the present step.
  var observables: [Double] {
    let always = [
      evaluation.energy, system.kineticEnergy, integrator.conservedQuantity(system, evaluation),
      system.temperature(degreesOfFreedom: degreesOfFreedom),
    ]
    guard system.cell.isFullyPeriodic else { return always }
    return always + [system.pressure(potential: evaluation.stress) * Units.bar]
  }
}
