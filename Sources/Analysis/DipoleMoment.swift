// Dipole moments of molecules and of the cell, and the static dielectric constant of a liquid of neutral molecules:
//
//   M = sum_i q_i r_i        e Angstrom, molecules whole
//   epsilon = 1 + (<M^2> - <M>^2) / (3 epsilon_0 V k_B T)       conducting surroundings, as without the term k = 0
//                                                              (Neumann, doi:10.1080/00268978300102721)
//
// Charges that do not answer a field hold no electronic part: epsilon_infinity is 1 here.

import Foundation
import Lattice

public struct DipoleMoment: ResumableAccumulator {
  public let composition: Composition
  private let charges: ChargeSource
  private let molecules: Molecules
  private var moments: [Vector3] = []
  private var volumes: [Double] = []
  /// Mean magnitude over the molecules, and the largest total charge of one.
  private var molecular: [Double] = []
  private var largestCharge = 0.0

  public struct Sample: Sendable {
    let moment: Vector3
    let volume: Double
    let molecular: Double
    let largestCharge: Double
  }

  /// One e Angstrom in debye, CODATA 2018.
  static let debye = 4.803204713
  /// e^2 / epsilon_0 in eV Angstrom.
  static let couplingOverVacuum = 4 * Double.pi * Units.coulomb
  /// A molecule with more charge than this, in e, is an ion.
  private static let neutral = 0.02

  /// - Throws: `AnalysisError`, `LatticeError`.
  public init(_ composition: Composition, charges: ChargeSource) throws {
    try charges.require(in: composition, for: "a dipole moment")
    self.composition = composition
    self.charges = charges
    molecules = try Molecules(of: composition.first.system)
    guard !molecules.isEndless else {
      throw AnalysisError(
        "bonds lead from an atom to its own image: what has no end has no dipole moment",
        help: "of molecules and their liquids it has one")
    }
  }

  public func sample(_ frame: TrajectoryFrame) -> Sample {
    let charges = charges.charges(of: frame)
    var (total, magnitudes, largest) = (Vector3.zero, 0.0, 0.0)
    for molecule in molecules.atoms {
      var (moment, charge) = (Vector3.zero, 0.0)
      for atom in molecule {
        moment += charges[atom] * molecules.position(atom, in: frame.system)
        charge += charges[atom]
      }
      total += moment
      magnitudes += length(moment)
      largest = max(largest, abs(charge))
    }
    return Sample(
      moment: total, volume: frame.system.cell.volume, molecular: magnitudes / Double(molecules.atoms.count),
      largestCharge: largest)
  }

  public mutating func add(_ sample: Sample) {
    moments.append(sample.moment)
    volumes.append(sample.volume)
    molecular.append(sample.molecular)
    largestCharge = max(largestCharge, sample.largestCharge)
  }

  public var state: StateTree {
    [
      "moments": .vectors(moments), "volumes": .numbers(volumes), "molecular": .numbers(molecular),
      "largest_charge": .numbers([largestCharge]),
    ]
  }

  public mutating func restore(_ state: StateTree, frames: Int) throws {
    (moments, volumes, molecular, largestCharge) = try state.read { state in
      try (
        state.vectors("moments", count: frames), state.numbers("volumes", count: frames),
        state.numbers("molecular", count: frames), state.number("largest_charge")
      )
    }
  }

  public func findings(_ conditions: Conditions) throws -> Findings {
    guard !moments.isEmpty else { throw AnalysisError.noFrames }
    let interval = conditions.interval
    var columns: [FindingTable.Column] = []
    if let times = conditions.picoseconds { columns.append(.init("time", unit: "ps", times)) }
    for (axis, name) in ["x", "y", "z"].enumerated() {
      columns.append(.init("M_\(name)", unit: "e Angstrom", moments.map { $0[axis] }))
    }
    guard largestCharge <= Self.neutral else {
      throw AnalysisError(
        "a molecule has a charge of \(String(format: "%.3g", largestCharge)) e: the dipole moment of ions depends on the origin",
        help: "for ionic liquids look at chi, which does not")
    }
    var numbers = [
      Finding("molecular dipole", unit: "D", meanOf: molecular.map { $0 * Self.debye }, interval: interval)
    ]
    var notes = ["\(molecules.atoms.count) molecules"]
    guard composition.first.system.cell.isFullyPeriodic else {
      numbers.append(
        Finding("|M|", unit: "D", meanOf: moments.map { length($0) * Self.debye }, interval: interval))
      return Findings(.dipole, numbers: numbers, tables: [FindingTable("dipole", columns)], notes: notes)
    }
    let temperature = try conditions.requireTemperature(for: "a dielectric constant")
    let frames = moments.indices
    let value = dielectricConstant(Array(frames), temperature)
    // tau of M tells how many independent orientations were seen.
    let mean = moments.reduce(.zero, +) / Double(moments.count)
    let squares = moments.map { dot($0 - mean, $0 - mean) }
    let tau = BlockedMean(squares)
    numbers.append(
      Finding(
        "dielectric constant", unit: "1", value,
        error: Jackknife.error(frames: moments.count) { self.dielectricConstant($0, temperature) },
        note: String(format: "n_eff %.0f", tau.effectiveCount)))
    numbers.append(
      Finding("<M^2>", unit: "e2 Angstrom2", meanOf: moments.map { dot($0, $0) }, interval: interval))
    let polarization = dot(mean, mean) / (squares.reduce(0, +) / Double(squares.count))
    numbers.append(
      Finding(
        "<M>^2/(<M^2> - <M>^2)", unit: "1", polarization,
        note: "small once the dipole has turned around often"))
    if polarization > 0.25 {
      notes.append(
        "the dipole of the cell has not turned around yet: the dielectric constant needs a much longer run")
    }
    return Findings(.dipole, numbers: numbers, tables: [FindingTable("dipole", columns)], notes: notes)
  }

  private func dielectricConstant(_ frames: [Int], _ temperature: Double) -> Double {
    let count = Double(frames.count)
    var (sum, square, volume) = (Vector3.zero, 0.0, 0.0)
    for n in frames {
      sum += moments[n]
      square += dot(moments[n], moments[n])
      volume += volumes[n]
    }
    let fluctuation = square / count - dot(sum, sum) / (count * count)
    return 1 + fluctuation * Self.couplingOverVacuum / (3 * volume / count * Units.boltzmann * temperature)
  }
}
