// A restraint adds E = k/2 (q - c)^2 to the energy (`Profile`). With E' = k (q - c) the vectors d between atoms that q is a function of
// (`Coordinate`) carry the forces and the stress:
//
//   F_to -= E' dq/dd,   F_from += E' dq/dd,   sigma += E' d (x) dq/dd / V

import Lattice

/// A coordinate, or atoms near points, held by a spring.
public struct Restraint: Sendable, Hashable {
  public enum Target: Sendable, Hashable {
    case coordinate(Coordinate)
    /// Each atom by itself, q being the distance from its point.
    case points(PointSet)
  }

  /// What files call it.
  public let name: String
  public let target: Target
  public let profile: Profile
  /// k in eV/Angstrom^2, of an angle in eV/rad^2.
  public let stiffness: Double

  public init(name: String, target: Target, profile: Profile, stiffness: Double) {
    (self.name, self.target, self.profile, self.stiffness) = (name, target, profile, stiffness)
  }

  /// Under which its center stands.
  var centerName: String { name + Self.centerSuffix }
  public static let centerSuffix = "_center"

  /// q; of atoms near points the root of their mean squared distance from them.
  public func value(in system: AtomicSystem) -> Double {
    switch target {
    case .coordinate(let coordinate): return coordinate.value(in: system)
    case .points(let set):
      let squares = set.displacements(in: system).reduce(0) { $0 + dot($1, $1) }
      return (squares / Double(max(1, set.atoms.count))).squareRoot()
    }
  }

  /// E and E'.
  private func cost(_ q: Double, _ step: Int64) -> (energy: Double, slope: Double) {
    let away = q - profile.center(for: q, at: step)
    return (stiffness / 2 * away * away, stiffness * away)
  }

  /// Adds energy, forces and, where every axis is periodic, stress.
  /// - Returns: the energy in eV.
  func add(to result: inout Evaluation, _ system: AtomicSystem) -> Double {
    var virial = Matrix3.zero
    var sum = 0.0
    switch target {
    case .coordinate(let coordinate):
      let (q, parts) = coordinate.differentiate(in: system)
      let (energy, slope) = cost(q, result.step)
      sum += energy
      result.share(energy, among: coordinate.atoms)
      for part in parts {
        let g = part.slope * slope
        result.forces[part.to] -= g
        result.forces[part.from] += g
        virial += outer(part.vector, g)
      }
    case .points(let set):
      for (atom, d) in zip(set.atoms, set.displacements(in: system)) {
        let r = length(d)
        let (energy, slope) = cost(r, result.step)
        sum += energy
        result.share(energy, among: [atom])
        guard r > 0 else { continue }
        let g = d * (slope / r)
        result.forces[atom] -= g
        virial += outer(d, g)
      }
    }
    if system.cell.isFullyPeriodic { result.stress += virial * (1 / system.cell.volume) }
    result.energy += sum
    return sum
  }
}

extension Evaluation {
  /// The energies of atoms go on to sum to that of all.
  fileprivate mutating func share(_ energy: Double, among atoms: [Int]) {
    guard !atomicEnergies.isEmpty else { return }
    for atom in atoms { atomicEnergies[atom] += energy / Double(atoms.count) }
  }
}

private func outer(_ a: Vector3, _ b: Vector3) -> Matrix3 { Matrix3(b * a.x, b * a.y, b * a.z) }
