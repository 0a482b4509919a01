// The numbers that a run follows, once for the log and for the trajectory.

import Dynamics
import Lattice
import Trajectory

extension Frame {
  /// What a run in `cell` follows.
  static func observables(in cell: Cell) -> [H5MDObservable] {
    let always = [
      H5MDObservable(name: "potential_energy", unit: "eV"),
      H5MDObservable(name: "kinetic_energy", unit: "eV"),
      H5MDObservable(name: "conserved_energy", unit: "eV"), H5MDObservable(name: "temperature", unit: "K"),
    ]
    return cell.isFullyPeriodic ? always + [H5MDObservable(name: "pressure", unit: "bar")] : always
  }

  /// Their values; what does not apply is NaN.
  var observables: [Double] {
    let always = [evaluation.energy, system.kineticEnergy, conservedQuantity ?? .nan, temperature]
    guard system.cell.isFullyPeriodic else { return always }
    return always + [system.pressure(potential: evaluation.stress) * Units.bar]
  }
}
