// Structure against slow sums over all pairs and images, crystals and ideal gases.

import Foundation
import Lattice
import Testing

@testable import Analysis

@Test func radialDistributionIsThatOfASlowSumOverImages() throws {
  let frames = (0..<9).map { randomFrame($0) }
  let composition = Composition(frames[0])
  let (reach, width) = (6.0, 0.25)
  let found = try findings(RadialDistribution(composition, reach: reach, width: width), frames)
  let table = try #require(found.table("rdf"))
  for (a, b, name) in [(1, 1, "H-H"), (1, 8, "H-O"), (8, 8, "O-O")] {
    var counts = [Double](repeating: 0, count: Int(reach / width))
    for frame in frames {
      let system = frame.system
      for i in 0..<system.count where system.atomicNumbers[i] == a {
        for j in 0..<system.count where system.atomicNumbers[j] == b {
          let d =
            system.cell.wrap(system.positions[i]).position - system.cell.wrap(system.positions[j]).position
          for x in -3...3 {
            for y in -3...3 {
              for z in -3...3 {
                let r = length(d + Vector3(Double(x), Double(y), Double(z)) * system.cell.vectors)
                if r > 0, r < reach { counts[Int(r / width)] += 1 }
              }
            }
          }
        }
      }
    }
    let (n, m) = (Double(a == 1 ? 16 : 8), Double(b == 1 ? 16 : 8))
    let g = try #require(table[column: "g_\(name)"])
    let running = try #require(table[column: "coordination_\(name)"])
    var sum = 0.0
    for shell in counts.indices {
      let (inner, outer) = (Double(shell) * width, Double(shell + 1) * width)
      let volume = 4 / 3 * Double.pi * (pow(outer, 3) - pow(inner, 3))
      let ordered = n * (a == b ? m - 1 : m)
      let mean = counts[shell] / Double(frames.count)
      #expect(abs(g[shell] - triclinic.volume * mean / ordered / volume) < 1e-9)
      sum += mean / n
      #expect(abs(running[shell] - sum) < 1e-9)
    }
  }
}

/// n^3 atoms of one element on a simple cubic lattice.
private func cubic(_ n: Int, edge: Double) -> TrajectoryFrame {
  let places = (0..<n * n * n).map { Vector3(Double($0 % n), Double($0 / n % n), Double($0 / n / n)) * edge }
  return TrajectoryFrame(
    time: 0,
    system: AtomicSystem(
      cell: Cell(vectors: .identity * (Double(n) * edge)), atomicNumbers: places.map { _ in 84 },
      masses: places.map { _ in 209 }, positions: places))
}

@Test func coordinationNumbersOfASimpleCubicCrystalAreSixTwelveAndEight() throws {
  let frame = cubic(4, edge: 3)
  let found = try findings(RadialDistribution(Composition(frame), reach: 5.9, width: 0.1), [frame])
  let running = try #require(found.table("rdf")?[column: "coordination_Po-Po"])
  #expect([29, 31, 43, 53].map { running[$0] } == [0, 6, 18, 26])
  let first = try findings(RadialDistribution(Composition(frame), reach: 4, width: 0.1), [frame])
  #expect(first.number("coordination_Po-Po")?.value == 6)
}

@Test func braggPeaksOfACrystalHaveTheHeightOfTheNumberOfAtoms() throws {
  let frame = cubic(4, edge: 3)
  let found = try findings(StructureFactor(Composition(frame), largest: 2.2, width: 0.01), [frame])
  let table = try #require(found.table("sk"))
  let (k, s) = (try #require(table[column: "k"]), try #require(table[column: "S"]))
  for (k, s) in zip(k, s) {
    #expect(abs(s - (abs(k - 2 * .pi / 3) < 0.005 ? 64 : 0)) < 1e-9, "S(\(k)) = \(s)")
  }
}

@Test func structureFactorsAreThoseOfASlowSum() throws {
  let frames = (0..<3).map { randomFrame($0) }
  let found = try findings(StructureFactor(Composition(frames[0]), largest: 2, width: 0.2), frames)
  let table = try #require(found.table("sk"))
  var (counts, lengths) = ([Double](repeating: 0, count: 11), [Double](repeating: 0, count: 11))
  var sums = [[Double]](repeating: [0, 0, 0, 0], count: 11)
  for frame in frames {
    for x in -4...4 {
      for y in -4...4 {
        for z in -4...4 where (x, y, z) != (0, 0, 0) {
          let k = Vector3(Double(x), Double(y), Double(z)) * triclinic.reciprocal
          guard length(k) <= 2 else { continue }
          func rho(_ chosen: [Int]) -> (Double, Double) {
            var sum = (0.0, 0.0)
            for i in 0..<frame.system.count where chosen.contains(frame.system.atomicNumbers[i]) {
              let phase = dot(k, frame.system.positions[i])
              sum = (sum.0 + cos(phase), sum.1 + sin(phase))
            }
            return sum
          }
          let (all, h, o) = (rho([1, 8]), rho([1]), rho([8]))
          let bin = min(10, Int(length(k) / 0.2))
          counts[bin] += 1
          lengths[bin] += length(k)
          sums[bin][0] += (all.0 * all.0 + all.1 * all.1) / 24
          sums[bin][1] += (h.0 * h.0 + h.1 * h.1) / 16
          sums[bin][2] += (h.0 * o.0 + h.1 * o.1) / (16.0 * 8).squareRoot()
          sums[bin][3] += (o.0 * o.0 + o.1 * o.1) / 8
        }
      }
    }
  }
  let filled = counts.indices.filter { counts[$0] > 0 }
  for (column, name) in [(-1, "k"), (0, "S"), (1, "S_H-H"), (2, "S_H-O"), (3, "S_O-O")] {
    let values = try #require(table[column: name])
    #expect(values.count == filled.count)
    for (value, bin) in zip(values, filled) {
      let exact = (column < 0 ? lengths[bin] : sums[bin][column]) / counts[bin]
      #expect(abs(value - exact) < 1e-9 * max(1, abs(exact)), "\(name)")
    }
  }
}

@Test func densityProfileFindsASlabWhereItIsAndAllOfItsAtoms() throws {
  var frame = randomFrame(0, atoms: 30)
  // Between a fifth and two fifths of the height, one cell up.
  frame.system.positions = (0..<30).map { atom in
    let u = random.uniforms(step: 5, atom: atom, stream: 5)
    return Vector3(u.x, u.y, 1.2 + 0.2 * u.z) * triclinic.vectors
  }
  let found = try findings(DensityProfile(Composition(frame), axis: .c, width: 0.1), [frame, frame])
  let table = try #require(found.table("profile"))
  let places = try #require(table[column: "c"])
  let density = try #require(table[column: "density"])
  let oxygen = try #require(table[column: "n_O"])
  let height = triclinic.heights.z
  let slice = triclinic.volume / Double(places.count)
  #expect(abs(oxygen.reduce(0, +) * slice - 10) < 1e-9)
  let mass = frame.system.masses.reduce(0, +)
  #expect(abs(density.reduce(0, +) * slice - mass * Units.gramPerCubicCentimetre) < 1e-9)
  for (place, value) in zip(places, density) where value > 0 {
    #expect(place > 0.19 * height && place < 0.41 * height)
  }
  #expect(throws: AnalysisError.self) {
    try DensityProfile(Composition(TrajectoryFrame(time: 0, system: clusterFrame.system)), axis: .a)
  }
}

private let clusterFrame = randomFrame(0, cell: Cell.free)

@Test func profileAlongAnOpenAxisHoldsTheWholeSlab() throws {
  let open = Cell(vectors: Matrix3([8, 0, 0], [0, 9, 0], .zero), isPeriodic: [true, true, false])
  var frame = randomFrame(0, cell: open)
  for atom in 0..<24 { frame.system.positions[atom].z = Double(atom) - 50 }
  let found = try findings(DensityProfile(Composition(frame), axis: .c, width: 0.5), [frame])
  let table = try #require(found.table("profile"))
  let (places, hydrogen) = (try #require(table[column: "c"]), try #require(table[column: "n_H"]))
  let width = places[1] - places[0]
  #expect(abs(hydrogen.reduce(0, +) * width * 72 - 16) < 1e-9)
  #expect(places[0] < -50 && places[places.count - 1] > -27)
}

// MARK: - Hydrogen bonds

/// A donor at the origin, its hydrogen along an angle (degrees) from x, an acceptor along x, in a cell across whose face they bond.
private func dimer(distance: Double, angle: Double, bond: Double = 0.97) -> TrajectoryFrame {
  let radians = angle * Double.pi / 180
  let positions: [Vector3] = [
    .zero, [bond * cos(radians), bond * sin(radians), 0], [distance - 20, 40, 0],
  ]
  return TrajectoryFrame(
    time: 0,
    system: AtomicSystem(
      cell: Cell(vectors: .identity * 20), atomicNumbers: [8, 1, 7], masses: [16, 1, 14], positions: positions
    ))
}

@Test(arguments: [
  (3.49, 29.0, 0.97, 1.0), (3.51, 29, 0.97, 0), (3.49, 31, 0.97, 0), (2.8, 0, 1.29, 1), (2.8, 0, 1.31, 0),
])
func hydrogenBondsEndAtTheirDistanceAngleAndBond(
  _ distance: Double, _ angle: Double, _ bond: Double, _ bonds: Double
) throws {
  let frame = dimer(distance: distance, angle: angle, bond: bond)
  #expect(try HydrogenBonds(Composition(frame)).sample(frame) == bonds)
}

@Test func hydrogenBondsAreThoseOfASlowSearch() throws {
  let frame = randomFrame(3, atoms: 60)
  let system = frame.system
  var bonds = 0
  for h in 0..<60 where system.atomicNumbers[h] == 1 {
    let oxygens = (0..<60).filter { system.atomicNumbers[$0] == 8 }
    let donor = try #require(
      oxygens.min {
        length(nearest(system.positions[$0], system.positions[h], triclinic))
          < length(nearest(system.positions[$1], system.positions[h], triclinic))
      })
    let toHydrogen = nearest(system.positions[h], system.positions[donor], triclinic)
    guard length(toHydrogen) < 1.3 else { continue }
    for acceptor in oxygens where acceptor != donor {
      let d = nearest(system.positions[acceptor], system.positions[donor], triclinic)
      let angle = acos(dot(d, toHydrogen) / length(d) / length(toHydrogen)) * 180 / .pi
      if length(d) < 3.5, angle < 30 { bonds += 1 }
    }
  }
  #expect(bonds > 3)
  #expect(try HydrogenBonds(Composition(frame)).sample(frame) == Double(bonds))
}

@Test func hydrogenBondsOfOtherElementsDistancesAndAnglesAreThoseOfASlowSearch() throws {
  // S gives and O takes; S-H is longer than O-H.
  let whole = randomFrame(4, atoms: 60).system
  let numbers = (0..<60).map { $0.isMultiple(of: 6) ? 16 : whole.atomicNumbers[$0] }
  let frame = TrajectoryFrame(
    time: 0,
    system: AtomicSystem(
      cell: whole.cell, atomicNumbers: numbers, masses: whole.masses, positions: whole.positions))
  var criterion = HydrogenBonds.Criterion()
  (criterion.donors, criterion.acceptors) = ([16], [8])
  (criterion.distance, criterion.angle) = (4.2, 50 * Double.pi / 180)
  let system = frame.system
  var bonds = 0
  for h in 0..<60 where system.atomicNumbers[h] == 1 {
    let sulphurs = (0..<60).filter { system.atomicNumbers[$0] == 16 }
    let donor = try #require(
      sulphurs.min {
        length(nearest(system.positions[$0], system.positions[h], triclinic))
          < length(nearest(system.positions[$1], system.positions[h], triclinic))
      })
    let toHydrogen = nearest(system.positions[h], system.positions[donor], triclinic)
    // 1.25 times the covalent radii of S and H.
    guard length(toHydrogen) < 1.25 * (1.05 + 0.31) else { continue }
    for acceptor in 0..<60 where system.atomicNumbers[acceptor] == 8 {
      for x in -1...1 {
        for y in -1...1 {
          for z in -1...1 {
            let d =
              nearest(system.positions[acceptor], system.positions[donor], triclinic)
              + Vector3(Double(x), Double(y), Double(z)) * triclinic.vectors
            let angle = acos(dot(d, toHydrogen) / length(d) / length(toHydrogen)) * 180 / .pi
            if length(d) < 4.2, angle < 50 { bonds += 1 }
          }
        }
      }
    }
  }
  #expect(bonds > 3)
  let composition = Composition(frame)
  #expect(try HydrogenBonds(composition, criterion).sample(frame) == Double(bonds))
  let found = try findings(HydrogenBonds(composition, criterion), [frame])
  #expect(found.number("bonds of an O or S") != nil)
  #expect(
    found.notes == ["donor and acceptor within 4.2 Angstrom, H-D-A below 50 degrees, given by S, taken by O"])
  criterion.donors = [7]
  #expect(throws: AnalysisError.self) { try HydrogenBonds(composition, criterion) }
}
