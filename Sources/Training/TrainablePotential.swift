// What training adjusts, frame by frame: energy, forces and stress as functions of a vector theta of parameters, and the
// derivative of any sum of them. The loss of a frame is a function of its predictions alone, so with
//
//   c = dL/dE,   f_i = dL/dF_i,   s = dL/dsigma
//
// its gradient is  dL/dtheta = d/dtheta [ c E + sum_i f_i . F_i + s : sigma ]  at fixed c, f, s: the seeds.

import LRMACEModel
import Lattice

/// One array of parameters.
public struct ParameterBlock: Sendable, Hashable {
  /// As in the model's file: `layers/0/radial/1`.
  public let name: String
  /// Where it lies in the vector of parameters, row-major.
  public let range: Range<Int>
  public let shape: [Int]
  /// Whether weight decay applies to it.
  public let decays: Bool

  public init(name: String, range: Range<Int>, shape: [Int], decays: Bool) {
    precondition(shape.reduce(1, *) == range.count)
    self.name = name
    self.range = range
    self.shape = shape
    self.decays = decays
  }
}

/// What a potential says of one frame.
public struct Prediction: Sendable, Equatable {
  /// eV.
  public var energy: Double
  /// eV/Angstrom, [N] in the order of the system's atoms.
  public var forces: [Vector3]
  /// (1/V) dE/d(strain) in eV/Angstrom^3 (ASE's sign), symmetric; zero unless every axis is periodic.
  public var stress: Matrix3

  public init(energy: Double, forces: [Vector3], stress: Matrix3) {
    self.energy = energy
    self.forces = forces
    self.stress = stress
  }

  /// Whether every number of it is one.
  public var isFinite: Bool {
    energy.isFinite && forces.allSatisfy { $0.sum().isFinite }
      && (stress.x + stress.y + stress.z).sum().isFinite
  }
}

/// Atoms with the derivatives of a loss by what is predicted of them.
public struct SeededSystem: Sendable {
  public var system: AtomicSystem
  /// c.
  public var energy: Double
  /// f, [N].
  public var forces: [Vector3]
  /// s, symmetric; zero unless every axis is periodic.
  public var stress: Matrix3

  public init(_ system: AtomicSystem, energy: Double, forces: [Vector3], stress: Matrix3) {
    (self.system, self.energy, self.forces, self.stress) = (system, energy, forces, stress)
  }
}

/// A potential with parameters.
///
/// What it computes is a function of the systems of a call and of `parameters`, bit for bit with the same number of threads,
/// which are its own affair.
public protocol TrainablePotential: AnyObject {
  /// They cover the vector of parameters, in its order.
  var blocks: [ParameterBlock] { get }

  /// The present values; setting them makes anew what depends on them.
  var parameters: [Double] { get set }

  /// Energy, forces and stress of each of `systems` at `parameters`.
  func predict(_ systems: [AtomicSystem]) throws -> [Prediction]

  /// Adds to `gradient`, as long as `parameters`, the derivative by the parameters of the sum over `batch` of
  /// `energy E + sum_i forces_i . F_i + stress : stress`.
  func addGradient(of batch: [SeededSystem], to gradient: inout [Double]) throws

  /// Where these systems lie among what a model can be asked, at `parameters`; nil where this potential cannot tell, or where
  /// it was interrupted.
  func domain(
    of systems: [AtomicSystem], until interruption: () -> Bool
  ) throws -> Model.TrainingDomain?

  /// The model with these parameters, for a file.
  /// - Parameters:
  ///   - provenance: trained on what, by what.
  ///   - errors: reached on unseen data, in words.
  func model(with parameters: [Double], name: String, provenance: String, errors: String?) -> Model
}

extension TrainablePotential {
  public func domain(
    of systems: [AtomicSystem], until interruption: () -> Bool
  ) throws -> Model.TrainingDomain? { nil }

  public func predict(_ system: AtomicSystem) throws -> Prediction { try predict([system])[0] }

  /// Calls `body` for every frame in turn, some dozens of which are predicted at a time.
  ///
  /// - Returns: whether no interruption came between.
  func forEachPrediction(
    of frames: [LabelledFrame], until interruption: () -> Bool = { false },
    _ body: (Prediction, LabelledFrame) throws -> Void
  ) throws -> Bool {
    let group = 32
    for first in stride(from: 0, to: frames.count, by: group) {
      if interruption() { return false }
      let part = frames[first..<min(first + group, frames.count)]
      for (prediction, frame) in zip(try predict(part.map(\.system)), part) { try body(prediction, frame) }
    }
    return true
  }
}
