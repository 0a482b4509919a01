// Hydrogen bonds by geometry (Luzar and Chandler, doi:10.1103/PhysRevLett.76.928): D-H ... A with donors D and acceptors A among
// N, O, F unless others are named,
//
//   |r_D - r_A| < 3.5 Angstrom,   angle H-D-A < 30 degrees,   H bonded to D: its nearest donor within a bond's length

import Foundation
import Lattice

public struct HydrogenBonds: ResumableAccumulator {
  /// What counts as a hydrogen bond.
  public struct Criterion: Sendable, Hashable {
    /// Largest distance of donor and acceptor in Angstrom, largest angle at the donor in rad.
    public var distance = 3.5
    public var angle = 30 * Double.pi / 180
    /// Atomic numbers.
    public var donors: Set<Int> = [7, 8, 9]
    public var acceptors: Set<Int> = [7, 8, 9]

    public init() {}
  }

  public let composition: Composition
  public let criterion: Criterion
  private let hydrogens: [Int]
  /// Atoms that can give or take a bond.
  private let polarCount: Int
  private var counts: [Double] = []

  /// Of hydrogen to N, O and F, Angstrom; to larger atoms as far as `Molecules` sees bonds.
  private static let shortestReach = 1.3

  /// - Throws: `AnalysisError`.
  public init(_ composition: Composition, _ criterion: Criterion = Criterion()) throws {
    (self.composition, self.criterion) = (composition, criterion)
    let numbers = composition.first.system.atomicNumbers
    hydrogens = numbers.indices.filter { numbers[$0] == 1 }
    polarCount = numbers.count { criterion.donors.contains($0) || criterion.acceptors.contains($0) }
    let missing =
      hydrogens.isEmpty
      ? "hydrogen"
      : !numbers.contains(where: criterion.donors.contains)
        ? "\(Self.words(criterion.donors)) to give them"
        : !numbers.contains(where: criterion.acceptors.contains)
          ? "\(Self.words(criterion.acceptors)) to take them" : nil
    if let missing {
      throw AnalysisError(
        "there are no hydrogen bonds to look for: the trajectory lacks \(missing)",
        help: "choose other quantities, or other --donors and --acceptors", isUsage: true)
    }
  }

  private static func reach(of donor: Int) -> Double {
    max(shortestReach, Molecules.bondLength(1, donor))
  }

  /// The number of bonds of a frame.
  public func sample(_ frame: TrajectoryFrame) throws -> Double {
    let system = frame.system
    let numbers = system.atomicNumbers
    let reaches = criterion.donors.reduce(into: [:]) { $0[$1] = Self.reach(of: $1) }
    var list = NeighborList(cutoff: max(criterion.distance, reaches.values.max() ?? 0), skin: 0)
    try list.build(positions: system.positions, cell: system.cell)
    func displacements(from i: Int, to elements: Set<Int>) -> [(atom: Int, d: Vector3)] {
      list.pairs(of: i).compactMap { pair in
        let j = Int(list.neighbors[pair])
        guard elements.contains(numbers[j]) else { return nil }
        return (j, -list.displacement(pair, of: i, positions: system.positions, cell: system.cell))
      }
    }
    let least = cos(criterion.angle)
    var acceptors: [Int: [Vector3]] = [:]
    var bonds = 0
    for hydrogen in hydrogens {
      let near = displacements(from: hydrogen, to: criterion.donors).min { dot($0.d, $0.d) < dot($1.d, $1.d) }
      guard let near, length(near.d) < reaches[numbers[near.atom]] ?? 0 else { continue }
      // All that the donor may bond to, worked out once for its hydrogens.
      let candidates =
        acceptors[near.atom] ?? displacements(from: near.atom, to: criterion.acceptors).map(\.d)
      acceptors[near.atom] = candidates
      let toHydrogen = -near.d
      for d in candidates where length(d) < criterion.distance {
        if dot(d, toHydrogen) > least * length(d) * length(toHydrogen) { bonds += 1 }
      }
    }
    return Double(bonds)
  }

  public mutating func add(_ sample: Double) { counts.append(sample) }

  public var state: StateTree { ["counts": .numbers(counts)] }

  public mutating func restore(_ state: StateTree, frames: Int) throws {
    counts = try state.read { try $0.numbers("counts", count: frames) }
  }

  public func findings(_ conditions: Conditions) throws -> Findings {
    guard !counts.isEmpty else { throw AnalysisError.noFrames }
    let interval = conditions.interval
    var columns = [FindingTable.Column("hydrogen_bonds", unit: "1", counts)]
    if let times = conditions.picoseconds { columns.insert(.init("time", unit: "ps", times), at: 0) }
    let roles =
      criterion.donors == criterion.acceptors
      ? "" : ", given by " + Self.words(criterion.donors) + ", taken by " + Self.words(criterion.acceptors)
    return Findings(
      .hbonds,
      numbers: [
        Finding("bonds", unit: "1", meanOf: counts, interval: interval),
        Finding(
          "bonds of an \(Self.words(criterion.donors.union(criterion.acceptors)))", unit: "1",
          meanOf: counts.map { 2 * $0 / Double(polarCount) }, interval: interval, note: "given and taken"),
      ], tables: [FindingTable("hbonds", columns)],
      notes: [
        String(
          format: "donor and acceptor within %.4g Angstrom, H-D-A below %.4g degrees", criterion.distance,
          criterion.angle * 180 / .pi) + roles
      ])
  }

  /// `N, O or F`
  private static func words(_ elements: Set<Int>) -> String {
    let symbols = elements.sorted().compactMap(Elements.symbol)
    guard let last = symbols.last, symbols.count > 1 else { return symbols.first ?? "" }
    return symbols.dropLast().joined(separator: ", ") + " or " + last
  }
}
