// Runs the built `bloch` as a user would.

import Foundation
import Testing

/// What a finished command leaves behind.
struct Outcome {
  let exitCode: Int32
  let output: String
  let errors: String
}

enum BlochProcess {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()
    .deletingLastPathComponent()

  /// The model that ships with Bloch.
  static let model = root.appendingPathComponent("Models/water.h5").path
  /// Eight water molecules at 1 g/mL.
  static let structure = root.appendingPathComponent("Tests/EndToEndTests/water-8.xyz").path

  /// An executable beside the tests.
  static func executable(_ name: String = "bloch") throws -> URL {
    let beside = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    let candidates =
      [beside] + ["tests/release", "release", "debug"].map { root.appendingPathComponent(".build/\($0)") }
    let found = candidates.map { $0.appendingPathComponent(name) }
      .first { FileManager.default.isExecutableFile(atPath: $0.path) }
    return try #require(found, "build the product \(name) first")
  }

  /// Starts a command whose words go to files of `folder`.
  static func start(_ arguments: [String], in folder: String, program: URL? = nil) throws -> Process {
    let process = Process()
    process.executableURL = try program ?? executable()
    process.arguments = arguments
    try start(process, in: folder, streams: "std")
    return process
  }

  private static func start(_ process: Process, in folder: String, streams: String) throws {
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    func file(_ name: String) throws -> FileHandle {
      try Data().write(to: URL(fileURLWithPath: "\(folder)/\(streams)\(name)"))
      return try #require(FileHandle(forWritingAtPath: "\(folder)/\(streams)\(name)"))
    }
    process.standardOutput = try file("out")
    process.standardError = try file("err")
    try process.run()
  }

  static func outcome(of process: Process, in folder: String, streams: String = "std") throws -> Outcome {
    process.waitUntilExit()
    return Outcome(
      exitCode: process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus,
      output: try String(contentsOfFile: "\(folder)/\(streams)out", encoding: .utf8),
      errors: try String(contentsOfFile: "\(folder)/\(streams)err", encoding: .utf8))
  }

  /// Runs `script` by bash, with the program's path as `$BLOCH`. The words go to files of `folder` whose names begin with
  /// `streams`.
  static func shell(
    _ script: String, environment: [String: String] = [:], in folder: String, streams: String = "std"
  ) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["bash", "-c", script]
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
      .merging(["BLOCH": try executable().path]) { $1 }
    try start(process, in: folder, streams: streams)
    return try outcome(of: process, in: folder, streams: streams)
  }

  static func run(_ arguments: [String], in folder: String) throws -> Outcome {
    try outcome(of: start(arguments, in: folder), in: folder)
  }

  /// As `run`, with bounds for the memory that the process may address and for the time that it may take; who needs
  /// longer is killed.
  static func run(
    _ arguments: [String], in folder: String, memoryMegabytes: Int, seconds: Double
  ) throws -> Outcome {
    let process = try start(
      ["-c", "ulimit -v \(memoryMegabytes << 10) && ulimit -c 0 && exec \"$@\"", "sh", executable().path]
        + arguments,
      in: folder,
      program: URL(fileURLWithPath: "/bin/sh"))
    let end = Date(timeIntervalSinceNow: seconds)
    while process.isRunning, Date() < end { usleep(2000) }
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    return try outcome(of: process, in: folder)
  }
}

/// A folder of its own, removed with the object.
final class TemporaryFolder {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent("bloch-\(UUID().uuidString)").path

  init() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes the deck `name`.yaml of eight water molecules; `motion` holds ensemble and thermostat.
  func writeDeck(
    _ name: String, steps: Int, _ motion: String = "ensemble: nve", threads: Int = 1,
    trajectory: String = "{every: 3 steps, forces: true, precision: double}",
    log: String = "{every: 2 steps}",
    checkpoint: String = "{every: 5 steps}", structure: String = BlochProcess.structure
  ) throws -> String {
    let deck = "\(path)/\(name).yaml"
    try """
    structure: \(structure)
    model: \(BlochProcess.model)
    temperature: 300 K
    timestep: 0.5 fs
    steps: \(steps)
    threads: \(threads)
    trajectory: \(trajectory)
    log: \(log)
    checkpoint: \(checkpoint)
    output: {folder: \(path)}
    \(motion)

    """.write(toFile: deck, atomically: true, encoding: .utf8)
    return deck
  }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(path)/\(name)") }

  func text(_ name: String) throws -> String {
    try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)
  }
}
