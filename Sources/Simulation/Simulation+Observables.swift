// The numbers that a run follows, once for the log and for the trajectory.

import Dynamics
import Lattice
import Trajectory

extension Simulation {
  /// Time since the first step, in fs.
  var time: Double { Double(integrator.completedSteps) * deck.timestep }

  /// Value of each observable after the present step, in its unit.
  var observables: [(description: H5MDObservable, value: Double)] {
    var list = [
      (H5MDObservable(name: "potential_energy", unit: "eV"), evaluation.energy),
      (H5MDObservable(name: "kinetic_energy", unit: "eV"), system.kineticEnergy),
      (
        H5MDObservable(name: "conserved_energy", unit: "eV"), integrator.conservedQuantity(system, evaluation)
      ),
      (
        H5MDObservable(name: "temperature", unit: "K"), system.temperature(degreesOfFreedom: degreesOfFreedom)
      ),
    ]
    if system.cell.isFullyPeriodic {
      let pressure = system.pressure(potential: evaluation.stress) * Units.bar
      list.append((H5MDObservable(name: "pressure", unit: "bar"), pressure))
    }
    return list
  }
}
