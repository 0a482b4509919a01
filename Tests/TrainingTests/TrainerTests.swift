// The machine of states: it finds what it should, goes on bit for bit wherever it was stopped, and comes back from NaN.

import Lattice
import MorsePair
import Testing
import Trajectory

@testable import Training

@Suite struct TrainerTests {
  private let truth = Vector3(0.3, 1.4, 2.3)
  private let energies = [10: -3.0, 18: -5.0]

  private func settings(epochs: Int = 6, seed: UInt64 = 1) -> TrainingSettings {
    TrainingSettings(
      loss: Loss(kind: .l1, energyWeight: 1, forceWeight: 10, stressWeight: 1),
      secondStage: .init(
        start: 0.5, loss: Loss(kind: .l1, energyWeight: 5, forceWeight: 10, stressWeight: 1)),
      schedule: RateSchedule(peak: 0.01, warmUp: 3, shape: .cosine(end: 0.01)), batch: BatchSize(.atoms, 15),
      epochs: epochs, seed: seed)
  }

  private func trainer(_ settings: TrainingSettings, state: TrainingState? = nil, frames: Int = 12) throws
    -> (Trainer, MorsePair)
  {
    let model = try anyModel()
    let frames = try labelledFrames(
      frames,
      by: MorsePair(parameters: [truth.x, truth.y, truth.z], isolatedEnergies: energies, file: model))
    let potential = MorsePair(parameters: [0.2, 1.2, 2.1], isolatedEnergies: energies, file: model)
    return (
      Trainer(
        potential, settings: settings, train: Array(frames.dropFirst(3)), valid: Array(frames.prefix(3)),
        selection: ParameterSelection(potential.blocks), state: state), potential
    )
  }

  private func run(_ trainer: inout Trainer) throws {
    while true { if case .finished = try trainer.advance() { return } }
  }

  @Test func findsThePotentialThatMadeTheLabels() throws {
    var settings = settings(epochs: 150)
    settings.adam.decay = 0
    var (trainer, _) = try trainer(settings)
    try run(&trainer)
    for (k, exact) in [truth.x, truth.y, truth.z].enumerated() {
      #expect(abs(trainer.result[k] - exact) < 2e-3, "\(trainer.result)")
    }
    let last = try #require(trainer.state.history.last)
    #expect(last.epoch == 150)
    #expect(try #require(last.valid.forces.mae) < 1e-3)
  }

  @Test func goesOnBitForBitFromAnyStep() throws {
    let settings = settings()
    var (whole, _) = try trainer(settings)
    try run(&whole)
    let scratch = try Scratch()
    for steps in [0, 1, 5, 11, 17] {
      var (first, _) = try trainer(settings)
      for _ in 0..<steps { _ = try first.advance() }
      let path = scratch.path + "/\(steps).h5"
      try CheckpointFormat.training.write(first.state.state, to: path)
      let state = try CheckpointFormat.training.read(path) { try TrainingState($0, count: 3) }
      #expect(state == first.state)
      var (second, _) = try trainer(settings, state: state)
      try run(&second)
      #expect(second.state == whole.state, "stopped after \(steps)")
    }
  }

  @Test func checkpointsOfRunsAndTrainingsAreToldApart() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/a.h5"
    try CheckpointFormat.training.write(TrainingState(parameters: [1]).state, to: path)
    do {
      _ = try Checkpoint.read(path)
      Issue.record("no error")
    } catch { #expect("\(error)".contains("it is for another command: `bloch train --resume`")) }
    #expect(throws: TrajectoryError.self) {
      try CheckpointFormat.training.read(path) { try TrainingState($0, count: 2) }
    }
  }

  @Test func stagesWeighWithTheirOwnWeights() throws {
    let settings = settings(epochs: 2)
    var (trainer, _) = try trainer(settings)
    var losses: [Double] = []
    var parameters: [[Double]] = []
    while true {
      let advance = try trainer.advance()
      if case .finished = advance { break }
      if case .step(let loss) = advance { losses.append(loss) }
      parameters.append(trainer.state.weights.parameters)
    }
    // The first batch of the second epoch, by the weights of the second stage.
    let firstOfSecond = losses.count / 2
    let order = epochOrder(count: 9, epoch: 1, seed: 1)
    let end = settings.batch.end(from: 0, order: order, frames: trainer.train)
    let batch = order[..<end].map { trainer.train[$0] }
    let potential = try MorsePair(
      parameters: parameters[firstOfSecond], isolatedEnergies: energies, file: anyModel())
    let counts = Loss.Counts(of: batch)
    let expected = try batch.reduce(0) {
      try $0
        + (settings.secondStage?.loss.term(of: potential.predict($1.system), $1, in: counts).value ?? 0)
    }
    #expect(losses[firstOfSecond] == expected)
  }

  @Test func notANumberRollsBackHalvesTheRateAndNamesTheFrame() throws {
    var (trainer, potential) = try trainer(settings(epochs: 2))
    while trainer.state.epoch == 0 { _ = try trainer.advance() }
    let good = trainer.state.weights
    _ = try trainer.advance()
    let frame = trainer.train[epochOrder(count: 9, epoch: 1, seed: 1).last ?? 0]
    // Bad at the weights to which the full rate leads, and at no others.
    var isSpent = false
    potential.isPoisonous = { system, _ in
      guard !isSpent, system.positions == frame.system.positions else { return false }
      isSpent = true
      return true
    }
    var setback: Trainer.Setback?
    while setback == nil { if case .setback(let back) = try trainer.advance() { setback = back } }
    #expect(setback?.frame.number == frame.number && setback?.rate == 0.005)
    #expect(trainer.state.weights == good && trainer.state.position == 0)
    #expect(trainer.state.rateFactor == 0.5)
    try run(&trainer)
    #expect(trainer.state.epoch == 2 && trainer.state.rateFactor == 0.5)
  }

  @Test func aFrameThatIsNeverANumberEndsTheTrainingByName() throws {
    var (trainer, potential) = try trainer(settings())
    let frame = trainer.train[4]
    potential.isPoisonous = { system, _ in system.positions == frame.system.positions }
    do {
      try run(&trainer)
      Issue.record("no error")
    } catch let error as TrainingFailure {
      #expect(error.frame.number == frame.number && error.setbacks == 10)
    }
  }

  @Test func patienceEndsTheTrainingWithItsBest() throws {
    var settings = settings(epochs: 500)
    settings.patience = 4
    settings.secondStage?.start = 0.8
    // So fast that it soon only jumps about.
    settings.schedule = RateSchedule(peak: 0.05, shape: .constant)
    var (trainer, _) = try trainer(settings)
    try run(&trainer)
    #expect(trainer.state.hasStopped && trainer.isFinished)
    #expect(trainer.state.epoch < 500)
    // The first stage ended early, too: its second came at four fifths.
    #expect(trainer.state.history.count < 400 && trainer.state.epoch > 400)
    let lowest = try #require(trainer.state.history.min { $0.measure < $1.measure })
    #expect(trainer.state.best?.epoch == lowest.epoch)
    #expect(trainer.result == trainer.state.best?.parameters)
  }

  @Test func interruptedValidationIsDoneAgainAsIfNothingHadBeen() throws {
    var (trainer, _) = try trainer(settings(epochs: 1))
    while trainer.state.position < trainer.train.count { _ = try trainer.advance() }
    let before = trainer.state
    guard case .interrupted = try trainer.advance(until: { true }) else {
      Issue.record("not interrupted")
      return
    }
    #expect(trainer.state == before)
    guard case .epoch(let record, true) = try trainer.advance() else {
      Issue.record("no epoch")
      return
    }
    #expect(record.epoch == 1 && record.valid.energy.count == 3)
  }

  /// Every place of a tree, with its value.
  private func leaves(_ tree: StateTree, _ path: [String] = []) -> [([String], StateTree.Value)] {
    tree.values.sorted { $0.key < $1.key }.flatMap { name, value -> [([String], StateTree.Value)] in
      guard case .group(let group) = value else { return [(path + [name], value)] }
      return [(path + [name], value)] + leaves(group, path + [name])
    }
  }

  private func replacing(_ path: ArraySlice<String>, of tree: StateTree, by value: StateTree.Value?)
    -> StateTree
  {
    guard let name = path.first else { return tree }
    var tree = tree
    if path.count == 1 {
      tree.values[name] = value
    } else if case .group(let group)? = tree.values[name] {
      tree.values[name] = .group(replacing(path.dropFirst(), of: group, by: value))
    }
    return tree
  }

  @Test func wrongStatesAreRefusedByNameOrGoOn() throws {
    let settings = settings(epochs: 3)
    var (first, _) = try trainer(settings)
    for _ in 0..<8 { _ = try first.advance() }
    let tree = first.state.state
    var refusals = 0
    for (path, value) in leaves(tree) {
      var wrong: [StateTree.Value?] = [
        nil, .text("x"), .integers([-1]), .integers([.max]), .numbers([]), .group([:]),
      ]
      if case .integers(let values) = value {
        wrong += [
          .integers(values.map { _ in 1 << 53 }), .integers(values + values),
          .integers(values.map { _ in -1 }),
        ]
      }
      if case .numbers(let values) = value {
        wrong += [
          .numbers(values.map { _ in -1e300 }), .numbers(values + [0]), .numbers(values.map { _ in 0 }),
        ]
      }
      for replacement in wrong {
        do {
          let state = try TrainingState(replacing(path[...], of: tree, by: replacement), count: 3)
          // What is possible is gone on with: a trap would end the suite.
          var (second, _) = try trainer(settings, state: state)
          for _ in 0..<12 { _ = try second.advance() }
        } catch let error as StateError {
          refusals += 1
          #expect(error.path.hasPrefix("/"))
        } catch is TrainingFailure {
        } catch is LatticeError {}
      }
    }
    #expect(refusals > 150)
  }

  @Test func averageIsWhatIsValidated() throws {
    var (trainer, potential) = try trainer(settings(epochs: 1))
    while trainer.state.epoch == 0 { _ = try trainer.advance() }
    #expect(potential.parameters == trainer.state.weights.average)
    #expect(trainer.state.weights.average != trainer.state.weights.parameters)
    #expect(trainer.state.best?.parameters == trainer.state.weights.average)
  }
}
