// What analyses see of a trajectory, whichever file it comes from.

import Lattice

/// One frame.
public struct TrajectoryFrame: Sendable {
  /// In fs; nil where the file does not say.
  public var time: Double?
  /// Positions are unwrapped; velocities are zero where there are none.
  public var system: AtomicSystem
  public var hasVelocities: Bool
  /// In e.
  public var charges: [Double]?
  /// Numbers of the frame by name, in the units of H5MD observables of Bloch.
  public var observables: [String: Double]

  public init(
    time: Double?, system: AtomicSystem, hasVelocities: Bool = false, charges: [Double]? = nil,
    observables: [String: Double] = [:]
  ) {
    (self.time, self.system, self.hasVelocities) = (time, system, hasVelocities)
    (self.charges, self.observables) = (charges, observables)
  }
}

/// What all frames of a trajectory have in common, from the first one.
public struct Composition: Sendable {
  public let first: TrajectoryFrame
  /// Atomic numbers, ascending.
  public let elements: [Int]
  /// Atoms of each element.
  public let atoms: [[Int]]
  /// Place in `elements` of every atom.
  public let elementOfAtom: [Int]

  public init(_ first: TrajectoryFrame) {
    self.first = first
    let numbers = first.system.atomicNumbers
    elements = Array(Set(numbers)).sorted()
    let places = Dictionary(uniqueKeysWithValues: elements.enumerated().map { ($1, $0) })
    elementOfAtom = numbers.map { places[$0] ?? 0 }
    var atoms = elements.map { _ in [Int]() }
    for (atom, element) in elementOfAtom.enumerated() { atoms[element].append(atom) }
    self.atoms = atoms
  }

  public var atomCount: Int { first.system.count }

  /// Place in `elements` of an atomic number.
  /// - Throws: `AnalysisError`.
  func index(of number: Int) throws -> Int {
    guard let index = elements.firstIndex(of: number) else {
      let present = elements.indices.map(symbol).joined(separator: ", ")
      throw AnalysisError(
        "there is no \(Elements.symbol(number) ?? "?") in the trajectory",
        help: "its elements are \(present)", isUsage: true)
    }
    return index
  }

  func symbol(_ element: Int) -> String { Elements.symbol(elements[element]) ?? "?" }

  /// Pairs of elements, each once.
  var pairs: [(a: Int, b: Int)] {
    elements.indices.flatMap { a in elements.indices.filter { $0 >= a }.map { (a, $0) } }
  }

  func name(_ pair: (a: Int, b: Int)) -> String { "\(symbol(pair.a))-\(symbol(pair.b))" }

  /// Place in `pairs` of two elements.
  func pairIndex(_ a: Int, _ b: Int) -> Int {
    let (low, high) = (min(a, b), max(a, b))
    return low * elements.count - low * (low - 1) / 2 + high - low
  }

  /// - Throws: `AnalysisError` unless every axis is periodic.
  func requireVolume(for purpose: String) throws {
    guard first.system.cell.isFullyPeriodic else {
      throw AnalysisError(
        "\(purpose) needs a volume, and the cell has an open axis",
        help: "it has a meaning for three periodic axes only")
    }
  }
}
