// The program under mpirun, which a build with the package trait MPI makes (BLOCH_MPI=ompi-c); and under mpirun without it.

import Foundation
import Testing
import Trajectory

private let water = URL(fileURLWithPath: BlochProcess.model).deletingLastPathComponent()
  .appendingPathComponent("../Inputs/water-64.xyz").path

#if MPI
  /// Ranks may be more than processors, and the tests may run as root.
  private let allowed = [
    "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_hwloc_base_binding_policy": "none",
    "OMPI_MCA_mpi_yield_when_idle": "1",
  ]

  private func shell(_ script: String, in folder: TemporaryFolder) throws -> Outcome {
    try BlochProcess.shell(script, environment: allowed, in: folder.path)
  }

  /// Whether there are network namespaces to be had.
  private let mayMakeNamespaces: Bool = {
    let name = "bloch-\(ProcessInfo.processInfo.processIdentifier)"
    guard let folder = try? TemporaryFolder() else { return false }
    return (try? shell("ip netns add \(name) && ip netns del \(name)", in: folder))?.exitCode == 0
  }()

  private func frames(_ path: String) throws -> [Configuration] {
    let reader = try StructureReader(path, keeping: [])
    var frames: [Configuration] = []
    while let frame = try reader.next() { frames.append(frame) }
    return frames
  }

  @Suite(.serialized) struct MPITests {
    @Test(arguments: ["double", "mixed"]) func ranksEvaluateWhatOneProcessDoes(precision: String) throws {
      let folder = try TemporaryFolder()
      func evaluate(_ ranks: Int) throws -> Configuration {
        let output = "\(folder.path)/\(ranks).xyz"
        let outcome = try shell(
          "\(ranks > 0 ? "mpirun -n \(ranks)" : "") $BLOCH evaluate --model \(BlochProcess.model) \(water) "
            + "--precision \(precision) --threads 1 --output \(output)", in: folder)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        return try #require(try frames(output).first)
      }
      let alone = try evaluate(0)
      let isDouble = precision == "double"
      for ranks in [1, 2, 4, 8] {
        let together = try evaluate(ranks)
        let (energy, forces) = (try #require(together.energy), try #require(together.forces))
        let (e, f) = (try #require(alone.energy), try #require(alone.forces))
        #expect(abs(energy - e) < (isDouble ? 1e-10 * abs(e) : 2e-6 * Double(f.count)), "\(ranks)")
        for (a, b) in zip(forces, f) {
          for axis in 0..<3 { #expect(abs(a[axis] - b[axis]) < (isDouble ? 1e-8 : 2e-4), "\(ranks)") }
        }
      }
    }

    /// Frames of 20 steps; of 10 and 10 more; and of 20 again.
    @Test(arguments: ["ensemble: nve", "ensemble: nvt\nthermostat: {type: langevin}"])
    func sameRanksGiveTheSameBitsAlsoAfterARestart(motion: String) throws {
      let folder = try TemporaryFolder()
      func run(_ name: String, steps: Int, ranks: String) throws {
        let deck = try folder.writeDeck(name, steps: steps, motion, structure: water)
        let outcome = try shell("\(ranks) $BLOCH run \(deck)", in: folder)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
      }
      func xyz(_ name: String) throws -> String {
        let outcome = try shell("$BLOCH export \(name).checkpoint.h5 \(name).xyz", in: folder)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        return try folder.text("\(name).xyz") + folder.text("\(name).log.tsv")
      }
      try run("a", steps: 20, ranks: "mpirun -n 4")
      try run("b", steps: 20, ranks: "mpirun -n 4")
      try run("c", steps: 10, ranks: "mpirun -n 4")
      let resumed = try shell("mpirun -n 4 $BLOCH resume c.checkpoint.h5 --steps 10", in: folder)
      #expect(resumed.exitCode == 0, "\(resumed.errors)")
      let bits = try xyz("a")
      #expect(try xyz("b") == bits)
      #expect(try xyz("c") == bits)
      // Another number of ranks goes on, too, and stays near for so few steps.
      try run("d", steps: 10, ranks: "")
      let other = try shell("mpirun -n 2 $BLOCH resume d.checkpoint.h5 --steps 10", in: folder)
      #expect(other.exitCode == 0, "\(other.errors)")
      _ = try xyz("d")
      let (there, here) = (try frames("\(folder.path)/d.xyz"), try frames("\(folder.path)/a.xyz"))
      for (a, b) in zip(there[0].system.positions, here[0].system.positions) {
        for axis in 0..<3 { #expect(abs(a[axis] - b[axis]) < 1e-4) }
      }
    }

    /// In the middle of a run: the job ends, and the run goes on from its checkpoint to the end that it would have had.
    @Test func aRunThatLosesARankGoesOnToTheSameEnd() throws {
      let folder = try TemporaryFolder()
      for name in ["whole", "killed"] {
        _ = try folder.writeDeck(name, steps: 400, checkpoint: "{every: 5 steps}", structure: water)
      }
      let outcome = try shell(
        """
        mpirun -n 2 $BLOCH run whole.yaml
        mpirun -n 2 $BLOCH run killed.yaml & job=$!
        for i in $(seq 600); do [ -e killed.checkpoint.previous.h5 ] && break; sleep 0.1; done
        kill -9 $(pgrep -P $job | tail -n 1)
        wait $job && exit 99
        mpirun -n 2 $BLOCH resume killed.checkpoint.h5
        for run in whole killed; do $BLOCH export $run.checkpoint.h5 $run.xyz; done
        """, in: folder)
      #expect(outcome.exitCode == 0, "\(outcome.errors)")
      #expect(try folder.text("killed.xyz") == folder.text("whole.xyz"))
      #expect(try folder.text("killed.log.tsv") == folder.text("whole.log.tsv"))
    }

    @Test func aGridIsTakenAndToldAndARunGoesOnWithAnother() throws {
      let folder = try TemporaryFolder()
      let deck = try folder.writeDeck(
        "grid", steps: 2, "ensemble: nve\ngrid: [1, 1, 2]", structure: water)
      let two = try shell("mpirun -n 2 $BLOCH run \(deck)", in: folder)
      #expect(two.exitCode == 0, "\(two.errors)")
      #expect((two.output + two.errors).contains("2 ranks, bricks 1 x 1 x 2, the thinnest 12.4 x 12.4 x 5."))
      let alone = try shell("$BLOCH check \(deck)", in: folder)
      #expect(alone.exitCode == 2 && alone.errors.contains("2 bricks need 2 ranks, there is 1"))
      let resume = "mpirun -n 4 $BLOCH resume grid.checkpoint.h5 --steps 1"
      let refused = try shell(resume, in: folder)
      #expect(refused.exitCode == 2 && refused.errors.contains("2 bricks need 2 ranks, there are 4"))
      let four = try shell("\(resume) --grid 2x2x1", in: folder)
      #expect(four.exitCode == 0, "\(four.errors)")
      #expect((four.output + four.errors).contains("4 ranks, bricks 2 x 2 x 1, the thinnest 6."))
    }

    /// Two hosts of other names with TCP between them.
    @Test(.enabled(if: mayMakeNamespaces)) func twoHostsHaveTheNumbersOfOneProcess() throws {
      let folder = try TemporaryFolder()
      let script = URL(fileURLWithPath: BlochProcess.model).deletingLastPathComponent()
        .appendingPathComponent("../Scripts/two_hosts.sh").path
      let outcome = try shell("\(script) $BLOCH", in: folder)
      #expect(outcome.exitCode == 0, "\(outcome.output)\(outcome.errors)")
    }

    @Test func mistakesAreToldOnceWithTheirExitCode() throws {
      let folder = try TemporaryFolder()
      try "timestep: 1\n".write(toFile: "\(folder.path)/wrong.yaml", atomically: true, encoding: .utf8)
      let wrong = try shell("mpirun -n 3 $BLOCH run wrong.yaml", in: folder)
      #expect(wrong.exitCode == 2)
      #expect(wrong.errors.components(separatedBy: "wrong.yaml:1:11: error:").count == 2, "\(wrong.errors)")
      let many = try shell(
        "mpirun -n 3 $BLOCH evaluate --model \(BlochProcess.model) \(BlochProcess.structure)", in: folder)
      #expect(many.exitCode == 2)
      #expect(many.errors.components(separatedBy: "3 ranks are too many").count == 2, "\(many.errors)")
    }
  }
#else
  @Test func aProgramWithoutMPISaysSoUnderMPI() throws {
    let folder = try TemporaryFolder()
    for rank in 0..<2 {
      let outcome = try BlochProcess.shell(
        "$BLOCH evaluate --model \(BlochProcess.model) \(water)",
        environment: ["OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "\(rank)"], in: folder.path)
      #expect(outcome.exitCode == (rank == 0 ? 2 : 0))
      #expect(outcome.errors.contains("built without MPI") == (rank == 0), "\(outcome.errors)")
      #expect(outcome.output.isEmpty)
    }
  }
#endif
