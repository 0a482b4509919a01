// A potential of three parameters whose every derivative can be written down, to train in tests:
//
//   E = sum_i E0 + 1/2 sum_ij phi(r_ij),    phi = D ( e^{-2 a (r - r0)} - 2 e^{-a (r - r0)} ) (1 - r^2/r_c^2)^3
//
// with D in eV, a in 1/Angstrom and r0 in Angstrom (Morse, doi 10.1103/PhysRev.34.57), the same for all elements.

import Foundation
import LRMACEModel
import Lattice
import Training

public final class MorsePair: TrainablePotential {
  public let blocks = [
    ParameterBlock(name: "pair/depth", range: 0..<1, shape: [1], decays: true),
    ParameterBlock(name: "pair/shape", range: 1..<3, shape: [2], decays: false),
  ]
  /// D, a, r0.
  public var parameters: [Double]
  /// eV.
  private let isolatedEnergies: [Int: Double]
  private let file: Model
  /// Of a system whose predictions are to be NaN.
  public var isPoisonous: (AtomicSystem, [Double]) -> Bool = { _, _ in false }

  private let cutoff = 5.0

  /// - Parameter file: what is written for it.
  public init(parameters: [Double] = [0.2, 1.2, 2], isolatedEnergies: [Int: Double] = [:], file: Model) {
    self.parameters = parameters
    self.isolatedEnergies = isolatedEnergies
    self.file = file
  }

  public func predict(_ systems: [AtomicSystem]) throws -> [Prediction] {
    try systems.map { try prediction(of: $0) }
  }

  private func prediction(of system: AtomicSystem) throws -> Prediction {
    var result = Prediction(
      energy: system.atomicNumbers.reduce(0) { $0 + (isolatedEnergies[$1] ?? 0) },
      forces: Array(repeating: .zero, count: system.count), stress: .zero)
    let volume = system.cell.volume
    try forEachPair(system) { i, d in
      let r = length(d)
      let (phi, slope) = (value(r), slope(r))
      result.energy += phi.0 / 2
      result.forces[i] -= d * (slope.0 / r)
      guard system.cell.isFullyPeriodic else { return }
      for a in 0..<3 { result.stress[a] += d * (d[a] * slope.0 / r / 2 / volume) }
    }
    if isPoisonous(system, parameters) { result.energy = .nan }
    return result
  }

  public func addGradient(of batch: [SeededSystem], to gradient: inout [Double]) throws {
    for seeded in batch { try addGradient(of: seeded, to: &gradient) }
  }

  private func addGradient(of seeded: SeededSystem, to gradient: inout [Double]) throws {
    let (system, energySeed, forceSeeds, stressSeed) = (
      seeded.system, seeded.energy, seeded.forces, seeded.stress
    )
    try forEachPair(system) { i, d in
      let r = length(d)
      let strain = system.cell.isFullyPeriodic ? dot(d * stressSeed, d) / (2 * system.cell.volume) : 0
      let (phi, slope) = (value(r).1, slope(r).1)
      for k in 0..<3 {
        gradient[k] += energySeed * phi[k] / 2 + slope[k] * (strain - dot(forceSeeds[i], d)) / r
      }
    }
  }

  public func model(with parameters: [Double], name: String, provenance: String, errors: String?) -> Model {
    var model = file
    (model.name, model.provenance, model.errors) = (name, provenance, errors)
    return model
  }

  // MARK: - One pair

  private func forEachPair(_ system: AtomicSystem, _ body: (Int, Vector3) -> Void) throws {
    var list = NeighborList(cutoff: cutoff, skin: 0)
    try list.build(positions: system.positions, cell: system.cell)
    for i in 0..<system.count {
      for pair in list.pairs(of: i) {
        let d = list.displacement(pair, of: i, positions: system.positions, cell: system.cell)
        if dot(d, d) < cutoff * cutoff { body(i, d) }
      }
    }
  }

  /// (1 - r^2/r_c^2)^3 and its slope.
  private func envelope(_ r: Double) -> (Double, Double) {
    let s = 1 - r * r / (cutoff * cutoff)
    return (s * s * s, -6 * r / (cutoff * cutoff) * s * s)
  }

  /// phi and its derivatives by D, a and r0.
  private func value(_ r: Double) -> (Double, Vector3) {
    let (depth, a, r0) = (parameters[0], parameters[1], parameters[2])
    let x = exp(-a * (r - r0))
    let (c, _) = envelope(r)
    let byX = depth * (2 * x - 2)
    return (
      depth * (x * x - 2 * x) * c,
      Vector3(x * x - 2 * x, byX * -(r - r0) * x, byX * a * x) * c
    )
  }

  /// dphi/dr and its derivatives by D, a and r0.
  private func slope(_ r: Double) -> (Double, Vector3) {
    let (depth, a, r0) = (parameters[0], parameters[1], parameters[2])
    let x = exp(-a * (r - r0))
    let (c, dc) = envelope(r)
    // w = x^2 - 2 x, w' = -2 a (x^2 - x)
    let (w, dw) = (x * x - 2 * x, -2 * a * (x * x - x))
    let byA = -(r - r0) * x
    let byR0 = a * x
    func derivative(_ dx: Double, _ da: Double) -> Double {
      depth * ((-2 * da * (x * x - x) - 2 * a * (2 * x - 1) * dx) * c + (2 * x - 2) * dx * dc)
    }
    return (
      depth * (dw * c + w * dc), Vector3(dw * c + w * dc, derivative(byA, 1), derivative(byR0, 0))
    )
  }
}
