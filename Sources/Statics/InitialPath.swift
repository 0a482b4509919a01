// A first path between two configurations: a straight line, or the image dependent pair potential, Smidstrup et al. 2014, doi
// 10.1063/1.4878664. Image k of n is to have the interpolated distances between all pairs of atoms, near ones above all:
//
//   t_ij = d_ij(0) + k/n (d_ij(n) - d_ij(0)),   S = sum_(i<j) (t_ij - d_ij)^2 / d_ij^4
//
// and the band of all images relaxes on S. Atoms then go round each other where a straight line would send them through. Where
// they would meet head-on, as two that change places do, S has no slope to either side, and rounding would decide: such a
// pair is parted first, along an arc at right angles to its way.

import Foundation
import Lattice

public enum InitialPath {
  /// Positions of `count` images and both ends, on a straight line.
  public static func linear(from first: [Vector3], to last: [Vector3], images count: Int) -> [[Vector3]] {
    let way = last.adding(first, times: -1)
    return (0...count + 1).map {
      $0 == count + 1 ? last : first.adding(way, times: Double($0) / Double(count + 1))
    }
  }

  /// The same, relaxed on the image dependent pair potential.
  /// - Parameters:
  ///   - first: positions of the atoms of `system`.
  ///   - system: whose cell makes distances those of nearest images, and whose fixed atoms stay.
  public static func idpp(
    from first: [Vector3], to last: [Vector3], images count: Int, of system: AtomicSystem
  ) -> [[Vector3]] {
    let (start, end) = (distances(first, system.cell), distances(last, system.cell))
    var path = parted(linear(from: first, to: last, images: count), system, start, end)
    var minimizer = FIRE(largestStep: 0.1)
    for _ in 0..<mostSteps {
      var energies = Array(repeating: 0.0, count: path.count)
      var forces = Array(repeating: [Vector3](), count: path.count)
      for k in 1...count {
        let share = Double(k) / Double(count + 1)
        (energies[k], forces[k]) = pairForces(path[k], system, start, end, share)
      }
      let all = Band.forces(path, energies, forces, spring: spring)
      let flat = all.flatMap { $0 }
      guard flat.largest > tolerance else { break }
      let step = minimizer.displacement(for: flat)
      for k in 1...count {
        path[k] = path[k].adding(Array(step[(k - 1) * first.count..<k * first.count]), times: 1)
      }
    }
    return path
  }

  /// The path with arcs for pairs that come nearer than half of t_ij, to the side where S is least: both atoms make room, each for
  /// one pair, the nearest first.
  private static func parted(
    _ path: [[Vector3]], _ system: AtomicSystem, _ start: [Double], _ end: [Double]
  ) -> [[Vector3]] {
    let last = path.count - 1
    func vector(_ k: Int, _ i: Int, _ j: Int) -> Vector3 { system.cell.nearestImage(path[k][i] - path[k][j]) }
    func share(_ k: Int) -> Double { Double(k) / Double(last) }
    var meetings: [(atoms: (Int, Int), image: Int, ratio: Double, target: Double)] = []
    var pair = 0
    for i in path[0].indices {
      for j in 0..<i {
        defer { pair += 1 }
        func target(_ k: Int) -> Double { start[pair] + share(k) * (end[pair] - start[pair]) }
        func ratio(_ k: Int) -> Double { length(vector(k, i, j)) / max(target(k), leastDistance) }
        guard let k = (1..<last).min(by: { ratio($0) < ratio($1) }), ratio(k) < 0.5 else { continue }
        meetings.append(((i, j), k, ratio(k), target(k)))
      }
    }
    var (result, made): ([[Vector3]], Set<Int>) = (path, [])
    for (atoms, image, ratio, target) in meetings.sorted(by: { $0.ratio < $1.ratio }) {
      let (i, j) = atoms
      guard made.isDisjoint(with: [i, j]) else { continue }
      made.formUnion([i, j])
      let way = vector(last, i, j) - vector(0, i, j)
      guard length(way) > leastDistance else { continue }
      let (ofI, ofJ) = (system.moveMask[i], system.moveMask[j])
      let height = target * (1 - ratio) * (ofI == .zero || ofJ == .zero ? 1 : 0.5)
      func part(_ image: inout [Vector3], _ side: Vector3, _ share: Double) {
        image[i] += side * (height * sin(.pi * share)) * ofI
        image[j] -= side * (height * sin(.pi * share)) * ofJ
      }
      let sides = directions(across: way / length(way))
      let energies = sides.map { side in
        var parted = result[image]
        part(&parted, side, share(image))
        return pairForces(parted, system, start, end, share(image)).0
      }
      // The first of those that are equal but for rounding.
      let least = energies.min() ?? 0
      guard let best = energies.firstIndex(where: { $0 <= least * (1 + 1e-9) }) else { continue }
      for k in 1..<last { part(&result[k], sides[best], share(k)) }
    }
    return result
  }

  /// Eight directions at right angles to one.
  private static func directions(across along: Vector3) -> [Vector3] {
    let axes: [Vector3] = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    let across = axes.map { $0 - along * dot($0, along) }.max { length($0) < length($1) } ?? .zero
    let first = across / length(across)
    let second = cross(along, first)
    return (0..<8).map { n in
      first * cos(.pi / 4 * Double(n)) + second * sin(.pi / 4 * Double(n))
    }
  }

  // S is in Angstrom^-2; numbers are those of ASE's idpp_interpolate.
  private static let (spring, tolerance, mostSteps) = (0.1, 0.1, 300)
  /// Nearer atoms count as so near, in Angstrom: on one spot they would have no distance to speak of.
  private static let leastDistance = 0.1

  /// Of all pairs i > j, row by row.
  private static func distances(_ r: [Vector3], _ cell: Cell) -> [Double] {
    var d: [Double] = []
    for i in r.indices { for j in 0..<i { d.append(length(cell.nearestImage(r[i] - r[j]))) } }
    return d
  }

  /// S and its forces; none on fixed atoms.
  private static func pairForces(
    _ r: [Vector3], _ system: AtomicSystem, _ start: [Double], _ end: [Double], _ share: Double
  ) -> (Double, [Vector3]) {
    var energy = 0.0
    var forces = Array(repeating: Vector3.zero, count: r.count)
    var pair = 0
    for i in r.indices {
      for j in 0..<i {
        let target = start[pair] + share * (end[pair] - start[pair])
        pair += 1
        let vector = system.cell.nearestImage(r[i] - r[j])
        let d = max(length(vector), leastDistance)
        let miss = target - d
        let weight = 1 / (d * d * d * d)
        energy += weight * miss * miss
        let f = vector * ((2 * miss + 4 * miss * miss / d) * weight / d)
        forces[i] += f
        forces[j] -= f
      }
    }
    for atom in r.indices { forces[atom] *= system.moveMask[atom] }
    return (energy, forces)
  }
}
