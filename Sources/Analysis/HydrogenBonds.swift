// Hydrogen bonds by geometry (Luzar and Chandler, doi:10.1103/PhysRevLett.76.928): D-H ... A with D and A among N, O, F,
//
//   |r_D - r_A| < 3.5 Angstrom,   angle H-D-A < 30 degrees,   H bonded to D: its nearest N, O or F within 1.3 Angstrom

import Foundation
import Lattice

public struct HydrogenBonds: Accumulator {
  public let composition: Composition
  /// Largest distance of donor and acceptor in Angstrom, largest angle at the donor in degrees.
  public let distance: Double
  public let angle: Double
  /// N, O, F.
  private let polar: [Int]
  private let hydrogens: [Int]
  private var counts: [Double] = []

  private static let polarNumbers: Set<Int> = [7, 8, 9]
  private static let bond = 1.3

  /// - Throws: `AnalysisError`.
  public init(_ composition: Composition, distance: Double = 3.5, angle: Double = 30) throws {
    (self.composition, self.distance, self.angle) = (composition, distance, angle)
    let numbers = composition.first.system.atomicNumbers
    polar = numbers.indices.filter { Self.polarNumbers.contains(numbers[$0]) }
    hydrogens = numbers.indices.filter { numbers[$0] == 1 }
    guard !hydrogens.isEmpty, !polar.isEmpty else {
      throw AnalysisError(
        "there are no hydrogen bonds to look for: the trajectory lacks \(hydrogens.isEmpty ? "hydrogen" : "N, O and F")",
        help: "choose other quantities", isUsage: true)
    }
  }

  /// The number of bonds of a frame.
  public func sample(_ frame: TrajectoryFrame) throws -> Double {
    let system = frame.system
    let isPolar = system.atomicNumbers.map(Self.polarNumbers.contains)
    var list = NeighborList(cutoff: max(distance, Self.bond), skin: 0)
    try list.build(positions: system.positions, cell: system.cell)
    func displacements(from i: Int) -> [(atom: Int, d: Vector3)] {
      list.pairs(of: i).compactMap { pair in
        let j = Int(list.neighbors[pair])
        guard isPolar[j] else { return nil }
        return (j, -list.displacement(pair, of: i, positions: system.positions, cell: system.cell))
      }
    }
    let least = cos(angle * .pi / 180)
    var acceptors: [Int: [Vector3]] = [:]
    var bonds = 0
    for hydrogen in hydrogens {
      let near = displacements(from: hydrogen).min { dot($0.d, $0.d) < dot($1.d, $1.d) }
      guard let near, length(near.d) < Self.bond else { continue }
      // All that the donor may bond to, worked out once for its hydrogens.
      let candidates = acceptors[near.atom] ?? displacements(from: near.atom).map(\.d)
      acceptors[near.atom] = candidates
      let toHydrogen = -near.d
      for d in candidates where length(d) < distance {
        if dot(d, toHydrogen) > least * length(d) * length(toHydrogen) { bonds += 1 }
      }
    }
    return Double(bonds)
  }

  public mutating func add(_ sample: Double) { counts.append(sample) }

  public func findings(_ conditions: Conditions) throws -> Findings {
    guard !counts.isEmpty else { throw AnalysisError.noFrames }
    let interval = conditions.interval
    var columns = [FindingTable.Column("hydrogen_bonds", unit: "1", counts)]
    if let times = conditions.picoseconds { columns.insert(.init("time", unit: "ps", times), at: 0) }
    return Findings(
      .hbonds,
      numbers: [
        Finding("bonds", unit: "1", meanOf: counts, interval: interval),
        Finding(
          "bonds of an N, O or F", unit: "1", meanOf: counts.map { 2 * $0 / Double(polar.count) },
          interval: interval,
          note: "given and taken"),
      ], tables: [FindingTable("hbonds", columns)],
      notes: [
        String(format: "donor and acceptor within %.4g Angstrom, H-D-A below %.4g degrees", distance, angle)
      ])
  }
}
