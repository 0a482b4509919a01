// Gradients and the first steps of a training against PyTorch's double backward (torch/gradients.py).

import Foundation
import HDF5
import Lattice
import Testing
import Trajectory

@testable import LRMACE
@testable import LRMACEModel
@testable import Training

/// What PyTorch computed with one small model.
private struct TorchNumbers {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
    "torch")
  static let names = [
    "t_a_scalars", "t_b_vectors_gate_filter", "t_c_tensors", "t_d_correlation1", "t_e_conserved",
    "t_f_conserved_attention",
  ]
  static let loss = Loss(kind: .squared, energyWeight: 10, forceWeight: 1, stressWeight: 300)

  let file: HDF5File
  let model: Model
  let frames: [LabelledFrame]

  init(_ name: String) throws {
    model = try Model(contentsOf: Self.folder.appendingPathComponent("\(name).model.h5").path)
    let file = try HDF5File(reading: Self.folder.appendingPathComponent("\(name).numbers.h5").path)
    self.file = file
    frames = try file.children(of: "frames").map { frame in
      func numbers(_ dataset: String) throws -> [Double] {
        try file.readDoubles("frames/\(frame)/\(dataset)").values
      }
      func vectors(_ dataset: String) throws -> [Vector3] {
        let x = try numbers(dataset)
        return stride(from: 0, to: x.count, by: 3).map { Vector3(x[$0], x[$0 + 1], x[$0 + 2]) }
      }
      let elements = try file.readIntegers("frames/\(frame)/numbers").values
      let periodic = try file.readIntegers("frames/\(frame)/pbc").values.map { $0 != 0 }
      let (cell, positions) = (try vectors("cell"), try vectors("positions"))
      var labels = Labels()
      labels.energy = try numbers("energy")[0]
      labels.forces = try vectors("forces")
      if try file.exists("frames/\(frame)/stress") {
        let rows = try vectors("stress")
        labels.stress = Matrix3(rows[0], rows[1], rows[2])
      }
      let system = AtomicSystem(
        cell: periodic.contains(true)
          ? Cell(vectors: Matrix3(cell[0], cell[1], cell[2]), isPeriodic: periodic) : .free,
        atomicNumbers: elements, masses: elements.map { Elements.mass($0) ?? 1 }, positions: positions)
      return LabelledFrame(system: system, labels: labels)
    }
  }

  func potential() throws -> TrainableLRMACE {
    try TrainableLRMACE(model, averageNeighbors: 20, precision: .double, threads: 2)
  }

  /// Loss of a batch, and its gradient.
  func loss(_ batch: [LabelledFrame], _ potential: TrainableLRMACE) throws -> (
    value: Double, gradient: [Double]
  ) {
    let counts = Loss.Counts(of: batch)
    let terms = zip(try potential.predict(batch.map(\.system)), batch).map {
      Self.loss.term(of: $0, $1, in: counts)
    }
    var gradient = [Double](repeating: 0, count: potential.parameters.count)
    try potential.addGradient(of: zip(batch, terms).map { SeededSystem($0.system, $1) }, to: &gradient)
    return (terms.reduce(0) { $0 + $1.value }, gradient)
  }
}

@Suite struct TorchGradientTests {
  @Test(arguments: TorchNumbers.names) func gradientOfEveryBlockIsThatOfDoubleBackward(name: String) throws {
    let numbers = try TorchNumbers(name)
    let potential = try numbers.potential()
    let (value, gradient) = try numbers.loss(numbers.frames, potential)
    let expectedValue = try numbers.file.readDoubles("loss").values[0]
    #expect(abs(value - expectedValue) < 1e-10 * expectedValue)
    for block in potential.blocks {
      let expected = try numbers.file.readDoubles("gradient/\(block.name)").values
      try #require(expected.count == block.range.count, "\(block.name)")
      let size = expected.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let deviation = zip(gradient[block.range], expected).reduce(0) { $0 + pow($1.0 - $1.1, 2) }.squareRoot()
      #expect(deviation < 1e-6 * size + 1e-12, "\(block.name): \(deviation) of \(size)")
    }
  }

  @Test(arguments: TorchNumbers.names) func unitsOfParametersAreMACEs(name: String) throws {
    let numbers = try TorchNumbers(name)
    let parameters = try ModelParameters(of: numbers.model, averageNeighbors: 20)
    for block in parameters.blocks {
      guard try numbers.file.exists("units/\(block.name)") else {
        #expect(block.name.contains("conserved"))
        continue
      }
      let expected = try numbers.file.readDoubles("units/\(block.name)").values
      for (unit, other) in zip(parameters.units[block.range], expected) {
        guard abs(unit - other) > 1e-9 * abs(other) else { continue }
        Issue.record("\(block.name): a unit is \(unit), not \(other)")
        break
      }
    }
  }

  @Test(arguments: TorchNumbers.names) func firstFiftyLossesOfAdamAreThoseOfTorch(name: String) throws {
    let numbers = try TorchNumbers(name)
    let potential = try numbers.potential()
    let adam = Adam(kind: .adam, usesLargest: true)
    let selection = ParameterSelection(potential.blocks)
    var moments = Adam.Moments(count: potential.parameters.count)
    for (step, expected) in try numbers.file.readDoubles("losses").values.enumerated() {
      let frame = numbers.frames[step % numbers.frames.count]
      let (value, gradient) = try numbers.loss([frame], potential)
      #expect(abs(value - expected) < 1e-6 * expected, "step \(step): \(value), not \(expected)")
      var parameters = potential.parameters
      adam.step(&parameters, &moments, gradient: gradient, rate: 0.005, selection: selection)
      potential.parameters = parameters
    }
  }

  /// A batch of frames is shared out to threads; what each computes does not depend on their number beyond rounding.
  @Test func batchesAreSharedOutToThreads() throws {
    let numbers = try TorchNumbers("t_e_conserved")
    let (batch, seeds) = (numbers.frames + numbers.frames, (1, 4))
    var results: [(value: Double, gradient: [Double])] = []
    for threads in [seeds.0, seeds.1, seeds.1] {
      let potential = try TrainableLRMACE(
        numbers.model, averageNeighbors: 20, precision: .double, threads: threads)
      results.append(try numbers.loss(batch, potential))
    }
    #expect(results[1].value == results[2].value && results[1].gradient == results[2].gradient)
    let size = results[0].gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
    for (a, b) in zip(results[0].gradient, results[1].gradient) { #expect(abs(a - b) < 1e-9 * size) }
  }

  @Test func mixedPrecisionGradientsAreWithinOneInThousand() throws {
    for name in TorchNumbers.names {
      let numbers = try TorchNumbers(name)
      let potential = try TrainableLRMACE(numbers.model, averageNeighbors: 20, precision: .mixed, threads: 1)
      let (value, gradient) = try numbers.loss(numbers.frames, potential)
      let (expectedValue, expected) = try numbers.loss(numbers.frames, numbers.potential())
      #expect(abs(value - expectedValue) < 1e-4 * expectedValue)
      let size = expected.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let deviation = zip(gradient, expected).reduce(0) { $0 + pow($1.0 - $1.1, 2) }.squareRoot()
      #expect(deviation < 1e-3 * size, "\(name): \(deviation / size)")
    }
  }
}
