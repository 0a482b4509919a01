// Numbered, reproducible damage: mutation `index` of a seed is always the same.

import Foundation
import Lattice

/// Which mutations a test tries: a few hundred, or as many as BLOCH_MUTATIONS asks for, of the seed BLOCH_SEED.
enum Mutations {
  private static let environment = ProcessInfo.processInfo.environment
  static let seed = environment["BLOCH_SEED"].flatMap { UInt64($0) } ?? 11

  static func indices(_ count: Int) -> Range<Int> {
    0..<(environment["BLOCH_MUTATIONS"].flatMap { Int($0) } ?? count)
  }
}

/// The choices of one mutation.
struct Mutation {
  let index: Int
  private var draws = 0
  private let random = CounterRNG(seed: Mutations.seed)

  init(_ index: Int) { self.index = index }

  mutating func number(below limit: Int) -> Int {
    draws += 1
    return Int(random.uniforms(step: Int64(index), atom: draws, stream: 1).x * Double(limit))
  }

  mutating func pick<Choice>(_ choices: [Choice]) -> Choice { choices[number(below: choices.count)] }

  var name: String { "BLOCH_SEED=\(Mutations.seed), mutation \(index)" }
}

/// Numbers that damage or malice puts where others belong.
let extremeNumbers: [Double] = [
  .nan, .infinity, -.infinity, 1e300, -1e300, 1e8, -1, 0, 1e-300, 0.5, 119, 255, 9.3e18, -9.3e18,
]
