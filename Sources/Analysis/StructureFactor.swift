// Partial structure factors of pairs of elements (Ashcroft and Langreth, doi:10.1103/PhysRev.156.685) and the total of all atoms:
//
//   S_ab(k) = <Re rho_a(k) rho_b(k)*> / sqrt(N_a N_b),       S(k) = <|rho(k)|^2> / N
//
// averaged over the wavevectors of one length, in bins of |k| (1/Angstrom).

import Lattice

public struct StructureFactor: ResumableAccumulator {
  public let composition: Composition
  /// In 1/Angstrom.
  public let largest: Double
  private let bins: WavevectorBins
  /// For each bin: number of wavevectors, sum of |k|, then the sum of each pair's product.
  private var sums = BlockSums()

  /// - Parameter largest: nil for 6 1/Angstrom, less in large cells.
  /// - Throws: `AnalysisError`.
  public init(_ composition: Composition, largest: Double? = nil, width: Double = 0.05) throws {
    try composition.requireVolume(for: "a structure factor")
    self.composition = composition
    self.largest = largest ?? DensityModes.affordable(6, in: composition.first.system.cell)
    bins = WavevectorBins(width: width, largest: self.largest)
  }

  public func sample(_ frame: TrajectoryFrame) -> [Double] {
    let pairs = composition.pairs
    let channels = composition.atoms.map { DensityChannel(atoms: $0, weights: $0.map { _ in 1 }) }
    let rows = pairs.count + 2
    var sums = [Double](repeating: 0, count: bins.count * rows)
    DensityModes.forEach(frame.system, channels, largest: largest) { _, k, modes in
      let magnitude = length(k)
      let row = bins.bin(magnitude) * rows
      sums[row] += 1
      sums[row + 1] += magnitude
      for (n, pair) in pairs.enumerated() {
        sums[row + 2 + n] += modes[pair.a].0 * modes[pair.b].0 + modes[pair.a].1 * modes[pair.b].1
      }
    }
    return sums
  }

  public mutating func add(_ sample: [Double]) { sums.add(sample) }

  public var state: StateTree { sums.state }

  public mutating func restore(_ state: StateTree, frames: Int) throws {
    sums = try BlockSums(state, width: bins.count * (composition.pairs.count + 2), frames: frames)
  }

  public func findings(_ conditions: Conditions) throws -> Findings {
    guard sums.frames > 0 else { throw AnalysisError.noFrames }
    let filled = sums.filledBins(of: bins, rows: composition.pairs.count + 2)
    guard !filled.isEmpty else { throw AnalysisError.noWavevectors(largest) }
    let curves = curves(sums.mean, filled)
    let errors = sums.errors { self.curves($0, filled).flatMap { $0 } }
    var columns = [FindingTable.Column("k", unit: "Angstrom-1", curves[0])]
    let names = ["S"] + composition.pairs.map { "S_\(composition.name($0))" }
    for (n, name) in names.enumerated() {
      columns.append(.init(name, unit: "1", curves[n + 1]))
      if let errors {
        let start = (n + 1) * filled.count
        columns.append(.init("\(name)_error", unit: "1", Array(errors[start..<start + filled.count])))
      }
    }
    return Findings(
      .sk, numbers: [Finding("smallest k", unit: "Angstrom-1", curves[0][0])],
      tables: [FindingTable("sk", columns)])
  }

  /// k, S and S_ab at the bins that hold wavevectors.
  private func curves(_ sums: [Double], _ filled: [Int]) -> [[Double]] {
    let pairs = composition.pairs
    let rows = pairs.count + 2
    let atoms = composition.atoms.map { Double($0.count) }
    let partials = pairs.enumerated().map { n, pair in
      filled.map { sums[$0 * rows + 2 + n] / sums[$0 * rows] / (atoms[pair.a] * atoms[pair.b]).squareRoot() }
    }
    let total = filled.map { bin in
      var sum = 0.0
      for (n, pair) in pairs.enumerated() { sum += sums[bin * rows + 2 + n] * (pair.a == pair.b ? 1 : 2) }
      return sum / sums[bin * rows] / Double(composition.atomCount)
    }
    return [filled.map { sums[$0 * rows + 1] / sums[$0 * rows] }, total] + partials
  }
}

extension BlockSums {
  /// Bins that held a wavevector in some frame.
  func filledBins(of bins: WavevectorBins, rows: Int) -> [Int] {
    (0..<bins.count).filter { total[$0 * rows] > 0 }
  }
}
