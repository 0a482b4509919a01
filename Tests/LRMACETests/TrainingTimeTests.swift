// Seconds of what a training step does for one frame. Run where timings are asked for:
//   BLOCH_BENCHMARK=1 BLOCH_MODEL=... BLOCH_STRUCTURE=... swift test ... --filter TrainingTimeTests

import Foundation
import Lattice
import Testing

@testable import LRMACE
@testable import LRMACEModel

@Suite struct TrainingTimeTests {
  private static let environment = ProcessInfo.processInfo.environment

  @Test(.enabled(if: environment["BLOCH_BENCHMARK"] != nil && environment["BLOCH_MODEL"] != nil))
  func timeOfAFrame() throws {
    let model = try Model(contentsOf: Self.environment["BLOCH_MODEL"] ?? "")
    let text = try String(contentsOfFile: Self.environment["BLOCH_STRUCTURE"] ?? "", encoding: .utf8)
    let lines = text.split(separator: "\n")
    var (numbers, positions): ([Int], [Vector3]) = ([], [])
    for line in lines[2..<194] {
      let f = line.split(separator: " ")
      numbers.append(f[0] == "O" ? 8 : 1)
      positions.append(Vector3(Double(f[1])!, Double(f[2])!, Double(f[3])!))
    }
    let system = AtomicSystem(
      cell: Cell(vectors: .identity * 12.444661140441895), atomicNumbers: numbers,
      masses: numbers.map { Elements.mass($0) ?? 1 }, positions: positions)
    let seeds = positions.map { Vector3($0.x - 6, $0.y - 6, $0.z - 6) * 1e-3 }
    for threads in [1, 2] {
      let potential = try LRMACEPotential(differentiable: model, precision: .mixed, threads: threads)
      let clock = ContinuousClock()
      for _ in 0..<4 {
        var result = Evaluation()
        let a = try clock.measure {
          for _ in 0..<5 {
            result = Evaluation()
            try potential.evaluate(system, into: &result)
          }
        }
        var gradient = potential.zeroGradient()
        let b = try clock.measure {
          for _ in 0..<5 {
            try potential.addGradient(
              of: system, plan: result.plan, energySeed: 1, forceSeeds: seeds, stressSeed: .zero,
              to: &gradient)
          }
        }
        var weights: [Double] = []
        let c = clock.measure { weights = potential.finished(gradient) }
        let d = clock.measure { potential.load(model.weights) }
        print(
          "threads \(threads): evaluate \(a / 5), gradient \(b / 5), finish \(c), load \(d)", weights.count)
      }
    }
  }
}
