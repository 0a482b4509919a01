// FIRE 2.0, the fast inertial relaxation engine as revised by Guenole et al. 2020, doi 10.1016/j.commatsci.2020.109584,
// algorithm 2, integrated by the semi-implicit Euler method that they recommend:
//
//   P = F . v
//   P > 0:   after N_delay steps of it dt <- min(dt f_inc, dt_max), alpha <- alpha f_alpha
//   else:    dt <- max(dt f_dec, dt_min), alpha <- alpha_start, r <- r - v dt / 2, v <- 0
//   v <- v + F dt;   v <- (1 - alpha) v + alpha F |v| / |F|;   r <- r + v dt
//
// Every coordinate has the mass of one u, as in ASE: dt is in Angstrom (u/eV)^(1/2), 10.18 fs. Going back after P <= 0 is a
// step of its own here, so that every step has one evaluation of the forces.

import Lattice

/// FIRE 2.0: robust, also far from a minimum and where forces are no gradient.
public struct FIRE: Minimizer {
  /// N_delay, f_inc, f_dec, f_alpha and alpha_start of the paper's table 1; dt as in ASE, dt_max and dt_min as multiples of it.
  private static let delay = 20
  private static let (growth, shrinkage, decay) = (1.1, 0.5, 0.99)
  private static let firstMixing = 0.25
  private static let firstTimestep = 0.1
  private static let timesteps = 0.02 * firstTimestep...10 * firstTimestep

  private let largestStep: Double
  private var timestep = firstTimestep
  /// alpha.
  private var mixing = firstMixing
  private var downhillSteps = 0
  private var velocities: [Vector3] = []

  public init(largestStep: Double) { self.largestStep = largestStep }

  public mutating func displacement(for forces: [Vector3]) -> [Vector3] {
    if velocities.isEmpty { velocities = Array(repeating: .zero, count: forces.count) }
    if dot(forces, velocities) > 0 {
      downhillSteps += 1
      if downhillSteps > Self.delay {
        timestep = min(timestep * Self.growth, Self.timesteps.upperBound)
        mixing *= Self.decay
      }
    } else if velocities.contains(where: { $0 != .zero }) {
      downhillSteps = 0
      timestep = max(timestep * Self.shrinkage, Self.timesteps.lowerBound)
      mixing = Self.firstMixing
      let back = velocities.scaled(by: -timestep / 2)
      velocities = Array(repeating: .zero, count: forces.count)
      return back.limited(to: largestStep)
    }
    velocities = velocities.adding(forces, times: timestep)
    let (speed, force) = (velocities.norm, forces.norm)
    if force > 0 {
      velocities = velocities.scaled(by: 1 - mixing).adding(forces, times: mixing * speed / force)
    }
    return velocities.scaled(by: timestep).limited(to: largestStep)
  }

  public var state: StateTree {
    [
      "method": .text("fire"), "timestep": .numbers([timestep]), "mixing": .numbers([mixing]),
      "downhill_steps": .integers([Int64(downhillSteps)]), "velocities": .vectors(velocities),
    ]
  }

  public mutating func restore(_ state: StateTree, count: Int) throws {
    try state.read { state in
      try state.require("method", "fire")
      timestep = try state.number("timestep")
      mixing = try state.number("mixing")
      downhillSteps = Int(clamping: try state.integer("downhill_steps"))
      velocities = try state.vectors("velocities")
      guard velocities.isEmpty || velocities.count == count, (0...Int.max / 2).contains(downhillSteps) else {
        throw StateError("velocities", "are not those of this system")
      }
    }
  }
}

extension StateReader {
  /// - Throws: `StateError` where the text `name` is another one.
  mutating func require(_ name: String, _ expected: String) throws {
    let found = try text(name)
    guard found == expected else { throw StateError(name, "is \(found), not \(expected)") }
  }
}
