// The longitudinal dielectric susceptibility of given charges, the answer of the charge density to a field of wavevector k:
//
//   chi(k) = <|rho_q(k)|^2> / (epsilon_0 V k_B T k^2) = 1 - 1/epsilon(k)
//
// over all wavevectors of one length, and chi_zz over those along the third reciprocal vector alone. As k -> 0 it tends to
// 1 - 1/epsilon of a liquid of neutral molecules, and to 1 of a conductor; without a long range it rises beyond (Cox,
// doi:10.1073/pnas.2005847117).

import Lattice

public struct LongitudinalSusceptibility: ResumableAccumulator {
  public let composition: Composition
  /// In 1/Angstrom.
  public let largest: Double
  private let charges: ChargeSource
  private let bins: WavevectorBins
  /// Wavevectors along the third reciprocal vector in the first frame.
  private let axial: Int
  /// For each bin: number of wavevectors, sum of |k|, sum of |rho|^2 / V k^2.
  private var shells = BlockSums()
  /// For each n along the axis: k and |rho|^2 / V k^2.
  private var axis = BlockSums()

  public struct Sample: Sendable {
    let shells: [Double]
    let axis: [Double]
  }

  /// - Parameter largest: nil for 3 1/Angstrom, less in large cells.
  /// - Throws: `AnalysisError`.
  public init(_ composition: Composition, charges: ChargeSource, largest: Double? = nil, width: Double = 0.05)
    throws
  {
    try composition.requireVolume(for: "a longitudinal susceptibility")
    try charges.require(in: composition, for: "a longitudinal susceptibility")
    (self.composition, self.charges) = (composition, charges)
    let cell = composition.first.system.cell
    self.largest = largest ?? DensityModes.affordable(3, in: cell)
    bins = WavevectorBins(width: width, largest: self.largest)
    axial = DensityModes.extent(cell, largest: self.largest).z
  }

  public func sample(_ frame: TrajectoryFrame) -> Sample {
    let channel = DensityChannel(atoms: Array(0..<frame.system.count), weights: charges.charges(of: frame))
    var shells = [Double](repeating: 0, count: 3 * bins.count)
    var axis = [Double](repeating: 0, count: 2 * axial)
    let volume = frame.system.cell.volume
    DensityModes.forEach(frame.system, [channel], largest: largest) { n, k, modes in
      let square = dot(k, k)
      let value = (modes[0].0 * modes[0].0 + modes[0].1 * modes[0].1) / (volume * square)
      let row = 3 * bins.bin(square.squareRoot())
      shells[row] += 1
      shells[row + 1] += square.squareRoot()
      shells[row + 2] += value
      if n.x == 0, n.y == 0, n.z <= axial {
        axis[2 * (n.z - 1)] = square.squareRoot()
        axis[2 * (n.z - 1) + 1] = value
      }
    }
    return Sample(shells: shells, axis: axis)
  }

  public mutating func add(_ sample: Sample) {
    shells.add(sample.shells)
    axis.add(sample.axis)
  }

  public var state: StateTree { ["shells": .group(shells.state), "axis": .group(axis.state)] }

  public mutating func restore(_ state: StateTree, frames: Int) throws {
    func sums(_ name: String, _ width: Int, _ state: inout StateReader) throws -> BlockSums {
      let group = try state.group(name)
      return try StateError.inside(name) { try BlockSums(group, width: width, frames: frames) }
    }
    (shells, axis) = try state.read {
      try (sums("shells", 3 * bins.count, &$0), sums("axis", 2 * axial, &$0))
    }
  }

  public func findings(_ conditions: Conditions) throws -> Findings {
    guard shells.frames > 0 else { throw AnalysisError.noFrames }
    let temperature = try conditions.requireTemperature(for: "a susceptibility")
    let factor = DipoleMoment.couplingOverVacuum / (Units.boltzmann * temperature)
    let filled = shells.filledBins(of: bins, rows: 3)
    guard !filled.isEmpty else { throw AnalysisError.noWavevectors(largest) }
    let means = shells.mean
    func chi(_ sums: [Double]) -> [Double] { filled.map { sums[3 * $0 + 2] / sums[3 * $0] * factor } }
    let values = chi(means)
    let errors = shells.errors(chi)
    var all = [
      FindingTable.Column("k", unit: "Angstrom-1", filled.map { means[3 * $0 + 1] / means[3 * $0] }),
      .init("chi", unit: "1", values),
    ]
    if let errors { all.append(.init("chi_error", unit: "1", errors)) }
    var tables = [FindingTable("chi", all)]
    if axial > 0 {
      func chiAlong(_ sums: [Double]) -> [Double] { (0..<axial).map { sums[2 * $0 + 1] * factor } }
      var along = [
        FindingTable.Column("k", unit: "Angstrom-1", (0..<axial).map { axis.mean[2 * $0] }),
        .init("chi_zz", unit: "1", chiAlong(axis.mean)),
      ]
      if let errors = axis.errors(chiAlong) { along.append(.init("chi_zz_error", unit: "1", errors)) }
      tables.append(FindingTable("chi_zz", along))
    }
    let smallest = means[3 * filled[0] + 1] / means[3 * filled[0]]
    return Findings(
      .chi,
      numbers: [
        Finding(
          "chi at the smallest k", unit: "1", values[0], error: errors?[0],
          note: String(format: "k = %.3f 1/Angstrom", smallest))
      ], tables: tables)
  }
}
