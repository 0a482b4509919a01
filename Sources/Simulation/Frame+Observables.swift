// The numbers that a run follows, once for the log and for the trajectory.

import Committee
import Deck
import Dynamics
import Lattice
import Trajectory

/// A number of a frame, with its name and unit in files.
struct Observable {
  let name: String
  let unit: String
  /// NaN where it does not apply.
  let value: (Frame) -> Double

  init(name: String, unit: String, value: @escaping (Frame) -> Double) {
    (self.name, self.unit, self.value) = (name, unit, value)
  }

  /// What motion or potential know under `name`, times `factor`.
  init(_ name: String, unit: String, factor: Double = 1) {
    self.init(name: name, unit: unit) {
      ($0.quantities[name] ?? $0.evaluation.quantities[name] ?? .nan) * factor
    }
  }
}

extension Deck {
  /// What a run in `cell` follows.
  func observables(in cell: Cell) -> [Observable] {
    var all = [Observable(name: "potential_energy", unit: "eV") { $0.evaluation.energy }]
    if kind == .run {
      all += [
        Observable(name: "kinetic_energy", unit: "eV") { $0.system.kineticEnergy },
        Observable(name: "conserved_energy", unit: "eV") { $0.conservedQuantity ?? .nan },
        Observable(name: "temperature", unit: "K") { $0.temperature },
      ]
    } else {
      all.append(Observable("largest_force", unit: "eV/Angstrom"))
    }
    if band != nil {
      all += [
        Observable("barrier", unit: "eV"), Observable("reaction_energy", unit: "eV"),
        Observable("highest_image", unit: "1"),
      ]
    }
    all += committeeObservables + restraintObservables
    guard cell.isFullyPeriodic else { return all }
    all.append(Observable(name: "pressure", unit: "bar") { $0.pressureTensor.trace / 3 })
    let isCellFree = barostat != nil || minimization?.cell != nil
    if isCellFree {
      all.append(Observable(name: "volume", unit: "Angstrom3") { $0.system.cell.volume })
      all.append(Observable(name: "density", unit: "g cm-3") { $0.system.density })
    }
    guard isCellFree || followsPressureTensor else { return all }
    for (name, row, column) in [
      ("xx", 0, 0), ("yy", 1, 1), ("zz", 2, 2), ("yz", 1, 2), ("xz", 0, 2), ("xy", 0, 1),
    ] {
      all.append(Observable(name: "pressure_\(name)", unit: "bar") { $0.pressureTensor[row][column] })
    }
    return all
  }
}

extension Deck {
  /// How far the members of a committee are apart, and whether that is more than the deck asks to mark.
  private var committeeObservables: [Observable] {
    guard models.count > 1 else { return [] }
    let spread = Observable(CommitteePotential.forceSpreadName, unit: "eV/Angstrom")
    let mark = committee.mark.map { limit in
      Observable(name: "marked", unit: "1") { spread.value($0) > limit ? 1 : 0 }
    }
    return [spread, Observable(CommitteePotential.energySpreadName, unit: "eV")] + [mark].compactMap { $0 }
  }
}

extension Frame {
  /// In bar.
  fileprivate var pressureTensor: Matrix3 {
    system.pressureTensor(potential: evaluation.stress) * Units.bar
  }
}

extension [Observable] {
  /// For the trajectory.
  var names: [H5MDObservable] { map { H5MDObservable(name: $0.name, unit: $0.unit) } }
  func values(of frame: Frame) -> [Double] { map { $0.value(frame) } }
}
