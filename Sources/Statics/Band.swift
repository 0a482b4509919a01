// What acts on the images R_0 ... R_n of a path that is to become one of least energy: the nudged elastic band with the improved
// tangent, Henkelman, Jonsson 2000, doi 10.1063/1.1323224 (equations in brackets are theirs).
//
//   t+ = R_(i+1) - R_i,   t- = R_i - R_(i-1)
//   tau = t+ where energies rise along the path, t- where they fall, and at extrema a mean of both,
//         weighted by the larger and the smaller of |E_(i+-1) - E_i|, the larger one towards the higher neighbour   [8 - 11]
//   F_NEB = F - (F . tau) tau + k (|t+| - |t-|) tau                                                              [4, 12]
//
// and on the image that climbs, which feels no spring (Henkelman, Uberuaga, Jonsson 2000, doi 10.1063/1.1329672):
//
//   F_NEB = F - 2 (F . tau) tau

import Lattice

enum Band {
  /// tau of the image `i`, of length one; zero where neighbours coincide.
  static func tangent(_ positions: [[Vector3]], _ energies: [Double], at i: Int) -> [Vector3] {
    let ahead = positions[i + 1].adding(positions[i], times: -1)
    let behind = positions[i].adding(positions[i - 1], times: -1)
    let (up, down) = (energies[i + 1] - energies[i], energies[i - 1] - energies[i])
    let tangent: [Vector3]
    if up > 0, down < 0 {
      tangent = ahead
    } else if up < 0, down > 0 {
      tangent = behind
    } else {
      let (larger, smaller) = (max(abs(up), abs(down)), min(abs(up), abs(down)))
      let (weightAhead, weightBehind) = up > down ? (larger, smaller) : (smaller, larger)
      // On flat ground both sides count alike.
      tangent =
        larger > 0
        ? ahead.scaled(by: weightAhead).adding(behind, times: weightBehind) : ahead.adding(behind, times: 1)
    }
    let norm = tangent.norm
    return norm > 0 ? tangent.scaled(by: 1 / norm) : tangent
  }

  /// F_NEB of the inner images 1 ..< n, one after the other.
  /// - Parameters:
  ///   - positions: of all images.
  ///   - forces: of all images, zero on atoms that do not move.
  ///   - spring: k in eV/Angstrom^2.
  ///   - climber: the image that climbs.
  static func forces(
    _ positions: [[Vector3]], _ energies: [Double], _ forces: [[Vector3]], spring: Double, climber: Int? = nil
  ) -> [[Vector3]] {
    (1..<positions.count - 1).map { i in
      let tau = tangent(positions, energies, at: i)
      let along = dot(forces[i], tau)
      if i == climber { return forces[i].adding(tau, times: -2 * along) }
      let stretch =
        positions[i + 1].adding(positions[i], times: -1).norm
        - positions[i].adding(positions[i - 1], times: -1).norm
      return forces[i].adding(tau, times: spring * stretch - along)
    }
  }

  /// The highest of the inner images where it is higher than both ends; nil on a path that only rises or falls.
  static func summit(_ energies: [Double]) -> Int? {
    guard let highest = energies.indices.max(by: { energies[$0] < energies[$1] }) else { return nil }
    return highest > 0 && highest < energies.count - 1 ? highest : nil
  }
}
