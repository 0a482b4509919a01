// Files of a run that somebody else touches while it goes on, and runs that end before their first checkpoint.

import Dynamics
import Foundation
import Lattice
import Testing
import Trajectory

@testable import Deck
@testable import Simulation

/// A potential that does something at one of its evaluations.
private final class Meddling: Potential {
  private let inner = LennardJones()
  private let evaluation: Int
  private let deed: () throws -> Void

  init(atEvaluation evaluation: Int, _ deed: @escaping () throws -> Void) {
    self.evaluation = evaluation
    self.deed = deed
  }

  func evaluate(_ system: AtomicSystem, into result: inout Evaluation) throws {
    try inner.evaluate(system, into: &result)
    if inner.evaluations == evaluation { try deed() }
  }
}

/// How a run of 60 steps ends where `deed` is done in step 20.
private func end(in folder: TemporaryFolder, _ deed: @escaping () throws -> Void) throws -> RunFailure? {
  let potential = Meddling(atEvaluation: 21, deed)
  let forceField = ForceField(potential: potential, species: [18], hash: "lennard-jones")
  var simulation = try Simulation(
    deck: argonDeck("ensemble: nve", steps: 60, in: folder.path), forceField: { _ in forceField })
  do {
    try simulation.run(overwrite: false)
    return nil
  } catch {
    return RunFailure(error)
  }
}

@Suite struct OutputTests {
  @Test(arguments: ["argon.trajectory.h5", "argon.log.tsv"])
  func fileThatIsRemovedDuringARunEndsItWithItsName(_ name: String) throws {
    let folder = try TemporaryFolder()
    let failure = try end(in: folder) { try FileManager.default.removeItem(atPath: "\(folder.path)/\(name)") }
    #expect(failure?.exitCode == 3)
    #expect(
      failure?.message.contains("\(name): error: this file was removed") == true, "\(failure?.message ?? "")")
  }

  @Test func folderThatIsRemovedDuringARunEndsIt() throws {
    let folder = try TemporaryFolder()
    let failure = try end(in: folder) { try FileManager.default.removeItem(atPath: folder.path) }
    #expect(failure?.exitCode == 3)
    #expect(failure?.message.contains("there is no checkpoint") == true, "\(failure?.message ?? "")")
  }

  @Test func checkpointThatIsReplacedByAFolderEndsTheRunAndIsLeft() throws {
    let folder = try TemporaryFolder()
    let checkpoint = "\(folder.path)/argon.checkpoint.h5"
    let failure = try end(in: folder) {
      try FileManager.default.removeItem(atPath: checkpoint)
      try FileManager.default.createDirectory(atPath: checkpoint, withIntermediateDirectories: false)
    }
    #expect(failure?.exitCode == 3)
    #expect(failure?.message.contains("argon.checkpoint.h5") == true)
    // The checkpoint before is there, and the folder no obstacle to it.
    let rest = try Simulation(checkpoint: checkpoint, forceField: ForceField.lennardJones)
    #expect(rest.motion.completedSteps == 7)
  }

  @Test func secondRunOnTheSameFilesIsRefusedAndTheFirstNotDisturbed() throws {
    let folder = try TemporaryFolder()
    var refusals: [RunFailure?] = []
    let failure = try end(in: folder) {
      for overwrite in [false, true] {
        do {
          var second = try Simulation(
            deck: argonDeck("ensemble: nve", steps: 3, in: folder.path), forceField: ForceField.lennardJones)
          try second.run(overwrite: overwrite)
        } catch { refusals.append(RunFailure(error)) }
      }
      do {
        _ = try Simulation(
          checkpoint: "\(folder.path)/argon.checkpoint.h5", forceField: ForceField.lennardJones)
      } catch { refusals.append(RunFailure(error)) }
    }
    #expect(failure == nil)
    #expect(refusals.count == 3)
    for refusal in refusals {
      #expect(refusal?.exitCode == 3)
      #expect(refusal?.message.contains("another run, process \(getpid())") == true)
    }
    #expect(try Checkpoint.read("\(folder.path)/argon.checkpoint.h5").step == 60)
    #expect(try H5MDReader("\(folder.path)/argon.trajectory.h5").frameCount == 21)
  }
}
