import Foundation
import Lattice
import Testing

@testable import Trajectory

/// A new folder, removed when the test ends.
final class Scratch {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "bloch-trajectory-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appending(path: name).path }

  func write(_ text: String, to name: String) throws -> String {
    try Data(text.utf8).write(to: url.appending(path: name))
    return path(name)
  }
}

/// Three water-like atoms in a triclinic cell, moving, one of them fixed, one along y.
func sampleSystem(isPeriodic: [Bool] = [true, true, true]) -> AtomicSystem {
  AtomicSystem(
    cell: Cell(vectors: Matrix3([7.1, 0, 0], [1.3, 6.9, 0], [-0.7, 0.4, 8.2]), isPeriodic: isPeriodic),
    atomicNumbers: [8, 1, 1], masses: [15.999, 1.008, 2.014],
    positions: [[0.1, -0.2, 0.119], [0, 0.763, -12.477], [1 / 3, -0.763, 9.477]],
    velocities: [[0.001, -0.002, 0.0005], [0.01, 0, -0.02], [1 / 7, 0, 0]],
    moveMask: [[0, 0, 0], [1, 1, 1], [1, 0, 1]])
}

/// The Python that the tests of other programs' readers use.
let python = ProcessInfo.processInfo.environment["BLOCH_PYTHON"] ?? "python3"

/// Runs a program to its end.
func runTool(_ arguments: [String]) throws -> (status: Int32, output: String) {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = arguments
  let pipe = Pipe()
  process.standardOutput = pipe
  process.standardError = pipe
  try process.run()
  let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
  process.waitUntilExit()
  return (process.terminationStatus, String(decoding: output, as: UTF8.self))
}

/// The only structure of `text` under the name `name`.
func structure(_ text: String, _ name: String) throws -> Configuration {
  let scratch = try Scratch()
  return try #require(try StructureReader.read(scratch.write(text, to: name), frame: nil))
}

func refusal(_ text: String, _ name: String) throws -> String {
  let scratch = try Scratch()
  let path = try scratch.write(text, to: name)
  let error = #expect(throws: StructureError.self) { try StructureReader.read(path, frame: .number(1)) }
  return (error?.description ?? "").replacingOccurrences(of: path, with: name)
}

func expect(_ a: Vector3, _ b: Vector3, _ tolerance: Double = 1e-12) {
  #expect(length(a - b) < tolerance, "\(a) is not \(b)")
}
