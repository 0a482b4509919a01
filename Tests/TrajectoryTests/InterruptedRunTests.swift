// Runs that end badly, each in a process of its own: killed while they write, or out of disk space.

#if compiler(>=6.3)

  import Foundation
  import HDF5
  import Lattice
  import Testing

  @testable import Trajectory

  private let system = AtomicSystem(
    cell: Cell(vectors: Matrix3([12, 0, 0], [0, 12, 0], [0, 0, 12])),
    atomicNumbers: Array(repeating: 8, count: 192),
    masses: Array(repeating: 16, count: 192), positions: Array(repeating: [1, 2, 3], count: 192))
  private let observables = [H5MDObservable(name: "potential_energy", unit: "eV")]
  private let options = H5MDOptions(framesPerBatch: 1)

  private func frame(_ i: Int) -> AtomicSystem {
    var moved = system
    for atom in 0..<moved.count { moved.positions[atom] = [Double(atom), 1, Double(i)] }
    return moved
  }

  /// Appends frames up to `end`, flushing each, and notes every fifth in a file as a checkpoint would.
  private func write(_ path: String, until end: Int) throws {
    let note = URL(fileURLWithPath: path + ".frames")
    let writer: H5MDWriter
    if let words = try? String(contentsOf: note, encoding: .utf8).split(separator: " "),
      let count = Int(words[0])
    {
      writer = try H5MDWriter(
        resuming: path, system: system, observables: observables, options: options, frameCount: count,
        digest: String(words[1]))
      try writer.dropWhatFollows()
    } else {
      try? FileManager.default.removeItem(atPath: path)
      writer = try H5MDWriter(
        creating: path, system: system, observables: observables, options: options,
        provenance: Provenance(engineVersion: "", modelHash: "", deck: ""))
    }
    for i in writer.frameCount..<end {
      try writer.append(step: Int64(i), time: Double(i), system: frame(i), observables: [Double(i)])
      if (i + 1) % 5 == 0 { try Data("\(i + 1) \(writer.digest)".utf8).write(to: note, options: .atomic) }
    }
    try writer.close()
  }

  private func notedFrames(_ path: String) throws -> Int {
    let words = try String(contentsOfFile: path + ".frames", encoding: .utf8).split(separator: " ")
    return try #require(Int(words[0]))
  }

  private func killSelf(afterMicroseconds delay: UInt32) {
    let thread = Thread {
      usleep(delay)
      kill(getpid(), SIGKILL)
    }
    thread.start()
  }

  @Test func runsKilledWhileTheyWriteResumeWithoutGapOrDuplicate() async throws {
    let scratch = try Scratch()
    let path = scratch.path("a.h5")
    var (kills, patience) = (0, 1)
    // On a busy machine the first of them may come before the first checkpoint, which is given twice the time then.
    while kills < 10 || !FileManager.default.fileExists(atPath: path + ".frames"), kills < 20 {
      let delay = UInt32(patience * (20_000 + 13_337 * kills % 90_000))
      kills += 1
      await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, delay = delay as UInt32] in
        killSelf(afterMicroseconds: delay)
        try write(path, until: .max)
      }
      // What a killed run leaves can be read as it is.
      if FileManager.default.fileExists(atPath: path + ".frames") {
        #expect(try H5MDReader(path).frameCount >= notedFrames(path))
      } else {
        patience = min(2 * patience, 64)
      }
    }
    let noted = try notedFrames(path)
    try write(path, until: noted + 30)
    let reader = try H5MDReader(path)
    #expect(reader.frameCount == noted + 30)
    for i in 0..<reader.frameCount {
      let read = try reader.frame(i)
      #expect(read.step == Int64(i))
      #expect(read.system.positions[191] == [191, 1, Double(i)])
      #expect(read.observables == ["potential_energy": Double(i)])
    }
  }

  /// The file may not grow beyond a limit, as on a disk that someone else has just filled: HDF5's own writes
  /// fail.
  @Test func aFailedWriteIsATypedErrorAndLeavesAReadableFile() async throws {
    let scratch = try Scratch()
    let path = scratch.path("a.h5")
    await #expect(processExitsWith: .exitCode(3)) { [path = path as String] in
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 300_000, rlim_max: 300_000)
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      do { try write(path, until: .max) } catch TrajectoryError.notWritten(let file, let bytes, _) {
        // The exit handlers of the C library run and must not crash.
        exit(file == path && bytes > 0 ? 3 : 4)
      }
    }
    let noted = try notedFrames(path)
    do {
      let reader = try H5MDReader(path)
      #expect(reader.frameCount >= noted)
      for i in 0..<reader.frameCount {
        #expect(try reader.frame(i).system.positions[5] == [5, 1, Double(i)])
      }
    }
    try write(path, until: noted + 30)
    #expect(try H5MDReader(path).frameCount == noted + 30)
  }

  private let canMount: Bool = {
    guard getuid() == 0, let scratch = try? Scratch(), (try? mountSmallDisk(on: scratch)) == 0 else {
      return false
    }
    return (try? run("/usr/bin/umount", scratch.url.path)) == 0
  }()

  private func mountSmallDisk(on scratch: Scratch) throws -> Int32 {
    try run("/usr/bin/mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", scratch.url.path)
  }

  private func run(_ tool: String, _ arguments: String...) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: tool)
    process.arguments = arguments
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }

  @Test(.enabled(if: canMount, "needs root to mount a small tmpfs"))
  func aFullDiskIsNoticedBeforeItDamagesAnything() async throws {
    let scratch = try Scratch()
    #expect(try mountSmallDisk(on: scratch) == 0)
    // Lazily: a process started by another test may have inherited an open file.
    defer { _ = try? run("/usr/bin/umount", "-l", scratch.url.path) }
    let path = scratch.path("a.h5")
    let checkpoint = Checkpoint(
      step: 1, system: system, deck: "", modelHash: "", engineVersion: "")
    try checkpoint.write(to: scratch.path("run.checkpoint.h5"))
    await #expect(processExitsWith: .exitCode(3)) { [path = path as String] in
      do { try write(path, until: .max) } catch TrajectoryError.diskFull(let file, let needed, let available)
      {
        exit(file == path && needed > available ? 3 : 4)
      }
    }
    #expect(try H5MDReader(path).frameCount > 100)
    #expect(try Checkpoint.read(scratch.path("run.checkpoint.h5")) == checkpoint)

    // The last megabyte goes as well: a new checkpoint no longer fits, the old one stays.
    let filler = try Data(repeating: 1, count: 2 << 20)
    #expect(throws: (any Error).self) { try filler.write(to: scratch.url.appending(path: "filler")) }
    var next = checkpoint
    next.step = 2
    #expect(throws: TrajectoryError.self) { try next.write(to: scratch.path("run.checkpoint.h5")) }
    #expect(try Checkpoint.read(scratch.path("run.checkpoint.h5")).step == 1)
  }

#endif
