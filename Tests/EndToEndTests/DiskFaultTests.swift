// A run that is killed between any two system calls of a checkpoint, loses its power there, or finds the disk full.

#if os(Linux)
  import Foundation
  import Testing
  import Trajectory

  /// What `disk_faults.c` makes of a run, see there.
  private struct Faults {
    let library: String
    let folder: TemporaryFolder
    static let steps = 6

    init() throws {
      folder = try TemporaryFolder()
      library = "\(folder.path)/disk_faults.so"
      let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Faults/disk_faults.c").path
      let outcome = try BlochProcess.shell(
        "$(command -v clang || command -v cc) -shared -fPIC -O1 -o '\(library)' '\(source)' -ldl",
        in: folder.path)
      try #require(outcome.exitCode == 0, "\(outcome.errors)")
    }

    /// Runs `arguments` below `root` with the library loaded.
    func run(_ arguments: String, root: String, _ settings: [String: String] = [:]) throws -> Outcome {
      let environment = settings.merging(["FAULTS_ROOT": root]) { $1 }
      return try BlochProcess.shell(
        "LD_PRELOAD='\(library)' exec $BLOCH \(arguments)", environment: environment, in: folder.path)
    }

    /// A new folder with a deck that writes checkpoints every two steps, frames and lines every step.
    func newRun(_ name: String) throws -> (root: String, deck: String) {
      let root = "\(folder.path)/\(name)"
      try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
      let deck = try folder.writeDeck(
        "w", steps: Faults.steps, "ensemble: nvt\nthermostat: {tau: 50 fs}",
        trajectory: "{every: 1 steps, precision: double}", log: "{every: 1 steps}",
        checkpoint: "{every: 2 steps}")
      return (root, "\(deck) --output-dir \(root)")
    }

    /// The calls of an unbroken run, by name and file's name.
    func calls() throws -> [String] {
      let (root, deck) = try newRun("unbroken")
      let outcome = try run("run \(deck)", root: root, ["FAULTS_LOG": "\(folder.path)/calls"])
      try #require(outcome.exitCode == 0, "\(outcome.errors)")
      return try folder.text("calls").split(separator: "\n").map {
        $0.replacingOccurrences(of: root + "/", with: "").replacingOccurrences(of: root, with: ".")
      }
    }

    /// Whether a run in `root` holds, bit for bit, what the unbroken one does.
    func isComplete(_ root: String) throws -> Bool {
      let (whole, path) = ("\(folder.path)/unbroken", root)
      func bits(_ folder: String) throws -> [[UInt64]] {
        let reader = try H5MDReader("\(folder)/w.trajectory.h5")
        return try (0..<reader.frameCount).map { index in
          let frame = try reader.frame(index)
          return [UInt64(frame.step)]
            + frame.system.positions.flatMap { [$0.x, $0.y, $0.z] }.map(\.bitPattern)
        }
      }
      return try bits(whole) == bits(path)
        && FileManager.default.contentsEqual(atPath: "\(whole)/w.log.tsv", andPath: "\(path)/w.log.tsv")
        && Checkpoint.read("\(path)/w.checkpoint.h5").step == Int64(Faults.steps)
    }
  }

  extension [String] {
    /// Numbers, from 1, of the calls from the end of the second checkpoint to that of the third.
    fileprivate var checkpointCalls: ClosedRange<Int> {
      get throws {
        let ends = indices.filter {
          self[$0] == "fsync ." && $0 > 0 && self[$0 - 1] == "rename w.checkpoint.h5"
        }
        try #require(ends.count >= 3)
        return ends[1] + 2...ends[2] + 2
      }
    }
  }

  /// Puts into `root` what a power cut leaves there.
  private enum PowerCut: String, CaseIterable {
    /// Only names that the folder's fsync had promised, only bytes that the files' had.
    case losesNames
    /// Names as they were, zeros in the place of bytes that were not promised.
    case losesBytes

    func strike(_ root: String, durable: String) throws {
      let manager = FileManager.default
      var names: [(node: String, name: String)] = []
      switch self {
      case .losesNames:
        names = try String(contentsOfFile: "\(durable)/names", encoding: .utf8).split(separator: "\n").map {
          let words = $0.split(separator: " ", maxSplits: 1).map(String.init)
          return (words[0], words[1])
        }.filter { $0.name.hasPrefix("w.") }
      case .losesBytes:
        for name in try manager.contentsOfDirectory(atPath: root) {
          let node = try manager.attributesOfItem(atPath: "\(root)/\(name)")[.systemFileNumber] as? Int
          names.append((String(node ?? 0), name))
        }
      }
      var contents: [String: Data] = [:]
      for (node, name) in names {
        var promised = (try? Data(contentsOf: URL(fileURLWithPath: "\(durable)/\(node)"))) ?? Data()
        if self == .losesBytes {
          let length = try Data(contentsOf: URL(fileURLWithPath: "\(root)/\(name)")).count
          promised = promised.prefix(length) + Data(repeating: 0, count: max(0, length - promised.count))
        }
        contents[name] = promised
      }
      try manager.removeItem(atPath: root)
      try manager.createDirectory(atPath: root, withIntermediateDirectories: true)
      for (name, content) in contents { try content.write(to: URL(fileURLWithPath: "\(root)/\(name)")) }
    }
  }

  @Suite struct DiskFaultTests {
    /// Trajectory and log, then the checkpoint under its temporary name, then its names, then the folder.
    @Test func checkpointCountsOnlyWhatIsOnTheDisk() throws {
      let faults = try Faults()
      let all = try faults.calls()
      let calls = try all.checkpointCalls.map { all[$0 - 1] }.filter { !$0.hasPrefix("write") }
      #expect(
        calls == [
          "fsync w.trajectory.h5", "fsync w.log.tsv", "unlink w.checkpoint.h5.tmp",
          "create w.checkpoint.h5.tmp",
          "fsync w.checkpoint.h5.tmp", "unlink w.checkpoint.previous.h5", "link w.checkpoint.previous.h5",
          "rename w.checkpoint.h5", "fsync .",
        ])
      // At the end of a run, too, nothing is left that the disk has not been told to hold.
      for name in ["w.trajectory.h5", "w.log.tsv", "w.checkpoint.h5.tmp", "w.resolved.yaml.tmp"] {
        let last = try #require(all.lastIndex { $0 == "write \(name)" })
        #expect(all[last...].contains("fsync \(name)"), "\(name)")
      }
    }

    @Test func runKilledBetweenAnyTwoCallsOfACheckpointGoesOnBitForBit() throws {
      let faults = try Faults()
      for call in try faults.calls().checkpointCalls {
        let (root, deck) = try faults.newRun("killed")
        let killed = try faults.run("run \(deck)", root: root, ["FAULTS_KILL": "\(call)"])
        #expect(killed.exitCode == -SIGKILL || killed.exitCode == 128 + SIGKILL)
        let resumed = try BlochProcess.shell("$BLOCH resume \(root)/w.checkpoint.h5", in: faults.folder.path)
        #expect(resumed.exitCode == 0, "call \(call): \(resumed.errors)")
        #expect(try faults.isComplete(root), "call \(call)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: root).count == 6, "call \(call)")
        try FileManager.default.removeItem(atPath: root)
      }
    }

    @Test(arguments: PowerCut.allCases) fileprivate func runThatLosesItsPowerInACheckpointGoesOnBitForBit(
      _ cut: PowerCut
    ) throws {
      let faults = try Faults()
      for call in try faults.calls().checkpointCalls {
        let (root, deck) = try faults.newRun("dark")
        let durable = "\(faults.folder.path)/durable"
        try FileManager.default.createDirectory(atPath: durable, withIntermediateDirectories: true)
        let killed = try faults.run(
          "run \(deck)", root: root, ["FAULTS_KILL": "\(call)", "FAULTS_DURABLE": durable])
        #expect(killed.exitCode == -SIGKILL || killed.exitCode == 128 + SIGKILL)
        try cut.strike(root, durable: durable)
        let resumed = try BlochProcess.shell("$BLOCH resume \(root)/w.checkpoint.h5", in: faults.folder.path)
        #expect(resumed.exitCode == 0, "call \(call): \(resumed.errors)")
        #expect(try faults.isComplete(root), "call \(call)")
        for path in [root, durable] { try FileManager.default.removeItem(atPath: path) }
      }
    }

    /// From the first file on, and in a checkpoint.
    @Test func diskThatIsFullAtAnyCallIsAnErrorAfterWhichTheRunGoesOn() throws {
      let faults = try Faults()
      let all = try faults.calls()
      for call in try Array(1...12) + all.checkpointCalls {
        let (root, deck) = try faults.newRun("full")
        let outcome = try faults.run("run \(deck)", root: root, ["FAULTS_FULL": "\(call)"])
        #expect(outcome.exitCode == 3, "call \(call): \(outcome)")
        #expect(outcome.errors.contains("no space left"), "call \(call): \(outcome.errors)")
        let hasBegun = FileManager.default.fileExists(atPath: "\(root)/w.checkpoint.h5")
        #expect(
          outcome.errors.contains(hasBegun ? "bloch resume" : "run again"), "call \(call): \(outcome.errors)")
        let again = try BlochProcess.shell(
          "$BLOCH " + (hasBegun ? "resume \(root)/w.checkpoint.h5" : "run \(deck)"), in: faults.folder.path)
        #expect(again.exitCode == 0, "call \(call): \(again.errors)")
        #expect(try faults.isComplete(root), "call \(call)")
        try FileManager.default.removeItem(atPath: root)
      }
    }
  }
#endif
