// Adam, clipping, averages, schedules and batches against torch's own numbers (torch/optimisers.py) and their definitions.

import Foundation
import Lattice
import Testing

@testable import Training

@Suite struct OptimiserTests {
  /// The minimum that torch/optimisers.py sought, in as many steps.
  private func quadratic(_ adam: Adam, clippedTo largest: Double? = nil) -> [Double] {
    let (a, b) = ([1.0, 10.0, 0.1], [1.0, -2.0, 3.0])
    let selection = ParameterSelection([ParameterBlock(name: "theta", range: 0..<3, shape: [3], decays: true)]
    )
    var theta = [0.5, 0.5, 0.5]
    var moments = Adam.Moments(count: 3)
    for t in 0..<50 {
      var gradient = (0..<3).map { a[$0] * (theta[$0] - b[$0]) * (1 + 0.5 * sin(Double(t))) }
      _ = clip(&gradient, to: largest, selection: selection)
      adam.step(&theta, &moments, gradient: gradient, rate: 0.05, selection: selection)
    }
    return theta
  }

  @Test func fiftyStepsAreThoseOfTorch() {
    let cases: [(Adam, Double?, [Double])] = [
      (
        Adam(kind: .adam, decay: 0.01, usesLargest: false), nil,
        [0.9800450802828441, -1.4499610892014052, 2.3763220533682485]
      ),
      (
        Adam(kind: .adam, usesLargest: true), 1, [0.9936032261435939, -1.9937395927474855, 2.993738433166885]
      ),
      (
        Adam(kind: .adamw, decay: 0.1, usesLargest: false), nil,
        [0.9734632178418531, -1.3368990405066261, 2.1662643665210832]
      ),
      (
        Adam(kind: .adamw, decay: 0.1, usesLargest: true), 0.5,
        [0.986257405375361, -1.8277479817202256, 2.688328565709144]
      ),
    ]
    for (adam, largest, torch) in cases {
      for (own, other) in zip(quadratic(adam, clippedTo: largest), torch) {
        #expect(abs(own - other) < 1e-12, "\(adam)")
      }
    }
  }

  @Test func plateauLowersTheRateAsTorchDoes() {
    let schedule = RateSchedule(peak: 1, shape: .plateau(factor: 0.5, patience: 2))
    var memory = RateSchedule.Memory()
    let losses = [1, 0.9, 0.95, 0.91, 0.92, 0.93, 0.8999, 0.89995, 0.9, 0.9, 0.9, 0.9, 0.9, 0.1]
    let rates = losses.map { loss in
      schedule.note(loss, in: &memory)
      return schedule.rate(step: 0, progress: 0, memory)
    }
    #expect(rates == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125, 0.125])
  }

  @Test func cosineWarmsUpAndEndsWhereItShould() {
    let schedule = RateSchedule(peak: 5e-3, warmUp: 100, shape: .cosine(end: 0.01))
    // lr_at of the reference trainer: 5e-3 min(1, (s + 1)/100) (0.01 + 0.99 (1 + cos(pi s/1000))/2)
    for s in [0, 49, 99, 500, 1000] as [Int64] {
      let expected =
        5e-3 * min(1, Double(s + 1) / 100)
        * (0.01 + 0.99 * 0.5 * (1 + cos(Double.pi * Double(s) / 1000)))
      #expect(abs(schedule.rate(step: s, progress: Double(s) / 1000, .init()) - expected) < 1e-17)
    }
    #expect(abs(schedule.rate(step: 1000, progress: 1, .init()) - 5e-5) < 1e-18)
  }

  @Test func averageStartsWithTheNewestAndThenForgetsSlowly() {
    let average = MovingAverage(decay: 0.99)
    var value = [0.0]
    average.update(&value, with: [1], step: 1)
    #expect(abs(value[0] - (1 - 2.0 / 11)) < 1e-15)
    average.update(&value, with: [0], step: 100_000)
    #expect(abs(value[0] - 0.99 * (1 - 2.0 / 11)) < 1e-15)
    var none = [3.0]
    MovingAverage(decay: 0).update(&none, with: [7], step: 5)
    #expect(none == [7])
  }

  @Test func frozenBlocksKeepTheirBitsAndStayOutOfTheNorm() throws {
    let blocks = [
      ParameterBlock(name: "layers/0/radial/0", range: 0..<2, shape: [2], decays: true),
      ParameterBlock(name: "layers/0/readout/w1", range: 2..<3, shape: [1], decays: true),
      ParameterBlock(name: "layers/1/readout/w1", range: 3..<4, shape: [1], decays: false),
    ]
    let selection = try ParameterSelection(
      blocks, frozen: ["*/radial/*"], factors: [("*readout*", 0.5), ("layers/?/readout/w1", 0.1)])
    #expect(selection.blocks.map(\.factor) == [0, 0.1, 0.1])
    #expect(selection.learningCount == 2)
    var gradient = [1e9, 1e9, 3, 4]
    #expect(clip(&gradient, to: 1, selection: selection) == 5)
    var theta = [0.1, 0.2, 1, 1]
    var moments = Adam.Moments(count: 4)
    Adam(kind: .adamw, decay: 0.5).step(
      &theta, &moments, gradient: gradient, rate: 0.1, selection: selection)
    #expect(theta[..<2] == [0.1, 0.2])
    // The first step of Adam is the rate, whatever the gradient; decay only where the block decays.
    #expect(abs(theta[2] - (1 - 0.01 * 0.5 - 0.01)) < 1e-8)
    #expect(abs(theta[3] - (1 - 0.01)) < 1e-8)
    #expect(throws: PatternError.self) {
      try ParameterSelection(blocks, frozen: ["layers/7/*"], factors: [])
    }
    #expect(throws: PatternError.self) { try ParameterSelection(blocks, frozen: ["*"], factors: []) }
  }

  @Test func epochsHaveOrdersOfTheirOwnThatDependOnSeedAndEpochAlone() {
    let first = epochOrder(count: 100, epoch: 0, seed: 1)
    #expect(first == epochOrder(count: 100, epoch: 0, seed: 1))
    #expect(first.sorted() == Array(0..<100))
    #expect(first != epochOrder(count: 100, epoch: 1, seed: 1))
    #expect(first != epochOrder(count: 100, epoch: 0, seed: 2))
    // Every place is equally likely: 2,000 orders of 5, 400 of each first frame with a deviation of 18.
    var counts = [Int](repeating: 0, count: 5)
    for epoch in 0..<2000 { counts[epochOrder(count: 5, epoch: epoch, seed: 3)[0]] += 1 }
    #expect(counts.allSatisfy { abs($0 - 400) < 90 })
  }

  @Test func batchesHoldEveryFrameOnceAndNoMoreAtomsThanTheyMay() {
    let frames = (0..<20).map { LabelledFrame(system: cluster(1, atoms: 1 + $0 % 8), labels: .init()) }
    let order = epochOrder(count: 20, epoch: 0, seed: 1)
    let size = BatchSize(.atoms, 7)
    var (start, sizes) = (0, [Int]())
    while start < 20 {
      let end = size.end(from: start, order: order, frames: frames)
      #expect(end > start)
      let atoms = order[start..<end].reduce(0) { $0 + frames[$1].system.count }
      #expect(atoms <= 7 || end == start + 1)
      if end < 20 { #expect(atoms + frames[order[end]].system.count > 7) }
      sizes.append(end - start)
      start = end
    }
    #expect(sizes.reduce(0, +) == 20)
    #expect(BatchSize(.frames, 3).end(from: 18, order: order, frames: frames) == 20)
  }
}
