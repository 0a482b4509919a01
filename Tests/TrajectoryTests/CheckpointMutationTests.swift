// Checkpoints with a right seal and a wrong content: refused with words, so that a run goes on from the one before.

import Foundation
import HDF5
import Lattice
import Testing

@testable import Trajectory

private let sound = Checkpoint(
  step: 100, system: sampleSystem(),
  plan: EvaluationPlan(
    cell: sampleSystem().cell, positions: sampleSystem().positions, choices: ["attention": "mesh"]),
  arrays: ["chain_velocities": [0.1, 0.2], "mesh": [6, 0.5]],
  outputs: ["trajectory": OutputMark(count: 3, digest: "0a"), "log": OutputMark(count: 400, digest: "0b")],
  deck: "timestep: 0.5 fs\n", modelHash: "abc", engineVersion: "0.1.0")

private let wrong: [(name: String, change: @Sendable (inout Checkpoint) -> Void)] = [
  ("a plan without positions", { $0.plan.positions = [] }),
  ("a plan of one atom too few", { $0.plan.positions.removeLast() }),
  ("a position that is no number in the plan", { $0.plan.positions[1].y = .nan }),
  ("a plan for a cell of 1e300", { $0.plan.cell = Cell(vectors: .identity * 1e100) }),
  ("no atoms", { $0.positions = [] }),
  ("a shortened list of positions", { $0.positions.removeLast() }),
  ("a position that is no number", { $0.positions[2].z = .nan }),
  ("a position beyond any simulation", { $0.positions[2].z = 1e300 }),
  ("a velocity that is not finite", { $0.velocities[0].x = -.infinity }),
  ("a cell of 1e300", { $0.cell = Cell(vectors: Matrix3([1e300, 0, 0], [0, 1e300, 0], [0, 0, 1e300])) }),
  ("a cell of 1e-3", { $0.cell = Cell(vectors: Matrix3([1e-3, 0, 0], [0, 9, 0], [0, 0, 9])) }),
  ("a mass of -1", { $0.masses[1] = -1 }),
  ("a mass of 0", { $0.masses[1] = 0 }),
  ("a mass that is no number", { $0.masses[1] = .nan }),
  ("element 0", { $0.atomicNumbers[0] = 0 }),
  ("element 119", { $0.atomicNumbers[0] = 119 }),
  ("one flag too few", { $0.isFixed.removeLast() }),
  ("a negative step", { $0.step = -1 }),
  ("a step near 2^63", { $0.step = .max }),
  ("a variable that is not finite", { $0.arrays["chain_velocities"] = [0.1, .nan] }),
  ("a negative number of frames", { $0.outputs["trajectory"]?.count = -1 }),
  ("more bytes of a log than there can be", { $0.outputs["log"]?.count = .max }),
]

@Test(arguments: wrong.indices) func sealedCheckpointsOfWrongContentAreRefused(_ index: Int)
  throws
{
  let scratch = try Scratch()
  let path = scratch.path("run.checkpoint.h5")
  try sound.write(to: path)
  #expect(try Checkpoint.read(path) == sound)
  var changed = sound
  wrong[index].change(&changed)
  try changed.write(to: path)
  do {
    _ = try Checkpoint.read(path)
    Issue.record("\(wrong[index].name) is believed")
  } catch TrajectoryError.corruptCheckpoint(let file, let reason) {
    #expect(file == path && !reason.isEmpty)
  }
  #expect(try Checkpoint.read(Checkpoint.previousPath(of: path)) == sound)
}

/// A checkpoint's file made by hand, with one dataset of another kind, shape or value.
private func image(_ mutation: inout Mutation) throws -> [UInt8] {
  let file = try HDF5File(inMemory: "checkpoint")
  try file.setAttribute("format", "bloch-checkpoint")
  try file.setAttribute("version", 3)
  try file.setAttribute("engine_version", "")
  try file.setAttribute("model_hash", "")
  let vectors: [Double] = [0, 0, 0, 1, 1, 1]
  let numbers: [(String, [Double], [Int], HDF5StoredType)] = [
    ("/step", [7], [], .int64), ("/positions", vectors, [2, 3], .float64),
    ("/velocities", vectors, [2, 3], .float64),
    ("/plan/positions", vectors, [2, 3], .float64),
    ("/plan/cell", [9, 0, 0, 0, 9, 0, 0, 0, 9], [3, 3], .float64),
    ("/cell", [9, 0, 0, 0, 9, 0, 0, 0, 9], [3, 3], .float64),
    ("/is_periodic", [1, 1, 1], [3], .uint8), ("/atomic_numbers", [8, 1], [2], .int32),
    ("/masses", [16, 1], [2], .float64), ("/is_fixed", [0, 1], [2], .uint8),
    ("/arrays/a", [1, 2], [2], .float64),
    ("/outputs/c", [3], [], .int64),
  ]
  let target = mutation.number(below: numbers.count + 2)
  for (k, (path, original, shape, type)) in numbers.enumerated() {
    var (values, shape, type) = (original, shape, type)
    if k == target {
      switch mutation.number(below: 6) {
      case 0: continue
      case 1: type = mutation.pick([.float32, .float64, .int64, .int32, .uint8])
      case 2: shape = shape.reversed()
      case 3: (values, shape) = ([], [0])
      case 4: (values, shape) = (values + values, [2] + shape)
      default: values[mutation.number(below: values.count)] = mutation.pick(extremeNumbers)
      }
    }
    try file.write(values, shape: shape, to: path, as: type)
  }
  if try file.exists("/outputs/c") { try file.setAttribute("digest", "", at: "/outputs/c") }
  if target != numbers.count { try file.write("", to: "/deck") }
  try file.write("k-sum", to: "/plan/choices/attention")
  if target == numbers.count + 1 {
    try file.write(1.0, to: mutation.pick(["/other", "/arrays/group/array", "/outputs/half"]))
  }
  let bytes = try file.image()
  try file.close()
  return bytes
}

@Test func sealedCheckpointsWithAWrongDatasetAreRefusedByNameOrReadAsTheyAre() throws {
  let scratch = try Scratch()
  let path = scratch.path("a.checkpoint.h5")
  var refusals = 0
  for index in Mutations.indices(300) {
    var mutation = Mutation(index)
    try Data(FileSeal.sealed(image(&mutation))).write(to: URL(fileURLWithPath: path))
    do {
      let read = try Checkpoint.read(path)
      #expect(read.flaw == nil && read.step >= 0, "\(mutation.name)")
      #expect(read.plan.positions.count == 2 && read.system.count == 2, "\(mutation.name)")
    } catch TrajectoryError.corruptCheckpoint(let file, _) {
      refusals += 1
      #expect(file == path)
    }
  }
  // Some changes are none: a count of 8 bits, a position elsewhere.
  #expect(refusals > Mutations.indices(300).count / 2 && refusals < Mutations.indices(300).count)
}

@Test func filesThatAreNoFilesAreRefusedWithoutWaiting() throws {
  let scratch = try Scratch()
  let pipe = scratch.path("pipe.checkpoint.h5")
  #expect(mkfifo(pipe, 0o600) == 0)
  for path in [pipe, scratch.url.path, "/dev/zero"] {
    #expect(throws: TrajectoryError.corruptCheckpoint(file: path, reason: "is not a file")) {
      try Checkpoint.read(path)
    }
  }
}

/// A file of 1 TB with nothing in it but its length.
@Test func aHugeFileWithoutASealIsNotReadToItsEnd() throws {
  let scratch = try Scratch()
  let path = try scratch.write("BLOCH256", to: "huge.checkpoint.h5")
  try #require(truncate(path, 1 << 40) == 0)
  #expect(
    throws: TrajectoryError.corruptCheckpoint(file: path, reason: "the file is truncated, or not sealed")
  ) {
    try Checkpoint.read(path)
  }
}
