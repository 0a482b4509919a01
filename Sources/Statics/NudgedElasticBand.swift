// A path of least energy between two minima, by images of the system that are held apart by springs (`Band`).

import Dynamics
import Foundation
import Kernels
import Lattice

/// The nudged elastic band, with or without an image that climbs to the saddle point.
///
/// Images are evaluated side by side, each by the potential of its thread. All follow the plan of the first image, so that what a
/// potential computes depends on nothing but the image, and neither on how many threads there are nor on what was before.
public struct NudgedElasticBand: Motion {
  public struct Settings: Sendable {
    /// k in eV/Angstrom^2.
    public var spring = 1.0
    public var climbs = true
    /// Largest force on an image in the end, in eV/Angstrom; of an end, at the start.
    public var tolerance = 0.05
    /// Whether ends with a larger force are to be minimised (`minimizeEnds`), and not refused.
    public var minimizesEnds = false
    public var method = MinimizerMethod.fire
    /// In Angstrom.
    public var largestStep = 0.1

    public init() {}
  }

  /// The highest image climbs from the moment when no force on the band is larger, in eV/Angstrom: before, the path is too far
  /// from its place for the highest image to be the right one.
  private static let climbsBelow = 0.5

  public let settings: Settings
  public let steps: Int64
  public private(set) var completedSteps: Int64 = 0
  public internal(set) var images: [AtomicSystem]
  private var evaluations: [Evaluation]
  private var isClimbing = false
  private var minimizer: any Minimizer
  let potentials: [any Potential]
  var plan: EvaluationPlan?
  /// F_NEB of the inner images.
  private var forces: [[Vector3]] = []

  private static let limits = StabilityLimits(force: 1e6)

  /// - Parameters:
  ///   - images: both ends, which stay, and what is between them: one image at least, all of the same atoms and cell.
  ///   - potentials: one for each thread, all alike, each with one thread of its own.
  ///   - plan: by which the run evaluated its forces, where it goes on; nil makes one.
  public init(
    _ images: [AtomicSystem], in potentials: [any Potential], settings: Settings, steps: Int64,
    plan: EvaluationPlan? = nil
  ) {
    precondition(
      images.count > 2 && !potentials.isEmpty, "a band has ends, an image between, and a potential")
    self.images = images.map { image in
      var image = image
      image.velocities = Array(repeating: .zero, count: image.count)
      return image
    }
    self.potentials = potentials
    self.settings = settings
    self.steps = steps
    self.plan = plan
    evaluations = Array(repeating: Evaluation(plan: plan), count: images.count)
    minimizer = settings.method.minimizer(largestStep: settings.largestStep)
  }

  // MARK: - What is seen of it

  public var energies: [Double] { evaluations.map(\.energy) }
  private var highest: Int { energies.indices.max { energies[$0] < energies[$1] } ?? 0 }
  /// Energy of the highest image less that of the first, in eV.
  public var barrier: Double { energies[highest] - energies[0] }
  /// Of the first and the last image, in eV/Angstrom.
  public var endForces: [Double] {
    [0, images.count - 1].map { evaluations[$0].largestForce(of: images[$0]) }
  }
  private var largestForce: Double { forces.lazy.map(\.largest).max() ?? .infinity }

  public var isConverged: Bool {
    largestForce <= settings.tolerance && (isClimbing || !settings.climbs || Band.summit(energies) == nil)
  }
  public var isFinished: Bool { isConverged || completedSteps >= steps }

  public var goal: Goal? {
    Goal(
      isReached: isConverged,
      words: String(
        format:
          "barrier %.4f eV, reaction energy %.4f eV, largest force on the band %.3g eV/Angstrom (asked for %g)",
        barrier, energies[energies.count - 1] - energies[0], largestForce, settings.tolerance))
  }

  public var frame: Frame {
    var evaluation = evaluations[highest]
    evaluation.plan = plan
    return Frame(
      step: completedSteps, system: images[highest], evaluation: evaluation, degreesOfFreedom: 0,
      quantities: [
        "largest_force": largestForce, "barrier": barrier,
        "reaction_energy": energies[energies.count - 1] - energies[0], "highest_image": Double(highest),
      ],
      images: zip(images, evaluations).map { Frame.Image(system: $0, evaluation: $1) })
  }

  // MARK: - Steps

  /// - Throws: `StaticsError.endIsNoMinimum`, or what the potential throws.
  public mutating func prepare() throws {
    if plan == nil {
      var first = Evaluation()
      try potentials[0].evaluate(images[0], into: &first)
      plan = first.plan
    }
    try evaluate(0..<images.count)
    for (end, force) in endForces.enumerated() where force > settings.tolerance && !settings.minimizesEnds {
      throw StaticsError.endIsNoMinimum(isFirst: end == 0, force: force, limit: settings.tolerance)
    }
    findForces()
  }

  public mutating func advance() throws {
    let step = minimizer.displacement(for: forces.flatMap { $0 })
    let count = images[0].count
    for image in 1..<images.count - 1 {
      for atom in 0..<count { images[image].positions[atom] += step[(image - 1) * count + atom] }
    }
    completedSteps += 1
    try evaluate(1..<images.count - 1)
    findForces()
    if settings.climbs, !isClimbing, Band.summit(energies) != nil, largestForce < Self.climbsBelow {
      isClimbing = true
      // What it has learned was about other forces.
      minimizer = settings.method.minimizer(largestStep: settings.largestStep)
      findForces()
    }
  }

  private mutating func findForces() {
    let free = zip(images, evaluations).map { $1.freeForces(of: $0) }
    forces = Band.forces(
      images.map(\.positions), energies, free, spring: settings.spring,
      climber: isClimbing ? Band.summit(energies) : nil)
  }

  /// Evaluates the images `range`, as many at once as there are potentials.
  private mutating func evaluate(_ range: Range<Int>) throws {
    let (images, potentials, plan) = (images, potentials, plan)
    var failures: [(any Error)?] = Array(repeating: nil, count: images.count)
    evaluations.withUnsafeMutableBufferPointer { evaluations in
      failures.withUnsafeMutableBufferPointer { failures in
        parallel(threads: potentials.count, count: range.count) { thread, part in
          for n in part {
            let image = range.lowerBound + n
            evaluations[image].plan = plan
            do { try potentials[thread].evaluate(images[image], into: &evaluations[image]) } catch {
              failures[image] = error
            }
          }
        }
      }
    }
    if let error = failures.compactMap({ $0 }).first { throw error }
    for image in range { try Self.limits.check(evaluations[image], step: nil) }
  }

  // MARK: - State

  public var state: StateTree {
    [
      "minimizer": .group(minimizer.state), "is_climbing": .flags([isClimbing]),
      "positions": .vectors(images.flatMap(\.positions)),
    ]
  }

  public mutating func restore(_ state: StateTree, at step: Int64) throws {
    try state.read { state in
      let count = images[0].count
      let positions = try state.vectors("positions", count: images.count * count)
      for image in images.indices {
        images[image].positions = Array(positions[image * count..<(image + 1) * count])
      }
      isClimbing = try state.flags("is_climbing", count: 1)[0]
      let saved = try state.group("minimizer")
      try StateError.inside("minimizer") { try minimizer.restore(saved, count: (images.count - 2) * count) }
    }
    completedSteps = step
  }
}
