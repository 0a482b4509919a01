// How far predictions are from labels, with the conventions that every table of Bloch has:
//
//   energy   (E - E_ref)/N of a frame         mean over frames
//   forces   F - F_ref, by component          mean over components of all atoms
//   stress   stress - stress_ref, by component, nine a frame
//   MAE = mean |x|,   RMSE = sqrt(mean x^2)

import Lattice

/// Sums over errors of one quantity.
public struct ErrorSum: Sendable, Hashable {
  public var count = 0
  public var absolute = 0.0
  public var square = 0.0

  public init() {}

  public mutating func add(_ error: Double) {
    count += 1
    absolute += abs(error)
    square += error * error
  }

  public mutating func add(_ other: ErrorSum) {
    count += other.count
    absolute += other.absolute
    square += other.square
  }

  /// Nil without labels.
  public var mae: Double? { count > 0 ? absolute / Double(count) : nil }
  public var rmse: Double? { count > 0 ? (square / Double(count)).squareRoot() : nil }
}

/// Errors of energy (eV/atom), forces (eV/Angstrom) and stress (eV/Angstrom^3).
public struct ErrorSums: Sendable, Hashable {
  public var energy = ErrorSum()
  public var forces = ErrorSum()
  public var stress = ErrorSum()

  public init() {}

  public mutating func add(_ prediction: Prediction, _ frame: LabelledFrame) {
    let labels = frame.labels
    if let label = labels.energy { energy.add((prediction.energy - label) / Double(frame.system.count)) }
    for (force, label) in zip(prediction.forces, labels.forces ?? []) {
      for axis in 0..<3 { forces.add(force[axis] - label[axis]) }
    }
    if let label = labels.stress {
      for a in 0..<3 { for b in 0..<3 { stress.add(prediction.stress[a][b] - label[a][b]) } }
    }
  }
}

// MARK: - State

extension ErrorSums {
  public var state: StateTree {
    [
      "counts": .integers([energy, forces, stress].map { Int64($0.count) }),
      "sums": .numbers([energy, forces, stress].flatMap { [$0.absolute, $0.square] }),
    ]
  }

  /// - Throws: `StateError`.
  public init(_ state: StateTree) throws {
    self = try state.read { state in
      try ErrorSums(
        counts: state.naturals("counts", count: 3)[...], sums: state.numbers("sums", count: 6)[...])
    }
  }

  /// - Parameters: counts of energies, forces and stresses, and for each the sums of |x| and of x^2.
  init(counts: ArraySlice<Int>, sums: ArraySlice<Double>) {
    func sum(_ k: Int) -> ErrorSum {
      var sum = ErrorSum()
      sum.count = counts[counts.startIndex + k]
      sum.absolute = sums[sums.startIndex + 2 * k]
      sum.square = sums[sums.startIndex + 2 * k + 1]
      return sum
    }
    (energy, forces, stress) = (sum(0), sum(1), sum(2))
  }
}
