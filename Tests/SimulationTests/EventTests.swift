// What a run says, and who may end it.

import Foundation
import Testing
import Trajectory

@testable import Deck
@testable import Simulation

@Test func aRunTellsItsFirstAndLastStepAndItsEnd() throws {
  let folder = try TemporaryFolder()
  var events: [Event] = []
  var simulation = try Simulation(
    deck: argonDeck("ensemble: nve", steps: 20, in: folder.path), events: { events.append($0) },
    forceField: ForceField.lennardJones)
  #expect(events.isEmpty)
  try simulation.run(overwrite: false)
  let steps = events.compactMap { if case .progress(let progress) = $0 { progress.step } else { nil } }
  #expect(steps.first == 1 && steps.last == 20)
  guard case .report(let report) = try #require(events.last) else {
    Issue.record("the last word is \(events)")
    return
  }
  #expect(report.isFinished && report.steps == 20 && report.interruption == nil)
  #expect(report.description.contains(simulation.files.trajectory))
  #expect(events.count == steps.count + 1)
}

@Test func anInterruptionEndsARunWithACheckpointOfItsLastStep() throws {
  let folder = try TemporaryFolder()
  var (asked, events) = (0, [Event]())
  var simulation = try Simulation(
    deck: argonDeck("ensemble: nve", steps: 1000, in: folder.path), events: { events.append($0) },
    forceField: ForceField.lennardJones)
  try simulation.run(overwrite: false) {
    asked += 1
    return asked > 11 ? "the test" : nil
  }
  #expect(simulation.frame.step == 11)
  #expect(try Checkpoint.read(simulation.files.checkpoint).step == 11)
  #expect(events.last?.description.hasPrefix("Interrupted by the test after step 11 of 1000.") == true)
}

@Test func whoCannotHearTheEndIsAnError() throws {
  struct Deaf: Error {}
  let folder = try TemporaryFolder()
  var simulation = try Simulation(
    deck: argonDeck("ensemble: nve", steps: 3, in: folder.path),
    events: { if case .report = $0 { throw Deaf() } }, forceField: ForceField.lennardJones)
  #expect(throws: Deaf.self) { try simulation.run(overwrite: false) }
}
