// Radial distribution functions of pairs of elements and the running coordination numbers:
//
//   g_ab(r) = V n_ab(r) / (N_a (N_b - delta_ab) 4/3 pi (r_>^3 - r_<^3))        n_ab: ordered pairs in a shell, per frame
//   c_ab(r) = sum_{r' < r} n_ab(r') / N_a                                      neighbours b of an atom a
//
// Every image counts, so r may go beyond half the cell; there g sees the cell's own periodicity. O(N) by linked cells.

import Lattice

public struct RadialDistribution: ResumableAccumulator {
  public let composition: Composition
  /// Largest r and width of a shell, Angstrom.
  public let reach: Double
  public let width: Double
  /// Pairs of elements that are asked for.
  public let pairs: [(a: Int, b: Int)]
  private let shells: Int
  /// V n_ab in each shell, [pairs][shells], and n_ab.
  private var densities = BlockSums()
  private var counts = BlockSums()

  /// A first minimum of g is looked for so far behind its highest peak, Angstrom.
  private static let minimumRange = 2.0
  /// Beyond this r an RDF is rarely looked at, Angstrom.
  private static let defaultReach = 12.0
  private static let mostShells = 1e5

  public struct Sample: Sendable {
    let volume: Double
    let counts: [Double]
  }

  /// - Parameters:
  ///   - reach: nil for half the distance between the closest faces of the cell, 12 Angstrom at most.
  ///   - pairs: of atomic numbers; nil for all.
  /// - Throws: `AnalysisError`.
  public init(
    _ composition: Composition, reach: Double? = nil, width: Double = 0.05, pairs: [(Int, Int)]? = nil
  )
    throws
  {
    try composition.requireVolume(for: "a radial distribution function")
    self.composition = composition
    self.width = width
    self.reach = reach ?? min(Self.defaultReach, composition.first.system.cell.heights.min() / 2)
    guard self.reach / width < Self.mostShells else {
      throw AnalysisError(
        "a radial distribution function of \(Int(Self.mostShells)) shells or more",
        help: "take thicker ones: --shell",
        isUsage: true)
    }
    shells = max(1, Int((self.reach / width).rounded(.down)))
    self.pairs =
      try pairs.map { try $0.map { try (composition.index(of: $0.0), composition.index(of: $0.1)) } }
      ?? composition.pairs
  }

  public func sample(_ frame: TrajectoryFrame) throws -> Sample {
    let system = frame.system
    var list = NeighborList(cutoff: Double(shells) * width, skin: 0)
    try list.build(positions: system.positions, cell: system.cell)
    let kinds = composition.elements.count
    var counts = [Double](repeating: 0, count: composition.pairs.count * shells)
    let rows = (0..<kinds).map { a in (0..<kinds).map { composition.pairIndex(a, $0) * shells } }
    let elements = composition.elementOfAtom
    for i in 0..<system.count {
      let row = rows[elements[i]]
      for pair in list.pairs(of: i) {
        let element = elements[Int(list.neighbors[pair])]
        // Of two elements a pair counts once, of one element in both directions.
        guard elements[i] <= element else { continue }
        let d = list.displacement(pair, of: i, positions: system.positions, cell: system.cell)
        let shell = Int(length(d) / width)
        if shell < shells { counts[row[element] + shell] += 1 }
      }
    }
    return Sample(volume: system.cell.volume, counts: counts)
  }

  public mutating func add(_ sample: Sample) {
    counts.add(sample.counts)
    densities.add(sample.counts.map { $0 * sample.volume })
  }

  public var state: StateTree { ["counts": .group(counts.state), "densities": .group(densities.state)] }

  public mutating func restore(_ state: StateTree, frames: Int) throws {
    let width = composition.pairs.count * shells
    func sums(_ name: String, _ state: inout StateReader) throws -> BlockSums {
      let group = try state.group(name)
      return try StateError.inside(name) { try BlockSums(group, width: width, frames: frames) }
    }
    (counts, densities) = try state.read { try (sums("counts", &$0), sums("densities", &$0)) }
  }

  public func findings(_ conditions: Conditions) throws -> Findings {
    guard counts.frames > 0 else { throw AnalysisError.noFrames }
    let norms = self.norms
    let g = zip(densities.mean, norms).map { $0 * $1 }
    let errors = densities.errors { zip($0, norms).map { $0 * $1 } }
    let radii = (0..<shells).map { (Double($0) + 0.5) * width }
    var columns = [FindingTable.Column("r", unit: "Angstrom", radii)]
    var numbers: [Finding] = []
    for pair in pairs {
      let (low, high) = (min(pair.a, pair.b), max(pair.a, pair.b))
      let row = composition.pairIndex(low, high) * shells
      let range = row..<row + shells
      let name = composition.name(pair)
      let running = coordination(of: pair, counts.mean[range])
      columns.append(.init("g_\(name)", unit: "1", Array(g[range])))
      if let errors { columns.append(.init("g_\(name)_error", unit: "1", Array(errors[range]))) }
      columns.append(.init("coordination_\(name)", unit: "1", running))
      numbers += self.numbers(
        name, pair, g: Array(g[range]), errors: errors.map { Array($0[range]) }, radii, row)
    }
    let half = composition.first.system.cell.heights.min() / 2
    let beyond =
      reach > half * (1 + 1e-9)
      ? ["beyond \(String(format: "%.2f", half)) Angstrom, half the cell, atoms meet their own images"] : []
    return Findings(.rdf, numbers: numbers, tables: [FindingTable("rdf", columns)], notes: beyond)
  }

  /// What takes V n_ab to g_ab, for every point.
  private var norms: [Double] {
    composition.pairs.flatMap { pair in
      let (n, m) = (Double(composition.atoms[pair.a].count), Double(composition.atoms[pair.b].count))
      let ordered = n * (pair.a == pair.b ? m - 1 : m)
      return (0..<shells).map { shell in
        let (inner, outer) = (Double(shell) * width, Double(shell + 1) * width)
        return 1 / (ordered * 4 / 3 * .pi * (outer * outer * outer - inner * inner * inner))
      }
    }
  }

  /// Neighbours b of an atom a up to the outer end of each shell.
  private func coordination(of pair: (a: Int, b: Int), _ counts: ArraySlice<Double>) -> [Double] {
    var sum = 0.0
    let centers = Double(composition.atoms[pair.a].count)
    return counts.map {
      sum += $0 / centers
      return sum
    }
  }

  /// The highest peak and the coordination number up to the minimum behind it.
  private func numbers(
    _ name: String, _ pair: (a: Int, b: Int), g: [Double], errors: [Double]?, _ radii: [Double], _ row: Int
  ) -> [Finding] {
    guard let peak = g.indices.max(by: { g[$0] < g[$1] }), g[peak] > 0 else { return [] }
    let end = min(g.count, peak + Int(Self.minimumRange / width) + 1)
    let minimum = (peak..<end).min { g[$0] < g[$1] } ?? peak
    let neighbors = { (mean: [Double]) in self.coordination(of: pair, mean[row...row + minimum]).last ?? 0 }
    return [
      Finding(
        "g_\(name) peak", unit: "1", g[peak], error: errors?[peak],
        note: String(format: "at %.2f Angstrom", radii[peak])),
      Finding(
        "coordination_\(name)", unit: "1", neighbors(counts.mean),
        error: counts.errors { [neighbors($0)] }?.first,
        note: String(format: "up to %.2f Angstrom, the minimum behind the peak", Double(minimum + 1) * width)),
    ]
  }
}
