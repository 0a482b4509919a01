// The one door between dynamics and a force field.

/// Energy, forces and stress of one configuration.
public struct Evaluation: Sendable {
  /// Potential energy in eV.
  public var energy = 0.0
  /// Energy of every atom in eV; they sum to `energy`.
  public var atomicEnergies: [Double] = []
  /// Forces in eV/Angstrom, in the order of the system's atoms.
  public var forces: [Vector3] = []
  /// (1/V) dE/d(strain) in eV/Angstrom^3 (ASE's sign); zero unless every axis is periodic.
  public var stress = Matrix3.zero

  public init() {}
}

/// A force field. It may keep a neighbour list and scratch memory between calls.
public protocol Potential: AnyObject {
  /// Evaluates `system` into `result`, reusing the arrays of `result`.
  func evaluate(_ system: AtomicSystem, into result: inout Evaluation) throws

  /// The positions at which the neighbour list was last built (empty before the first evaluation). The order
  /// of its pairs fixes the order of sums, so an exact restart needs them.
  var neighborListPositions: [Vector3] { get }

  /// Rebuilds the neighbour list as it was built at `positions`, which may come from a file.
  /// - Throws: `RestoreError` for positions that cannot be those of a list in use.
  func rebuildNeighborList(at positions: [Vector3], system: AtomicSystem) throws

  /// What the potential has settled on in this run, by name; an exact restart hands it to `restore`.
  var settings: [String: [Double]] { get }
  /// - Throws: `RestoreError` for values that it cannot have settled on.
  func restore(settings: [String: [Double]]) throws

  /// Forgets what it has settled on and its neighbour list: the next evaluation is that of a potential just made,
  /// whatever was evaluated before. For structures that have nothing to do with one another.
  func forgetConfiguration()
}

extension Potential {
  public var settings: [String: [Double]] { [:] }
  public func restore(settings: [String: [Double]]) throws {}
  public func forgetConfiguration() {}
}

/// What a checkpoint holds of a potential does not belong to its system.
public struct RestoreError: Error, Hashable, Sendable, CustomStringConvertible {
  public let reason: String

  public init(_ reason: String) { self.reason = reason }

  public var description: String { "the checkpoint is damaged: \(reason)" }
}
