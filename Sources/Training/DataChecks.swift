// What is wrong with data as a whole, before a step is spent on it: atoms on one spot, labels that do not belong to the
// energies of free atoms, a stress of the other sign.
//
// The sign of the stress: two frames of the same atoms whose cells differ by a small strain eps and whose atoms have moved
// with it, but for displacements u, have
//
//   E_2 - E_1 = V (sigma_1 + sigma_2)/2 : eps - sum_i (F_i1 + F_i2)/2 . u_i      to third order in eps and u.

import Diagnostics
import Foundation
import Lattice

extension LabelledData {
  /// Shortest distance between two atoms of a frame in Angstrom, images included; nil where it is beyond `reach`.
  static func shortestDistance(in system: AtomicSystem, reach: Double = 3) throws -> Double? {
    var list = NeighborList(cutoff: reach, skin: 0)
    try list.build(positions: system.positions, cell: system.cell)
    var least = Double.infinity
    for i in system.positions.indices {
      for pair in list.pairs(of: i) {
        let d = list.displacement(pair, of: i, positions: system.positions, cell: system.cell)
        least = min(least, dot(d, d))
      }
    }
    return least.isFinite ? least.squareRoot() : nil
  }

  /// - Throws: `FileError` for two atoms closer than the demands allow.
  /// - Returns: the shortest distance of each frame in Angstrom.
  func requireDistances(_ demands: DataDemands) throws -> [Double?] {
    try frames.map { frame in
      let shortest: Double?
      do { shortest = try Self.shortestDistance(in: frame.system) } catch let error as LatticeError {
        throw FileError(
          file: files[frame.file].path, "frame \(frame.number): \(error)", help: "remove the frame")
      }
      guard shortest ?? .infinity >= demands.smallestDistance else {
        throw FileError(
          file: files[frame.file].path,
          "frame \(frame.number): two atoms are \(String(format: "%.3f", shortest ?? 0)) Angstrom apart",
          help: "check the frame and its cell, or lower `limits.distance`")
      }
      return shortest
    }
  }

  /// eV per atom between labels and free atoms; bonds have 1 to 10, and other electrons (valence only against all) hundreds.
  static let largestBinding = 100.0

  /// - Throws: `FileError` where labels and the energies of free atoms do not belong together.
  public func requireBinding(_ isolated: IsolatedEnergies) throws {
    for frame in frames {
      guard let energy = frame.labels.energy else { continue }
      let binding = (energy - isolated.sum(over: frame.system)) / Double(frame.system.count)
      guard abs(binding) < Self.largestBinding else {
        throw FileError(
          file: files[frame.file].path,
          "frame \(frame.number): its energy is \(String(format: "%.1f", binding)) eV per atom away from that of "
            + "free atoms (\(isolated.source))",
          help:
            "labels and isolated energies must count the same electrons, all or valence only, by one method: "
            + "see `isolated_energies`")
      }
    }
  }

  /// - Throws: `FileError` naming two frames between which the energy changes against the stress.
  public func requireStressSign() throws {
    for file in files.indices {
      let candidates = frames.filter {
        $0.file == file && $0.labels.stress != nil && $0.labels.energy != nil && $0.labels.forces != nil
      }
      for (n, first) in candidates.enumerated() {
        for second in candidates[(n + 1)...].prefix(Self.comparedFrames) {
          guard let change = StrainChange(from: first, to: second), change.hasOtherSign else { continue }
          throw FileError(
            file: files[file].path,
            "the stress seems to have the other sign: from frame \(first.number) to frame \(second.number), nearly "
              + "the same but for the cell, the energy changes by \(milli(change.energy)) meV where stress and forces say "
              + "\(milli(change.work)) meV",
            help:
              "Bloch's sign is ASE's, stress = (1/V) dE/d(strain); a virial, which has the other one, is read from "
              + "`virial`")
        }
      }
    }
  }

  /// With how many of the frames after it a frame is compared.
  private static let comparedFrames = 200
}

private func milli(_ energy: Double) -> String { String(format: "%.2f", energy * 1e3) }

/// Two frames that differ by little more than a strain.
private struct StrainChange {
  /// E_2 - E_1 by the labels, eV.
  let energy: Double
  /// The same by stress and forces.
  let work: Double
  /// What the forces alone say.
  let forceWork: Double

  /// Largest strain, and largest displacement beside it in Angstrom, for which second order is enough; least strain that
  /// shows.
  private static let (largestStrain, largestDisplacement, leastStrain) = (0.05, 0.1, 1e-4)

  /// Nil for frames that differ by more, or by nothing.
  init?(from first: LabelledFrame, to second: LabelledFrame) {
    let (a, b) = (first.system, second.system)
    guard a.atomicNumbers == b.atomicNumbers,
      let (e1, e2) = both(first.labels.energy, second.labels.energy),
      let (s1, s2) = both(first.labels.stress, second.labels.stress),
      let (f1, f2) = both(first.labels.forces, second.labels.forces)
    else { return nil }
    // B = A (1 + eps)
    let strain = a.cell.inverse * b.cell.vectors + Matrix3.identity * -1
    let size = [strain.x, strain.y, strain.z].map { max($0.max(), -$0.min()) }.max() ?? 0
    guard (Self.leastStrain...Self.largestStrain).contains(size) else { return nil }
    var forceWork = 0.0
    for i in a.positions.indices {
      var f = (b.positions[i] * b.cell.inverse) - (a.positions[i] * a.cell.inverse)
      f -= f.rounded(.toNearestOrEven)
      let u = f * b.cell.vectors
      guard length(u) < Self.largestDisplacement else { return nil }
      forceWork -= dot(f1[i] + f2[i], u) / 2
    }
    let mean = (s1 + s2) * 0.5
    let stressWork =
      (dot(mean.x, strain.x) + dot(mean.y, strain.y) + dot(mean.z, strain.z))
      * (a.cell.volume + b.cell.volume) / 2
    energy = e2 - e1
    work = stressWork + forceWork
    self.forceWork = forceWork
  }

  /// Whether the energies fit the stress with the other sign five times better, and better than rounding of labels would.
  var hasOtherSign: Bool {
    let otherWork = 2 * forceWork - work
    return abs(energy - otherWork) < 0.2 * abs(energy - work) && abs(work - otherWork) > 1e-3
  }
}

private func both<Value>(_ a: Value?, _ b: Value?) -> (Value, Value)? {
  if let a, let b { (a, b) } else { nil }
}
