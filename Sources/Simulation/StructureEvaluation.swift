// Energies, forces and stresses of the structures in a file, and their errors where the file has labels.

import Deck
import Foundation
import Lattice
import Trajectory

/// Sums of squared differences between model and labels.
private struct Deviation {
  private var squares = 0.0
  private var count = 0

  mutating func add(_ difference: Double) {
    squares += difference * difference
    count += 1
  }

  var rootMeanSquare: Double? { count == 0 ? nil : (squares / Double(count)).squareRoot() }
}

/// Evaluates every frame of the extended XYZ file `structures`.
/// - Parameters:
///   - output: extended XYZ file for the frames with energy, forces and stress; nil writes none.
///   - report: called with one line of a table for every frame, and a summary.
/// - Throws: `StructureError`, `FileError`, or what the potential throws.
public func evaluateStructures(
  in structures: String, with forceField: ForceField, output: String?, report: (String) throws -> Void
) throws {
  let reader = try ExtendedXYZReader(structures)
  let writer = try output.map { try ExtendedXYZWriter(creating: $0) }
  var result = Evaluation()
  var (energyError, forceError, stressError) = (Deviation(), Deviation(), Deviation())
  var frame = 0
  try report("frame   atoms   energy (eV)          energy/atom (eV)   largest force (eV/Angstrom)")
  while var configuration = try reader.next() {
    frame += 1
    let system = configuration.system
    try forceField.requireSpecies(of: system, file: structures)
    try forceField.potential.evaluate(system, into: &result)
    let atoms = Double(system.count)
    if let energy = configuration.energy { energyError.add((result.energy - energy) / atoms) }
    if let forces = configuration.forces {
      for (a, b) in zip(result.forces, forces) { for axis in 0..<3 { forceError.add(a[axis] - b[axis]) } }
    }
    if let stress = configuration.stress {
      for i in 0..<3 { for j in 0..<3 { stressError.add(result.stress[i][j] - stress[i][j]) } }
    }
    try report(
      column("\(frame)", 8) + column("\(system.count)", 8) + column(String(format: "%.9f", result.energy), 21)
        + column(String(format: "%.9f", result.energy / atoms), 19)
        + String(format: "%.6f", result.forces.map(length).max() ?? 0))
    configuration.energy = result.energy
    configuration.forces = result.forces
    configuration.stress = system.cell.isFullyPeriodic ? result.stress : nil
    try writer?.append(configuration)
  }
  try writer?.close()
  let errors = [
    energyError.rootMeanSquare.map { String(format: "energy %.3f meV/atom", $0 * 1e3) },
    forceError.rootMeanSquare.map { String(format: "forces %.2f meV/Angstrom", $0 * 1e3) },
    stressError.rootMeanSquare.map { String(format: "stress %.4f meV/Angstrom^3", $0 * 1e3) },
  ].compactMap { $0 }
  if !errors.isEmpty {
    try report("root-mean-square difference from the file's labels: " + errors.joined(separator: ", "))
  }
}

private func column(_ text: String, _ width: Int) -> String {
  text.padding(toLength: max(width, text.count + 1), withPad: " ", startingAt: 0)
}
