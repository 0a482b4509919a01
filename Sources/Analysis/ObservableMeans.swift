// Means of the numbers that the trajectory holds for every frame, of the density, and of the temperature of each element:
//
//   T_a = sum_{i in a} m_i v_i^2 / (k_B sum_x (N_ax - M_ax/M_x))       M_ax/M_x: its share of the mass, where the whole is at rest
//
// over the axes x. Where an atom is at rest along an axis it is fixed there and does not count.

import Lattice

public struct ObservableMeans: ResumableAccumulator {
  public let composition: Composition
  private let units: [String: String]
  private var series: [String: [Double]] = [:]
  private var frames = 0

  /// Conserved or total energies depend on where zero is, and their errors on how long the run was; they are for `report`.
  private static let leftOut: Set<String> = ["conserved_energy"]

  /// - Parameter units: of the observables, by name.
  public init(_ composition: Composition, units: [String: String]) {
    (self.composition, self.units) = (composition, units)
  }

  public func sample(_ frame: TrajectoryFrame) -> [String: Double] {
    var values = frame.observables.filter { !Self.leftOut.contains($0.key) }
    if frame.system.cell.isFullyPeriodic {
      values["density"] =
        frame.system.masses.reduce(0, +) / frame.system.cell.volume * Units.gramPerCubicCentimetre
    }
    if frame.hasVelocities {
      for (element, temperature) in temperatures(of: frame.system) {
        values["temperature of \(composition.symbol(element))"] = temperature
      }
    }
    return values
  }

  private func temperatures(of system: AtomicSystem) -> [(element: Int, temperature: Double)] {
    // Of each element, along each axis.
    var (squares, masses, counts) = (
      composition.elements.map { _ in Vector3.zero }, composition.elements.map { _ in Vector3.zero },
      composition.elements.map { _ in Vector3.zero }
    )
    var momentum = Vector3.zero
    for (i, v) in system.velocities.enumerated() {
      let (element, m) = (composition.elementOfAtom[i], system.masses[i])
      let moves = Vector3.one.replacing(with: 0, where: v .== 0)
      squares[element] += m * v * v
      masses[element] += m * moves
      counts[element] += moves
      momentum += m * v
    }
    let (mass, square) = (masses.reduce(.zero, +), squares.reduce(.zero, +))
    return composition.elements.indices.compactMap { element in
      var freedom = counts[element].sum()
      // Single precision leaves some momentum.
      for axis in 0..<3
      where mass[axis] > 0 && momentum[axis] * momentum[axis] < 1e-6 * mass[axis] * square[axis] {
        freedom -= masses[element][axis] / mass[axis]
      }
      guard counts[element] != .zero else { return nil }
      return (element, squares[element].sum() / Units.accelerationPerForce / (Units.boltzmann * freedom))
    }
  }

  public mutating func add(_ sample: [String: Double]) {
    frames += 1
    for (name, value) in sample { series[name, default: []].append(value) }
  }

  public var state: StateTree { ["series": .group(StateTree(series.mapValues(StateTree.Value.numbers)))] }

  public mutating func restore(_ state: StateTree, frames: Int) throws {
    self.frames = frames
    series = try state.read { state in
      try state.readGroup("series") { group in
        try group.rest().reduce(into: [:]) { series, entry in
          guard case .numbers(let values) = entry.value, values.count <= frames else {
            throw StateError(entry.key, "is no series of \(frames) numbers at most")
          }
          series[entry.key] = values
        }
      }
    }
  }

  public func findings(_ conditions: Conditions) throws -> Findings {
    guard frames > 0 else { throw AnalysisError.noFrames }
    var notes: [String] = []
    if let energy = series["potential_energy"], energy.count == frames {
      let start = Equilibration.start(of: energy)
      if start > frames / 20, let first = conditions.times.first ?? nil, let level = conditions.times[start] {
        notes.append(
          "the potential energy is level from \(level * 1e-3) ps on: --skip \"\((level - first) * 1e-3) ps\" leaves out what is before"
        )
      }
    }
    // A number that is missing from some frames has no spacing in time.
    let numbers = series.keys.sorted().map { name in
      let values = series[name] ?? []
      return Finding(
        name, unit: units[name] ?? (name == "density" ? "g cm-3" : "K"), meanOf: values,
        interval: values.count == frames ? conditions.interval : nil)
    }
    return Findings(.means, numbers: numbers, notes: notes)
  }
}
