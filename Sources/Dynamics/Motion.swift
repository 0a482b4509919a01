// What changes a system step by step, and what is seen of it between two steps.

import Lattice

/// A way for atoms to change: molecular dynamics, a relaxation, a path of images, a client that is told where to go.
///
///     try motion.prepare()
///     while !motion.isFinished { try motion.advance() }
///
/// A motion owns what it moves, one system or many, and knows the potential that moves it. What observers write, a
/// checkpoint keeps and a person is shown are the business of whoever drives it.
public protocol Motion {
  /// Steps completed since the run began.
  var completedSteps: Int64 { get }
  var isFinished: Bool { get }
  /// The configuration to be looked at after the present step; of several, the one that matters most.
  var frame: Frame { get }
  /// What it has come to of what it is to reach; nil where nothing but a last step is asked for.
  var goal: Goal? { get }
  /// All that the next step needs beside the frame's step and system.
  var state: StateTree { get }

  /// Goes on after `step` steps.
  /// - Throws: `StateError` when `state` was saved by another kind of motion.
  mutating func restore(_ state: StateTree, at step: Int64) throws

  /// Evaluates what the first step starts from; called once, after `restore` where a run goes on.
  mutating func prepare() throws

  /// One step.
  /// - Throws: `DynamicsError` when a limit is passed, or what the potential throws; the motion is then left in the middle
  ///   of a step.
  mutating func advance() throws
}

extension Motion {
  public var goal: Goal? { nil }
}

/// How far a motion is from what it is to reach.
public struct Goal: Sendable, Hashable {
  public let isReached: Bool
  /// The numbers that decide it: `largest force 0.0083 eV/Angstrom (asked for 0.01)`.
  public let words: String

  public init(isReached: Bool, words: String) {
    self.isReached = isReached
    self.words = words
  }
}

/// One configuration between two steps.
public struct Frame: Sendable {
  /// Steps completed since the run began.
  public let step: Int64
  public let system: AtomicSystem
  public let evaluation: Evaluation
  /// Momenta by which a temperature is measured.
  public let degreesOfFreedom: Int
  /// Since the run began, in fs; nil where a step is no time.
  public let time: Double?
  /// The constant of motion in eV that shows the error of the integration; nil where there is none.
  public let conservedQuantity: Double?
  /// What else the motion knows of itself, by name; each says what, in which unit.
  public let quantities: [String: Double]
  /// Of several systems all of them, in their order; empty where there is one.
  public let images: [Image]

  /// A system of several.
  public struct Image: Sendable {
    public let system: AtomicSystem
    public let evaluation: Evaluation

    public init(system: AtomicSystem, evaluation: Evaluation) {
      (self.system, self.evaluation) = (system, evaluation)
    }
  }

  public init(
    step: Int64, system: AtomicSystem, evaluation: Evaluation, degreesOfFreedom: Int, time: Double? = nil,
    conservedQuantity: Double? = nil, quantities: [String: Double] = [:],
    images: [Image] = []
  ) {
    self.step = step
    self.system = system
    self.evaluation = evaluation
    self.degreesOfFreedom = degreesOfFreedom
    self.time = time
    self.conservedQuantity = conservedQuantity
    self.quantities = quantities
    self.images = images
  }

  /// In K.
  public var temperature: Double { system.temperature(degreesOfFreedom: degreesOfFreedom) }
}
