// Models with one value changed and the checksum made anew: each is refused with the file's name, or it gives numbers.
// BLOCH_MUTATIONS=N tries N mutations.

import Foundation
import HDF5
import Lattice
import Testing

@testable import LRMACE
@testable import LRMACEModel

private struct Mutation: Sendable, CustomTestStringConvertible {
  let key: String
  let what: String
  /// Whether no reader may take it.
  let mustFail: Bool
  let value: ModelValue?

  var testDescription: String { "\(key): \(what)" }
}

extension ModelValue {
  fileprivate var shape: [Int] {
    switch self {
    case .text: []
    case .integers(_, let shape), .numbers(_, let shape): shape
    }
  }

  /// The value with element `n`, or all of them, replaced.
  fileprivate func setting(_ n: Int?, to x: Double) -> ModelValue? {
    switch self {
    case .text: nil
    case .integers(var values, let shape):
      Int(exactly: x).map { x in
        for k in values.indices where n.map({ k == $0 % values.count }) ?? true { values[k] = x }
        return .integers(values, shape: shape)
      }
    case .numbers(var values, let shape):
      {
        for k in values.indices where n.map({ k == $0 % values.count }) ?? true { values[k] = x }
        return .numbers(values, shape: shape)
      }()
    }
  }

  /// The same elements in other shapes, or fewer of them.
  fileprivate var reshaped: [(String, ModelValue)] {
    func shapes<T>(_ values: [T], _ make: ([T], [Int]) -> ModelValue) -> [(String, ModelValue)] {
      shape.isEmpty
        ? [("as a list of two", make([values[0], values[0]], [2]))]
        : [
          ("flat", make(values, [1, 1] + [values.count])), ("empty", make([], [0])),
          ("short", make(Array(values.dropLast()), [values.count - 1, 1, 1])),
        ]
    }
    switch self {
    case .text: return []
    case .integers(let values, _): return shapes(values) { .integers($0, shape: $1) }
    case .numbers(let values, _): return shapes(values) { .numbers($0, shape: $1) }
    }
  }

  /// The same in another type.
  fileprivate var retyped: [(String, ModelValue)] {
    switch self {
    case .text: [("a number", .number(1)), ("an integer", .integer(1))]
    case .integers(let values, let shape):
      [("as floating-point numbers", .numbers(values.map(Double.init), shape: shape)), ("text", .text("1"))]
    case .numbers: [("text", .text("1.0"))]
    }
  }
}

/// Every mutation of a model with values.
private func mutations(of contents: [String: ModelValue]) -> [Mutation] {
  contents.sorted { $0.key < $1.key }.flatMap { key, value -> [Mutation] in
    var list = (value.reshaped + value.retyped).map {
      Mutation(key: key, what: $0.0, mustFail: true, value: $0.1)
    }
    // Without its gate or its skip connection it is another model, but a model.
    list.append(
      Mutation(key: key, what: "missing", mustFail: key.hasPrefix("@") && key != "@errors", value: nil))
    for x in [Double.nan, .infinity, -.infinity, 1e300, -1e300, pow(2, 31), -pow(2, 63)] {
      for n in [nil, 0, 7] {
        guard let value = value.setting(n, to: x) else { continue }
        list.append(Mutation(key: key, what: "\(x) at \(n ?? -1)", mustFail: true, value: value))
      }
    }
    for x in [0.0, -1, 1, 5, 1e-300, 1e6, -1e6] {
      for n in [nil, 0, 7] {
        guard let value = value.setting(n, to: x) else { continue }
        list.append(Mutation(key: key, what: "\(x) at \(n ?? -1)", mustFail: false, value: value))
      }
    }
    if case .text = value {
      list += ["", "other", String(repeating: "long", count: 1000), "\u{0}\u{1B}[2J"].map {
        Mutation(key: key, what: "'\($0.prefix(8))'", mustFail: false, value: .text($0))
      }
    }
    return list
  }
}

@Suite struct ModelMutationTests {
  /// Two waters in a small cell, and without one.
  private static let systems: [AtomicSystem] = [
    Cell(vectors: Matrix3([7, 0, 0], [1, 7, 0], [0, -1, 8])), Cell.free,
  ].map { cell in
    AtomicSystem(
      cell: cell, atomicNumbers: [8, 1, 1, 8, 1, 1], masses: [16, 1, 1, 16, 1, 1],
      positions: [
        [0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0], [0.1, 0.2, 2.8], [0.1, 0.2, 3.76], [1, 0.3, 2.5],
      ])
  }

  private static func random(_ contents: [String: ModelValue]) -> [Mutation] {
    let all = mutations(of: contents)
    let count = ProcessInfo.processInfo.environment["BLOCH_MUTATIONS"].flatMap { Int($0) } ?? 300
    let dice = CounterRNG(seed: 11)
    return (0..<max(count, 50)).map { n in
      all[Int(dice.uniforms(step: Int64(n), atom: 0, stream: 0).x * Double(all.count))]
    }
  }

  @Test(arguments: ["x_a_l2_lmax4_corr3", "c_b_vectors_ions_d24", "f_f_all"])
  func everyMutationIsRefusedByNameOrEvaluated(name: String) throws {
    let folder = try ModelFolder()
    let contents = try Golden.model(name).contents
    let mutations = Self.random(contents)
    var (refused, evaluated, beyond) = (0, 0, 0)
    for mutation in mutations {
      var changed = contents
      changed[mutation.key] = mutation.value
      let path = try folder.write(changed)
      do {
        let potential = try LRMACEPotential(modelPath: path)
        #expect(!mutation.mustFail, "\(mutation.testDescription)")
        for system in Self.systems where Set(system.atomicNumbers).isSubset(of: potential.model.species) {
          var result = Evaluation()
          try potential.evaluate(system, into: &result)
          // What exceeds any chemistry ends a run and an evaluation (StabilityLimits).
          let isFinite = result.energy.isFinite && result.forces.allSatisfy { largest($0) < 1000 }
          (evaluated, beyond) = (evaluated + (isFinite ? 1 : 0), beyond + (isFinite ? 0 : 1))
        }
      } catch let error where error is ModelError || error is HDF5Error {
        #expect("\(error)".hasPrefix(path), "\(mutation.testDescription): \(error)")
        refused += 1
      }
    }
    #expect(
      refused > mutations.count / 2 && evaluated > mutations.count / 10,
      "\(refused) refused, \(evaluated) evaluated, \(beyond) beyond limits")
  }
}
