// Time of a step as a run spends it: forces, neighbour list and motion, by part. Numbers of threads are compared
// within one process, in short turns, because a shared machine changes its speed from one second to the next.

import Deck
import Diagnostics
import Dynamics
import Foundation
import Lattice
import Trajectory

/// The result of timing a potential on one number of threads.
public struct Benchmark: Encodable, Sendable {
  /// Median over turns.
  public let microsecondsPerAtomStep: Double
  public let atoms: Int
  public let threads: Int
  /// Times the speed of the first number of threads, median over turns.
  public let speedup: Double
  public let precision: String
  public let steps: Int
  /// Of the process, all numbers of threads together.
  public let peakMemoryBytes: Int
  /// How the attention was evaluated; nil for a model without it.
  public let attention: String?
  /// Microseconds per atom and step in each part; they sum to the mean, the headline is the median.
  public let parts: [String: Double]
  /// 1e9 floating-point operations per second and thread, in the parts where the operations are known.
  public let gigaflops: [String: Double]
  /// What one core reaches in this precision with multiply-adds in its registers, in 1e9 per second; median of a try
  /// before every turn.
  public let peakGigaflops: Double?
  /// Of several ranks.
  public let ranks: RankTraffic?

  private static let turnLength = 0.2  // s
  /// Turns of each number of threads; fewer where one step takes longer than a turn.
  private static let (turns, longTurns) = (17, 7)
  private static let timestep = 0.5
  private static let temperature = 300.0

  enum CodingKeys: String, CodingKey {
    case microsecondsPerAtomStep = "microseconds_per_atom_step"
    case atoms, threads, speedup, precision, steps, attention, parts, gigaflops, ranks
    case peakGigaflops = "peak_gigaflops"
    case peakMemoryBytes = "peak_memory_bytes"
  }

  /// Times NVE steps of 0.5 fs from 300 K, one result for each of the force fields, which differ in their threads.
  ///
  /// The system is the first frame of the file `structure`, repeated `copies` times along its vectors.
  public static func results(
    structure: String, copies: [Int], forceFields: [(threads: Int, forceField: ForceField)], precision: String
  ) throws -> [Benchmark] {
    guard var system = try StructureReader(structure).next()?.system else { return [] }
    for (_, forceField) in forceFields { try forceField.requireSpecies(of: system, file: structure) }
    let group = forceFields.first?.forceField.ranks
    if let problem = system.replicationProblem(copies, ranks: group?.count ?? 1) {
      throw FileError(file: structure, problem.message, help: problem.help)
    }
    system = system.replicated(copies)
    let freedom = system.degreesOfFreedom(conservingMomentum: VelocityVerlet.conservesMomentum)
    system.drawVelocities(temperature: temperature, degreesOfFreedom: freedom, seed: 1)

    var runs = try forceFields.map { try TimedRun(system, $0.forceField, timestep: timestep) }
    var stepsPerTurn: [Int] = []
    for n in runs.indices {
      let warmUp = try runs[n].time(steps: 3) / 3
      stepsPerTurn.append(max(1, min(1000, Int(turnLength / max(warmUp, 1e-9)))))
    }
    let turns = stepsPerTurn.contains(1) ? longTurns : turns
    let before = forceFields.map { $0.forceField.timings() }
    let reportsBefore = group?.reports() ?? []
    // Seconds per step, [run][turn].
    var times = [[Double]](repeating: [], count: runs.count)
    var peaks: [Double] = []
    for _ in 0..<turns {
      for n in runs.indices {
        if let now = forceFields[n].forceField.peakOperationsPerSecond() { peaks.append(now) }
        times[n].append(try runs[n].time(steps: stepsPerTurn[n]) / Double(stepsPerTurn[n]))
      }
    }
    let traffic = group.map {
      RankTraffic(
        $0, since: reportsBefore, steps: turns * stepsPerTurn.reduce(0, +), atoms: system.count)
    }
    let perAtomStep = 1e6 / Double(system.count)
    return forceFields.indices.map { n in
      let (threads, forceField) = forceFields[n]
      var parts: [String: Double] = [:]
      for (a, b) in zip(before[n], forceField.timings()) {
        parts[b.part] = (b.seconds - a.seconds) / Double(turns * stepsPerTurn[n]) * perAtomStep
      }
      let gigaflops = Dictionary(
        uniqueKeysWithValues: forceField.operations().compactMap { part, count in
          parts[part].map { (part, count * 1e-3 / ($0 * Double(system.count * threads))) }
        })
      let mean = times[n].reduce(0, +) / Double(turns) * perAtomStep
      parts["motion"] = max(0, mean - parts.values.reduce(0, +))
      return Benchmark(
        microsecondsPerAtomStep: median(times[n]) * perAtomStep, atoms: system.count, threads: threads,
        speedup: median(zip(times[0], times[n]).map { $0 / $1 }), precision: precision,
        steps: turns * stepsPerTurn[n], peakMemoryBytes: peakMemory(), attention: forceField.attention(),
        parts: parts, gigaflops: gigaflops, peakGigaflops: peaks.isEmpty ? nil : median(peaks) * 1e-9,
        ranks: traffic)
    }
  }

  private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

  /// The result for a person.
  public var table: String {
    let rows = parts.sorted { $0.value > $1.value }.map { part, time in
      "  " + part.padding(toLength: 14, withPad: " ", startingAt: 0)
        + String(format: "%9.3f  %5.1f %%", time, time / parts.values.reduce(0, +) * 100) + speed(part)
    }
    return """
      \(atoms) atoms, \(threads) thread\(threads == 1 ? "" : "s"), \(precision) precision, \(steps) steps
      \(String(format: "%.3f", microsecondsPerAtomStep)) microseconds per atom and step, of which
      \(rows.joined(separator: "\n"))
      \(peakGigaflops.map { String(format: "one core reaches %.1f GFlop/s with multiply-adds in registers\n", $0) } ?? "")\
      \(attention.map { "attention by \($0)\n" } ?? "")peak memory \(bytes(Double(peakMemoryBytes)))\
      \(ranks.map { "\n\($0)" } ?? "")
      """
  }

  /// GFlop/s of a part and its share of the peak, where they are known.
  private func speed(_ part: String) -> String {
    guard let rate = gigaflops[part], let peak = peakGigaflops else { return "" }
    return String(format: "  %6.1f GFlop/s  %3.0f %% of the peak", rate, rate / peak * 100)
  }

  /// Results for a person, and how many times faster the later ones are than the first.
  public static func table(_ results: [Benchmark]) -> String {
    let comparisons = results.dropFirst().map {
      String(format: "%d to %d threads: %.2f times the speed", results[0].threads, $0.threads, $0.speedup)
    }
    return (results.map(\.table) + (comparisons.isEmpty ? [] : [comparisons.joined(separator: "\n")]))
      .joined(separator: "\n\n")
  }

  /// One result as a JSON object, several as an array of them.
  public static func json(_ results: [Benchmark]) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    let data = results.count == 1 ? try encoder.encode(results[0]) : try encoder.encode(results)
    return String(decoding: data, as: UTF8.self)
  }
}

/// A trajectory that goes on whenever its turn comes.
private struct TimedRun {
  private var system: AtomicSystem
  private var integrator: VelocityVerlet
  private var evaluation = Evaluation()
  private let potential: any Potential

  init(_ system: AtomicSystem, _ forceField: ForceField, timestep: Double) throws {
    self.system = system
    potential = forceField.potential
    integrator = try VelocityVerlet(timestep: timestep)
    try integrator.prepare(system, potential, &evaluation)
  }

  mutating func time(steps: Int) throws -> Double {
    let start = ContinuousClock.now
    for _ in 0..<steps { try integrator.step(&system, potential, &evaluation) }
    return seconds(ContinuousClock.now - start)
  }
}
