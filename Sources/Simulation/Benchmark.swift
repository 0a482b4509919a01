// Time of a step as a run spends it: forces, neighbour list and motion, by part.

import Deck
import Dynamics
import Foundation
import Lattice
import Trajectory

/// The result of timing a potential.
public struct Benchmark: Encodable {
  public let microsecondsPerAtomStep: Double
  public let atoms: Int
  public let threads: Int
  public let precision: String
  public let steps: Int
  public let peakMemoryBytes: Int
  /// How the attention was evaluated; nil for a model without it.
  public let attention: String?
  /// Microseconds per atom and step in each part; they sum to the mean, the headline is the median of
  /// repeats.
  public let parts: [String: Double]

  private static let repeats = 7
  private static let timestep = 0.5
  private static let temperature = 300.0

  enum CodingKeys: String, CodingKey {
    case microsecondsPerAtomStep = "microseconds_per_atom_step"
    case atoms, threads, precision, steps, attention, parts
    case peakMemoryBytes = "peak_memory_bytes"
  }

  /// Times NVE steps of 0.5 fs from 300 K: seven repeats of as many steps as fill half a second, after a
  /// warm-up.
  ///
  /// The system is the first frame of the extended XYZ file `structure`, repeated `copies` times along its
  /// vectors.
  public init(
    structure: String, copies: [Int], forceField: ForceField, threads: Int, precision: String
  ) throws {
    var system = try ExtendedXYZ.read(structure).system
    try forceField.requireSpecies(of: system, file: structure)
    if let problem = system.replicationProblem(copies) {
      throw FileError(file: structure, problem.message, help: problem.help)
    }
    system = system.replicated(copies)
    let freedom = system.degreesOfFreedom(conservingMomentum: true)
    system.drawVelocities(temperature: Self.temperature, degreesOfFreedom: freedom, seed: 1)
    var integrator = try VelocityVerlet(timestep: Self.timestep)
    var evaluation = Evaluation()
    func run(_ steps: Int) throws -> Double {
      let start = ContinuousClock.now
      for _ in 0..<steps { try integrator.step(&system, forceField.potential, &evaluation) }
      return seconds(ContinuousClock.now - start)
    }
    try integrator.prepare(system, forceField.potential, &evaluation)
    let warmUp = try run(3) / 3
    let stepsPerRepeat = max(1, min(1000, Int(0.5 / max(warmUp, 1e-9))))
    let before = forceField.timings()
    let times = try (0..<Self.repeats).map { _ in try run(stepsPerRepeat) }.sorted()
    let after = forceField.timings()

    steps = Self.repeats * stepsPerRepeat
    let perAtomStep = 1e6 / Double(system.count)
    microsecondsPerAtomStep = times[Self.repeats / 2] / Double(stepsPerRepeat) * perAtomStep
    var parts: [String: Double] = [:]
    for (a, b) in zip(before, after) { parts[b.part] = (b.seconds - a.seconds) / Double(steps) * perAtomStep }
    let whole = times.reduce(0, +) / Double(steps) * perAtomStep
    parts["motion"] = max(0, whole - parts.values.reduce(0, +))
    self.parts = parts
    atoms = system.count
    self.threads = threads
    self.precision = precision
    peakMemoryBytes = peakMemory()
    attention = forceField.attention()
  }

  /// The result for a person.
  public var table: String {
    let rows = parts.sorted { $0.value > $1.value }.map { part, time in
      "  " + part.padding(toLength: 14, withPad: " ", startingAt: 0)
        + String(format: "%9.3f  %5.1f %%", time, time / parts.values.reduce(0, +) * 100)
    }
    return """
      \(atoms) atoms, \(threads) thread\(threads == 1 ? "" : "s"), \(precision) precision, \(steps) steps
      \(String(format: "%.3f", microsecondsPerAtomStep)) microseconds per atom and step, of which
      \(rows.joined(separator: "\n"))
      \(attention.map { "attention by \($0)\n" } ?? "")peak memory \(bytes(peakMemoryBytes))
      """
  }

  /// The result as one JSON object.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}
