// A whole training, step by step, against the same loop in torch (torch/training.py).

import Foundation
import Lattice
import MorsePair
import Testing
import Trajectory

@testable import Training

private struct TorchTraining: Decodable {
  let losses: [Double]
  let validation: [Double]
  let parameters: [Double]
  let average: [Double]
}

/// `frame` of torch/training.py.
private func frame(_ n: Int) -> LabelledFrame {
  let count = 4 + n % 2
  let shift = Vector3(0, 1, 2)
  func wave(_ f: (Double) -> Double, _ phase: Double) -> Vector3 {
    Vector3(f(phase + shift.x), f(phase + shift.y), f(phase + shift.z))
  }
  let positions = (0..<count).map { (i: Int) -> Vector3 in
    let site = Vector3(2.1 * Double(i % 2), 2.1 * Double(i / 2 % 2), 2.2 * Double(i / 4))
    return site + wave(sin, 7 * Double(n) + 3 * Double(i)) * 0.2
  }
  let forces = (0..<count).map { wave(cos, 5 * Double(n) + 2 * Double($0)) * 0.3 }
  return LabelledFrame(
    system: AtomicSystem(
      cell: .free, atomicNumbers: Array(repeating: 18, count: count),
      masses: Array(repeating: 40, count: count), positions: positions),
    labels: Labels(energy: sin(3 * Double(n)) - 1, forces: forces), number: n + 1)
}

@Test func everyLossOfATrainingIsThatOfTorch() throws {
  let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
    "torch/training.json")
  let torch = try JSONDecoder().decode(TorchTraining.self, from: Data(contentsOf: file))
  let settings = TrainingSettings(
    loss: Loss(kind: .l1, energyWeight: 10, forceWeight: 1),
    secondStage: .init(start: 0.7, loss: Loss(kind: .l1, energyWeight: 50, forceWeight: 1)),
    adam: Adam(kind: .adamw, decay: 0.02), largestNorm: 2,
    schedule: RateSchedule(peak: 5e-3, warmUp: 10, shape: .cosine(end: 0.01)), batch: BatchSize(.frames, 2),
    epochs: 17, seed: 1)
  let potential = try MorsePair(parameters: [0.2, 1.2, 2.1], file: anyModel())
  var trainer = Trainer(
    potential, settings: settings, train: (0..<6).map(frame), valid: [frame(6), frame(7)],
    selection: ParameterSelection(potential.blocks))
  var (losses, validation) = ([Double](), [Double]())
  while !trainer.isFinished {
    switch try trainer.advance() {
    case .step(let loss): losses.append(loss)
    case .epoch(let record, _): validation.append(record.validLoss ?? .nan)
    default: Issue.record("neither a step nor an epoch")
    }
  }
  func compare(_ own: [Double], _ other: [Double], _ what: String) {
    #expect(own.count == other.count)
    for (n, (a, b)) in zip(own, other).enumerated() {
      #expect(abs(a - b) < 1e-10 * abs(b), "\(what) \(n): \(a), torch \(b)")
    }
  }
  compare(losses, torch.losses, "loss")
  compare(validation, torch.validation, "validation")
  compare(trainer.state.weights.parameters, torch.parameters, "parameter")
  compare(trainer.state.weights.average, torch.average, "average")
}
