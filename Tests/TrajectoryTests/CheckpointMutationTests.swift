// Checkpoints with a right seal and a wrong content: refused with words, so that a run goes on from the one before.

import Foundation
import HDF5
import Lattice
import Testing

@testable import Trajectory

private let sound = Checkpoint(
  step: 100, system: sampleSystem(), motion: ["chain_velocities": .numbers([0.1, 0.2])],
  plan: ["mesh": .numbers([6, 0.5]), "neighbor_list_positions": .vectors(sampleSystem().positions)],
  observers: ["trajectory": OutputMark(count: 3, digest: "0a").state], deck: "timestep: 0.5 fs\n",
  modelHash: "abc", engineVersion: "0.1.0")

/// Changes of one value each, and what is said of it.
private let wrong: [(place: String, value: StateTree.Value?, words: String)] = [
  ("run/step", .integers([-1]), "holds -1"),
  ("run/step", .integers([.max]), "holds 9223372036854775807"),
  ("run/step", .integers([1, 2]), "holds 2 values, not 1"),
  ("run/step", .numbers([1]), "holds no integers"),
  ("run/deck", nil, "is missing"),
  ("run/deck", .integers([1]), "holds no text"),
  ("run/other", .text(""), "is not known to this program"),
  ("system", nil, "is missing"),
  ("system", .text(""), "is no group"),
  ("system/other", .text(""), "is not known to this program"),
  ("system/positions", .vectors([]), "holds"),
  ("system/positions", .vectors([[0, 0, 0], [0, 0, 1]]), "holds"),
  ("system/positions", .vectors([[0, 0, 0], [0, 0, 1], [0, .nan, 0]]), "holds (0.0, nan, 0.0)"),
  ("system/positions", .vectors([[0, 0, 0], [0, 0, 1], [0, 0, 1e300]]), "holds (0.0, 0.0, 1e+300)"),
  ("system/positions", .numbers([1, 2, 3]), "holds no vectors"),
  ("system/velocities", .vectors([[0, 0, 0], [0, 0, 1], [-.infinity, 0, 0]]), "holds (-inf, 0.0, 0.0)"),
  ("system/cell", .vectors([[1e300, 0, 0], [0, 1e300, 0], [0, 0, 1e300]]), "holds (1e+300, 0.0, 0.0)"),
  ("system/cell", .vectors([[1e-3, 0, 0], [0, 9, 0], [0, 0, 9]]), "the cell has no volume"),
  ("system/masses", .numbers([16, -1, 1]), "atom 2 has the mass -1.0"),
  ("system/masses", .numbers([16, 0, 1]), "atom 2 has the mass 0.0"),
  ("system/masses", .numbers([16, .nan, 1]), "holds a number that is not finite"),
  ("system/atomic_numbers", .integers([0, 1, 1]), "atom 1 has the atomic number 0"),
  ("system/atomic_numbers", .integers([119, 1, 1]), "atom 1 has the atomic number 119"),
  ("system/atomic_numbers", .integers([.min, 1, 1]), "atom 1 has the atomic number"),
  ("system/move_mask", .vectors([[0, 0, 0], [1, 1, 1]]), "holds 2 values, not 3"),
  ("system/move_mask", .vectors([[0, 0, 0], [1, 0.5, 1], [1, 1, 1]]), "holds other numbers than 0 and 1"),
  ("motion/chain_velocities", .numbers([0.1, .nan]), "holds a number that is not finite"),
  ("plan/neighbor_list_positions", .vectors([[0, 0, 1e300]]), "holds (0.0, 0.0, 1e+300)"),
  ("observers/trajectory", .text(""), "is no group"),
  ("other", .group([:]), "is not known to this program"),
]

extension StateTree {
  /// Puts `value` at `path`, whose groups must be there; nil takes away.
  fileprivate mutating func set(_ path: Substring, to value: Value?) {
    guard let end = path.firstIndex(of: "/") else {
      values[String(path)] = value
      return
    }
    let name = String(path[..<end])
    guard case .group(var group)? = values[name] else { preconditionFailure("\(name) is no group") }
    group.set(path[path.index(after: end)...], to: value)
    values[name] = .group(group)
  }
}

@Test(arguments: wrong.indices) func sealedCheckpointsOfWrongContentAreRefusedByName(_ index: Int) throws {
  let scratch = try Scratch()
  let path = scratch.path("run.checkpoint.h5")
  try sound.write(to: path)
  #expect(try Checkpoint.read(path) == sound)
  var tree = sound.tree
  tree.set(wrong[index].place[...], to: wrong[index].value)
  try CheckpointFormat.run.write(tree, to: path)
  do {
    _ = try Checkpoint.read(path)
    Issue.record("\(wrong[index]) is believed")
  } catch TrajectoryError.corruptCheckpoint(let file, let reason) {
    #expect(file == path)
    let words = wrong[index].words
    #expect(
      reason.hasPrefix("/\(wrong[index].place): \(words)") || (words == "holds" && reason.contains(words)),
      "\(reason)")
  }
  #expect(try Checkpoint.read(Checkpoint.previousPath(of: path)) == sound)
}

@Test(arguments: [-1, 1 << 60]) func numbersOfFramesAndBytesThatCannotBeAreRefused(count: Int64) {
  #expect(throws: StateError("count", "holds \(count)")) {
    try OutputMark(["count": .integers([count]), "digest": .text("")])
  }
}

/// A checkpoint's file made by hand, with one dataset of another kind, shape or value.
private func image(_ mutation: inout Mutation) throws -> [UInt8] {
  let file = try HDF5File(inMemory: "checkpoint")
  try file.setAttribute("format", "bloch-checkpoint")
  try file.setAttribute("version", 4)
  let vectors: [Double] = [0, 0, 0, 1, 1, 1]
  let numbers: [(String, [Double], [Int], HDF5StoredType)] = [
    ("/run/step", [7], [1], .int64), ("/system/positions", vectors, [2, 3], .float64),
    ("/system/velocities", vectors, [2, 3], .float64),
    ("/plan/places", vectors, [2, 3], .float64),
    ("/system/cell", [9, 0, 0, 0, 9, 0, 0, 0, 9], [3, 3], .float64),
    ("/system/is_periodic", [1, 1, 1], [3], .uint8), ("/system/atomic_numbers", [8, 1], [2], .int32),
    ("/system/masses", [16, 1], [2], .float64), ("/system/move_mask", [0, 0, 0, 1, 0, 1], [2, 3], .float64),
    ("/motion/a", [1, 2], [2], .float64), ("/observers/c/count", [3], [1], .int64),
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
  for name in ["deck", "model_hash", "engine_version"] where name != "deck" || target != numbers.count {
    try file.write("", to: "/run/\(name)")
  }
  if target == numbers.count + 1 {
    try file.write(1.0, to: mutation.pick(["/other", "/system/other", "/run/half"]))
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
      #expect(read.step >= 0 && read.system.count == 2, "\(mutation.name)")
    } catch TrajectoryError.corruptCheckpoint(let file, _) {
      refusals += 1
      #expect(file == path)
    }
  }
  // Some changes are none: a count of 8 bits, a position elsewhere. Others are of parts that judge for themselves.
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
