// Losses against mace-torch's own numbers (torch/optimisers.py) and against finite differences.

import Lattice
import MorsePair
import Testing
import Trajectory

@testable import Training

@Suite struct LossTests {
  private func frame(_ atoms: Int, _ labels: Labels) -> LabelledFrame {
    LabelledFrame(system: cluster(1, atoms: atoms), labels: labels)
  }

  private var frames: [LabelledFrame] {
    [
      frame(
        2,
        Labels(
          energy: 1, forces: [[0.1, 0.2, -0.3], [150, 0, 0.5]],
          stress: Matrix3([0.01, 0, 0], [0, 0.02, 0], [0, 0, -0.01]))),
      frame(
        1,
        Labels(energy: -2, forces: [[0, 250, -1]], stress: Matrix3([0, 0, 0], [0, 0, 0.5], [0, 0.5, 0]))),
    ]
  }

  private let predictions = [
    Prediction(
      energy: 1.01, forces: [[0.1, 0.203, -0.4], [150.004, 0, 0.505]],
      stress: Matrix3([0.011, 0, 0], [0, 0.03, 0], [0, 0, -0.03])),
    Prediction(
      energy: -2.5, forces: [[0, 249, -1.003]], stress: Matrix3([0, 0, 0], [0, 0, 0.7], [0, 0.7, 0])),
  ]

  private func value(_ loss: Loss, _ predictions: [Prediction], _ frames: [LabelledFrame]) -> Double {
    let counts = Loss.Counts(of: frames)
    return zip(predictions, frames).reduce(0) { $0 + loss.term(of: $1.0, $1.1, in: counts).value }
  }

  @Test func valuesAreThoseOfMACE() {
    let expected: [(Loss.Kind, Double)] = [
      (.squared, 3.6392497222222224), (.huber, 0.042533194444444325), (.universal, 0.022673194444444322),
    ]
    for (kind, mace) in expected {
      let loss = Loss(kind: kind, energyWeight: 2, forceWeight: 30, stressWeight: 5, delta: 0.01)
      #expect(abs(value(loss, predictions, frames) - mace) < 1e-12, "\(kind)")
    }
  }

  @Test func l1IsThatOfThePaper() {
    // 2 mean |dE|/N + 30 mean |dF| + 5 mean |dS|
    let loss = Loss(kind: .l1, energyWeight: 2, forceWeight: 30, stressWeight: 5)
    let energy = (0.005 + 0.5) / 2
    let forces = (0.003 + 0.1 + 0.004 + 0.005 + 1 + 0.003) / 9
    let stress = (0.001 + 0.01 + 0.02 + 0.4) / 18
    #expect(abs(value(loss, predictions, frames) - (2 * energy + 30 * forces + 5 * stress)) < 1e-12)
  }

  @Test func weightsMultiplyTheTermsOfAFrameAndAbsentLabelsDoNotCount() {
    var weighted = frames
    weighted[0].weight = 0
    weighted[1].weight = 3
    let loss = Loss(kind: .l1, energyWeight: 2, forceWeight: 0, stressWeight: 0)
    #expect(abs(value(loss, predictions, weighted) - 2 * 3 * 0.5 / 2) < 1e-12)
    weighted[0].labels.energy = nil
    #expect(abs(value(loss, predictions, weighted) - 2 * 3 * 0.5) < 1e-12)
  }

  @Test func weightsOfALabelMultiplyItsTermAlone() {
    var weighted = frames
    for n in frames.indices {
      weighted[n].weight = 2
      weighted[n].labelWeights = LabelWeights(energy: 3, forces: 0.5, stress: 7)
    }
    func loss(_ factors: [Double]) -> Loss {
      Loss(
        kind: .huber, energyWeight: 2 * factors[0], forceWeight: 30 * factors[1], stressWeight: 5 * factors[2]
      )
    }
    let expected = value(loss([6, 1, 14]), predictions, frames)
    #expect(abs(value(loss([1, 1, 1]), predictions, weighted) - expected) < 1e-12 * expected)
  }

  @Test(arguments: Loss.Kind.allCases)
  func seedsAreTheDerivativesOfTheValue(_ kind: Loss.Kind) {
    let loss = Loss(kind: kind, energyWeight: 2, forceWeight: 30, stressWeight: 5, delta: 0.01)
    var frames = frames
    frames[0].weight = 1.7
    let counts = Loss.Counts(of: frames)
    let h = 1e-6
    for (frame, prediction) in zip(frames, predictions) {
      let term = loss.term(of: prediction, frame, in: counts)
      func slope(_ change: (inout Prediction, Double) -> Void) -> Double {
        var (up, down) = (prediction, prediction)
        change(&up, h)
        change(&down, -h)
        return (loss.term(of: up, frame, in: counts).value - loss.term(of: down, frame, in: counts).value)
          / (2 * h)
      }
      #expect(abs(slope { $0.energy += $1 } - term.energySeed) < 1e-6)
      for i in 0..<frame.system.count {
        for axis in 0..<3 {
          #expect(abs(slope { $0.forces[i][axis] += $1 } - term.forceSeeds[i][axis]) < 1e-6)
        }
      }
      for a in 0..<3 {
        for b in 0..<3 { #expect(abs(slope { $0.stress[a][b] += $1 } - term.stressSeed[a][b]) < 1e-6) }
      }
    }
  }

  @Test(arguments: Loss.Kind.allCases)
  func gradientOfTheLossIsItsDerivativeByTheParameters(_ kind: Loss.Kind) throws {
    let truth = try MorsePair(isolatedEnergies: [10: -3, 18: -5], file: anyModel())
    let frames = try labelledFrames(3, by: truth)
    let loss = Loss(kind: kind, energyWeight: 2, forceWeight: 3, stressWeight: 5, delta: 0.01)
    let potential = try MorsePair(
      parameters: [0.25, 1.1, 2.1], isolatedEnergies: [10: -3, 18: -5], file: anyModel())
    let counts = Loss.Counts(of: frames)
    func value() throws -> Double {
      try frames.reduce(0) { try $0 + loss.term(of: potential.predict($1.system), $1, in: counts).value }
    }
    var gradient = [0.0, 0, 0]
    for frame in frames {
      let term = try loss.term(of: potential.predict(frame.system), frame, in: counts)
      try potential.addGradient(of: [SeededSystem(frame.system, term)], to: &gradient)
    }
    for k in 0..<3 {
      let h = 1e-7
      let start = potential.parameters[k]
      potential.parameters[k] = start + h
      let up = try value()
      potential.parameters[k] = start - h
      let down = try value()
      potential.parameters[k] = start
      #expect(abs((up - down) / (2 * h) - gradient[k]) < 1e-5 * (1 + abs(gradient[k])), "\(kind) \(k)")
    }
  }

  @Test func predictionsOfTheTestPotentialAreDerivativesOfItsEnergy() throws {
    let potential = try MorsePair(file: anyModel())
    let system = cluster(7)
    let result = try potential.predict(system)
    let h = 1e-5
    for (atom, axis) in [(0, 0), (3, 1), (7, 2)] {
      var (up, down) = (system, system)
      up.positions[atom][axis] += h
      down.positions[atom][axis] -= h
      let slope = try (potential.predict(up).energy - potential.predict(down).energy) / (2 * h)
      #expect(abs(slope + result.forces[atom][axis]) < 1e-7)
    }
    var strain = Matrix3.identity
    strain.x.y += h
    let up = AtomicSystem(
      cell: Cell(vectors: system.cell.vectors * strain), atomicNumbers: system.atomicNumbers,
      masses: system.masses, positions: system.positions.map { $0 * strain })
    let slope = try (potential.predict(up).energy - result.energy) / h / system.cell.volume
    #expect(abs(slope - result.stress.x.y) < 1e-5)
  }
}
