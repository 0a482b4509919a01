// Charges of atoms for what needs them: those of the frames, or one for each element.

import Lattice

/// In e.
public enum ChargeSource: Sendable {
  case frames
  /// By atomic number.
  case elements([Int: Double])

  /// - Throws: `AnalysisError` where frames have none, or an element is left out.
  func require(in composition: Composition, for purpose: String) throws {
    switch self {
    case .frames:
      guard composition.first.charges != nil else {
        let example = composition.elements.indices.map { "\(composition.symbol($0))=..." }.joined(
          separator: " ")
        throw AnalysisError(
          "\(purpose) needs charges, which the trajectory does not hold",
          help: "give them by element (--charges \(example)), or run with `trajectory.charges: true`")
      }
    case .elements(let charges):
      for (element, number) in composition.elements.enumerated() where charges[number] == nil {
        throw AnalysisError(
          "no charge is given for \(composition.symbol(element))",
          help: "name every element of the trajectory: --charges \(composition.symbol(element))=... ...",
          isUsage: true)
      }
    }
  }

  func charges(of frame: TrajectoryFrame) -> [Double] {
    switch self {
    case .frames: frame.charges ?? []
    case .elements(let charges): frame.system.atomicNumbers.map { charges[$0] ?? 0 }
    }
  }
}
