// Trajectories with one wrong element: read as what they say, or refused with the file's name.

import Foundation
import HDF5
import Lattice
import Testing

@testable import Trajectory

/// What one dataset of a trajectory holds.
private struct Table {
  let path: String
  var rowShape: [Int]
  var type: HDF5StoredType
  var unit: String?
  /// Row-major, three frames.
  var values: [Double]

  func write(to file: HDF5File) throws {
    let rows = try HDF5Rows(creating: path, rowShape: rowShape, chunkRows: 2, as: type, in: file)
    let width = rowShape.reduce(1, *)
    if width > 0 {
      try rows.extend(toCount: values.count / width)
      try rows.write(Array(values.prefix(values.count / width * width)), atRow: 0)
    }
    if let unit { try file.setAttribute("unit", unit, at: path) }
  }
}

/// All that a reader wants of a trajectory of two atoms.
private struct Parts {
  var tables = [
    Table(path: H5MD.position + "/step", rowShape: [], type: .int64, unit: nil, values: [0, 5, 10]),
    Table(path: H5MD.position + "/time", rowShape: [], type: .float64, unit: "ps", values: [0, 0.1, 0.2]),
    Table(
      path: H5MD.position + "/value", rowShape: [2, 3], type: .float32, unit: "Angstrom",
      values: (0..<18).map(Double.init)),
    Table(
      path: H5MD.velocity + "/value", rowShape: [2, 3], type: .float32, unit: "Angstrom ps-1",
      values: (0..<18).map(Double.init)),
    Table(
      path: H5MD.force + "/value", rowShape: [2, 3], type: .float64, unit: "kJ mol-1 Angstrom-1",
      values: (0..<18).map(Double.init)),
    Table(path: H5MD.species + "/value", rowShape: [2], type: .uint8, unit: nil, values: [8, 1, 8, 1, 8, 1]),
    Table(
      path: H5MD.edges + "/value", rowShape: [3, 3], type: .float32, unit: "Angstrom",
      values: (0..<3).flatMap { _ in [9.0, 0, 0, 0, 9, 0, 0, 0, 9] }),
    Table(
      path: H5MD.observables + "/potential_energy/value", rowShape: [], type: .float64, unit: "eV",
      values: [-1, -2, -3]),
  ]
  var masses: [Double] = [16, 1]
  var boundary = ["periodic", "periodic", "none"]

  func write(to path: String) throws {
    let file = try HDF5File(creating: path)
    try file.createGroup(H5MD.box)
    for table in tables { try table.write(to: file) }
    try file.setAttribute("boundary", boundary, at: H5MD.box)
    try file.write(masses, to: H5MD.masses)
    for name in ["deck", "engine_version", "model_hash"] { try file.write("", to: "/parameters/" + name) }
    try file.close()
  }

  mutating func apply(_ mutation: inout Mutation) {
    let k = mutation.number(below: tables.count)
    switch mutation.number(below: 10) {
    case 0: tables[k].type = mutation.pick([.float32, .float64, .int32, .int64, .uint8])
    case 1:
      tables[k].rowShape = mutation.pick([
        [], [1], [2], [3], [0], [2, 3], [3, 2], [2, 1, 3], [1000, 1000, 0],
      ])
    case 2: tables[k].unit = mutation.pick([nil, "nm", "", "Angstrom"])
    case 3: tables.remove(at: k)
    case 4: masses = mutation.pick([[], [16], [16, 1, 1], [16, mutation.pick(extremeNumbers)]])
    case 5:
      boundary = mutation.pick([[], ["periodic"], ["none", "none", "Periodic"], ["none", "none", "none"]])
    default:
      if mutation.number(below: 2) == 0 { tables[k].type = .float64 }
      tables[k].values[mutation.number(below: tables[k].values.count)] = mutation.pick(extremeNumbers)
    }
  }
}

/// Reads all of a trajectory and says what of it no simulation can have written.
private func absurdity(in path: String) throws -> String? {
  let reader = try H5MDReader(path)
  var last: Int64 = -1
  for index in 0..<reader.frameCount {
    let frame = try reader.frame(index)
    let system = frame.system
    guard frame.step > last, frame.time?.isFinite != false else {
      return "step \(frame.step), time \(frame.time ?? .nan)"
    }
    last = frame.step
    let vectors =
      system.positions + system.velocities + (frame.forces ?? []) + (0..<3).map { system.cell.vectors[$0] }
    guard vectors.allSatisfy({ abs($0.x) < 1e8 && abs($0.y) < 1e8 && abs($0.z) < 1e8 }) else {
      return "\(vectors)"
    }
    guard system.atomicNumbers.allSatisfy((1...118).contains) else { return "\(system.atomicNumbers)" }
    guard system.masses.allSatisfy({ $0 > 0 && $0.isFinite }) else { return "\(system.masses)" }
    guard frame.observables.values.allSatisfy(\.isFinite) else { return "\(frame.observables)" }
  }
  return nil
}

@Test func theUnchangedTrajectoryOfTheseTestsIsRead() throws {
  let scratch = try Scratch()
  try Parts().write(to: scratch.path("sound.h5"))
  #expect(try absurdity(in: scratch.path("sound.h5")) == nil)
  #expect(try H5MDReader(scratch.path("sound.h5")).frameCount == 3)
}

@Test func trajectoriesWithAWrongElementAreRefusedByNameOrReadAsTheyAre() throws {
  let scratch = try Scratch()
  var refusals = 0
  for index in Mutations.indices(400) {
    var mutation = Mutation(index)
    var parts = Parts()
    parts.apply(&mutation)
    let path = scratch.path("\(index).h5")
    try parts.write(to: path)
    do {
      if let absurdity = try absurdity(in: path) {
        Issue.record("\(mutation.name): \(absurdity) is believed")
      }
    } catch let error where error is HDF5Error || error is TrajectoryError {
      refusals += 1
      #expect("\(error)".hasPrefix(path), "\(mutation.name): \(error)")
    }
    try FileManager.default.removeItem(atPath: path)
  }
  #expect(refusals > Mutations.indices(400).count / 2)
}

/// Each is believed, or ends in a trap, where it is not checked.
@Test(arguments: [
  ("/particles/trajectory/position/step", 2, 5.0, "step 5 comes after 5"),
  ("/particles/trajectory/position/time", 1, .nan, "the time is nan"),
  ("/particles/trajectory/position/value", 13, .infinity, "atom 1 has (12.0, inf, 14.0)"),
  ("/particles/trajectory/species/value", 3, 0, "atom 2 has the atomic number 0"),
  ("/particles/trajectory/box/edges/value", 0, 0.01, "the cell has no volume"),
  ("/observables/trajectory/potential_energy/value", 0, -.infinity, "the value is -inf"),
])
func theFrameAndTheElementOfDamageAreNamed(path: String, place: Int, value: Double, words: String) throws {
  let scratch = try Scratch()
  var parts = Parts()
  let k = try #require(parts.tables.firstIndex { $0.path == path })
  parts.tables[k].values[place] = value
  try parts.write(to: scratch.path("a.h5"))
  let reader = try H5MDReader(scratch.path("a.h5"))
  let frame = place / parts.tables[k].rowShape.reduce(1, *)
  do {
    _ = try reader.frame(frame)
    Issue.record("frame \(frame) is believed")
  } catch let error as TrajectoryError {
    #expect("\(error)".contains("\(path), frame \(frame)"), "\(error)")
    #expect("\(error)".contains(words), "\(error)")
  }
}

@Test func valuesThatDoNotApplyAreLeftOut() throws {
  let scratch = try Scratch()
  var parts = Parts()
  let k = try #require(parts.tables.firstIndex { $0.path.contains("potential_energy") })
  parts.tables[k].values[1] = .nan
  try parts.write(to: scratch.path("a.h5"))
  let reader = try H5MDReader(scratch.path("a.h5"))
  #expect(try reader.frame(0).observables == ["potential_energy": -1])
  #expect(try reader.frame(1).observables.isEmpty)
}

@Test func tablesOfMoreRowsThanTheFileHoldsEndWithItsChunks() throws {
  let scratch = try Scratch()
  try Parts().write(to: scratch.path("a.h5"))
  let file = try HDF5File(updating: scratch.path("a.h5"))
  for table in Parts().tables { try HDF5Rows(opening: table.path, in: file).extend(toCount: 1 << 40) }
  try file.close()
  let reader = try H5MDReader(scratch.path("a.h5"))
  #expect(reader.frameCount == 3)
  #expect(reader.incompleteCount == 1 << 40 - 3)
}
