// The ends of a band, brought to rest before there is a path between them.

import Dynamics
import Lattice

extension NudgedElasticBand {
  /// What the minimisation of an end came to.
  public struct MinimizedEnd: Sendable {
    public let isFirst: Bool
    public let steps: Int64
    /// Largest forces before and after it, in eV/Angstrom, and by how much it changed the energy, in eV.
    public let forces: (before: Double, after: Double)
    public let energyChange: Double
    /// Of the atom that went furthest, in Angstrom.
    public let displacement: Double
  }

  /// Minimises the ends whose forces are larger than the tolerance, in so many steps each at most, and lays a new path between
  /// them. Both follow the plan of the first one, as all images do.
  /// - Parameters:
  ///   - path: positions of all images between the first image and those of the last one.
  ///   - isInterrupted: asked after every step.
  /// - Returns: what was minimised; nil after an interruption.
  /// - Throws: `StaticsError.endIsNoMinimum` of an end that has not come to rest, `StaticsError.endsAreOne`.
  public mutating func minimizeEnds(
    steps: Int64 = 1000, path: (_ first: AtomicSystem, _ last: [Vector3]) -> [[Vector3]],
    isInterrupted: () -> Bool = { false }
  ) throws -> [MinimizedEnd]? {
    var minimized: [MinimizedEnd] = []
    for end in [0, images.count - 1] {
      var search = Minimization(
        images[end], by: .lbfgs, largestStep: settings.largestStep, in: potentials[0],
        tolerance: settings.tolerance, steps: steps, plan: plan)
      try search.prepare()
      let start = search.frame.evaluation
      plan = start.plan
      while !search.isFinished {
        try search.advance()
        if isInterrupted() { return nil }
      }
      let (rest, force) = (search.system, search.frame.evaluation.largestForce(of: search.system))
      guard search.isConverged else {
        throw StaticsError.endIsNoMinimum(isFirst: end == 0, force: force, limit: settings.tolerance)
      }
      guard search.completedSteps > 0 else { continue }
      minimized.append(
        MinimizedEnd(
          isFirst: end == 0, steps: search.completedSteps,
          forces: (start.largestForce(of: rest), force),
          energyChange: search.frame.evaluation.energy - start.energy,
          displacement: rest.positions.adding(images[end].positions, times: -1).largest))
      images[end].positions = rest.positions
    }
    guard !minimized.isEmpty else { return minimized }
    let last = images[images.count - 1].positions
    guard last.adding(images[0].positions, times: -1).largest > Self.leastDistance else {
      throw StaticsError.endsAreOne
    }
    for (image, positions) in path(images[0], last).enumerated() { images[image].positions = positions }
    return minimized
  }

  /// Of the atom that is farthest from its place in the other end, in Angstrom: nearer ends are one minimum.
  private static let leastDistance = 0.1
}
