import Foundation
import HDF5
import Lattice
import Testing

@testable import Trajectory

private let provenance = Provenance(
  engineVersion: "0.1.0", modelHash: "abc123", deck: "timestep: 0.5 fs\n# Å\n")
private let observables = [
  H5MDObservable(name: "potential_energy", unit: "eV"), H5MDObservable(name: "temperature", unit: "K"),
]

/// Frame `i` of a made-up run.
private func sampleFrame(_ i: Int, isPeriodic: [Bool]) -> (
  system: AtomicSystem, forces: [Vector3], values: [Double]
) {
  var system = sampleSystem(isPeriodic: isPeriodic)
  for atom in 0..<system.count { system.positions[atom] += system.velocities[atom] * (50 * Double(i)) }
  return (system, system.positions.map { $0 * -0.1 }, [-14 - 0.1 * Double(i), 300 + Double(i) / 3])
}

private func append(_ range: Range<Int>, to writer: H5MDWriter, isPeriodic: [Bool] = [true, true, true])
  throws
{
  for i in range {
    let frame = sampleFrame(i, isPeriodic: isPeriodic)
    try writer.append(
      step: Int64(i) * 100, time: Double(i) * 50, system: frame.system, forces: frame.forces,
      observables: frame.values)
  }
}

private func writeSample(
  _ path: String, frames: Int, isPeriodic: [Bool] = [true, true, true], options: H5MDOptions
) throws {
  let writer = try H5MDWriter(
    creating: path, system: sampleSystem(isPeriodic: isPeriodic), observables: observables, options: options,
    provenance: provenance)
  try append(0..<frames, to: writer, isPeriodic: isPeriodic)
  try writer.close()
}

/// The digest of the first frames of what `writeSample` writes.
private func digest(ofFirst frames: Int, options: H5MDOptions) throws -> String {
  let scratch = try Scratch()
  let writer = try H5MDWriter(
    creating: scratch.path("first.h5"), system: sampleSystem(), observables: observables, options: options,
    provenance: provenance)
  try append(0..<frames, to: writer)
  return writer.digest
}

@Test(arguments: [true, false])
func trajectoriesSurviveARoundTrip(isDouble: Bool) throws {
  let scratch = try Scratch()
  let path = scratch.path("a.h5")
  try writeSample(
    path, frames: 23, options: H5MDOptions(storesForces: true, isDouble: isDouble, framesPerBatch: 10))
  let reader = try H5MDReader(path)
  #expect(reader.frameCount == 23)
  #expect(reader.atomCount == 3)
  #expect(reader.provenance == provenance)
  #expect(reader.observables == observables)
  // Relative rounding of the stored type, and twice that of Double for the change of units.
  let rounding = (isDouble ? 0 : Double(Float.ulpOfOne) / 2) + 2 * Double.ulpOfOne
  for i in 0..<23 {
    let frame = try reader.frame(i)
    let expected = sampleFrame(i, isPeriodic: [true, true, true])
    #expect(frame.step == Int64(i) * 100)
    #expect(frame.time == Double(i) * 50)
    #expect(frame.system.atomicNumbers == [8, 1, 1])
    #expect(frame.system.masses == expected.system.masses)
    #expect(frame.observables == ["potential_energy": expected.values[0], "temperature": expected.values[1]])
    for (read, exact) in [
      (frame.system.positions, expected.system.positions),
      (frame.system.velocities, expected.system.velocities),
      (try #require(frame.forces), expected.forces),
      ((0..<3).map { frame.system.cell.vectors[$0] }, (0..<3).map { expected.system.cell.vectors[$0] }),
    ] {
      for (a, b) in zip(read, exact) {
        for axis in 0..<3 { #expect(abs(a[axis] - b[axis]) <= rounding * abs(b[axis])) }
      }
    }
  }
}

@Test func resumingDropsFramesBeyondTheCheckpointAndGoesOnWithTheSameBits() throws {
  let scratch = try Scratch()
  let options = H5MDOptions(storesForces: true, framesPerBatch: 4)
  try writeSample(scratch.path("whole.h5"), frames: 12, options: options)
  try writeSample(scratch.path("parts.h5"), frames: 9, options: options)
  let writer = try H5MDWriter(
    resuming: scratch.path("parts.h5"), system: sampleSystem(), observables: observables, options: options,
    frameCount: 6, digest: digest(ofFirst: 6, options: options))
  #expect(writer.frameCount == 6)
  #expect(try writer.stepsThatFollow() == [600, 700, 800])
  try writer.dropWhatFollows()
  try append(6..<12, to: writer)
  try writer.close()

  let whole = try HDF5File(reading: scratch.path("whole.h5"))
  let parts = try HDF5File(reading: scratch.path("parts.h5"))
  for path in [
    "position/step", "position/time", "position/value", "velocity/value", "force/value", "species/value",
    "box/edges/value",
  ].map({ "/particles/trajectory/" + $0 }) + ["/observables/trajectory/temperature/value"] {
    let a = try whole.readDoubles(path)
    let b = try parts.readDoubles(path)
    #expect(a.values.map(\.bitPattern) == b.values.map(\.bitPattern) && a.shape == b.shape, "\(path)")
  }
}

@Test func raggedDatasetsAreReadToTheirCommonLengthAndRepairedOnResuming() throws {
  let scratch = try Scratch()
  let path = scratch.path("a.h5")
  let options = H5MDOptions()
  try writeSample(path, frames: 8, options: options)
  let file = try HDF5File(updating: path)
  try HDF5Rows(opening: "/particles/trajectory/velocity/value", in: file).truncate(toCount: 7)
  // Lengthened but not yet filled: the step of the last frame is zero.
  try HDF5Rows(opening: "/particles/trajectory/position/step", in: file).truncate(toCount: 6)
  try HDF5Rows(opening: "/particles/trajectory/position/step", in: file).extend(toCount: 9)
  try file.close()
  #expect(try H5MDReader(path).frameCount == 6)

  let writer = try H5MDWriter(
    resuming: path, system: sampleSystem(), observables: observables, options: options, frameCount: 5,
    digest: digest(ofFirst: 5, options: options))
  try writer.dropWhatFollows()
  try append(5..<7, to: writer)
  try writer.close()
  let reader = try H5MDReader(path)
  #expect(reader.frameCount == 7)
  #expect(try reader.frame(6).step == 600)
  #expect(try HDF5File(reading: path).shape(of: "/particles/trajectory/species/value") == [7, 3])
}

@Test func resumingRefusesFilesThatDoNotFit() throws {
  let scratch = try Scratch()
  let path = scratch.path("a.h5")
  let options = H5MDOptions()
  try writeSample(path, frames: 3, options: options)
  func resume(_ system: AtomicSystem, _ frameCount: Int) throws {
    _ = try H5MDWriter(
      resuming: path, system: system, observables: observables, options: options, frameCount: frameCount,
      digest: digest(ofFirst: 3, options: options))
  }
  try resume(sampleSystem(), 3)
  #expect(throws: TrajectoryError.self) { try resume(sampleSystem(), 2) }
  #expect(throws: TrajectoryError.self) { try resume(sampleSystem(), 4) }
  let other = AtomicSystem(cell: .free, atomicNumbers: [2], masses: [4], positions: [.zero])
  #expect(throws: TrajectoryError.self) { try resume(other, 3) }
  #expect(throws: HDF5Error.self) {
    try writeSample(path, frames: 1, options: options)
  }
}

@Test(arguments: [false, true]) func framesThatAreNotThoseThatCountAreRefused(isDouble: Bool) throws {
  let scratch = try Scratch()
  let path = scratch.path("a.h5")
  let options = H5MDOptions(storesForces: true, isDouble: isDouble)
  try writeSample(path, frames: 8, options: options)
  let digest = try digest(ofFirst: 8, options: options)
  func resume() throws {
    _ = try H5MDWriter(
      resuming: path, system: sampleSystem(), observables: observables, options: options, frameCount: 8,
      digest: digest)
  }
  try resume()
  for (table, width) in [
    ("position/value", 9), ("velocity/value", 9), ("force/value", 9), ("position/time", 1),
  ] {
    let file = try HDF5File(updating: path)
    let rows = try HDF5Rows(opening: "/particles/trajectory/" + table, in: file)
    let before = try rows.readDoubles(row: 3)
    #expect(before.count == width)
    try rows.write([Double](repeating: 0, count: width), atRow: 3)
    try file.flush()
    #expect(throws: TrajectoryError.self, "\(table)") { try resume() }
    try rows.write(before, atRow: 3)
    try file.close()
    try resume()
  }
}

/// h5py, MDAnalysis and others take a shared lock with the first look at a file.
@Test func aReaderThatLocksAndAWriterDoNotMeet() throws {
  let scratch = try Scratch()
  let path = scratch.path("a.h5")
  let options = H5MDOptions(framesPerBatch: 1)
  let writer = try H5MDWriter(
    creating: path, system: sampleSystem(), observables: observables, options: options, provenance: provenance
  )
  try append(0..<3, to: writer)
  let reader = open(path, O_RDONLY)
  defer { close(reader) }
  #expect(flock(reader, LOCK_SH | LOCK_NB) == 0)
  #expect(try H5MDReader(path).frameCount == 3)
  try append(3..<5, to: writer)
  let digest = writer.digest
  try writer.close()
  _ = try H5MDWriter(
    resuming: path, system: sampleSystem(), observables: observables, options: options, frameCount: 5,
    digest: digest)
}

@Test func oneRunAtATimeHoldsTheLockOfAnOutput() throws {
  let scratch = try Scratch()
  let path = scratch.path("a.lock")
  do {
    let lock = try OutputLock(path)
    do {
      _ = try OutputLock(path)
      Issue.record("a second run took the lock")
    } catch TrajectoryError.inUse(let file, let holder) {
      #expect(file == path && holder.contains("process \(getpid())"))
    }
    withExtendedLifetime(lock) {}
  }
  #expect(!FileManager.default.fileExists(atPath: path))
  // What a killed run leaves.
  try Data("process 1 on moon".utf8).write(to: URL(fileURLWithPath: path))
  _ = try OutputLock(path)
  #expect(!FileManager.default.fileExists(atPath: path))
}

@Test func filesThatAreNoTrajectoryAreRefused() throws {
  let scratch = try Scratch()
  let file = try HDF5File(creating: scratch.path("model.h5"))
  try file.setAttribute("format", "bloch-model")
  try file.close()
  #expect(throws: TrajectoryError.self) { try H5MDReader(scratch.path("model.h5")) }
  #expect(throws: HDF5Error.self) { try H5MDReader(scratch.path("absent.h5")) }
}

/// The acceptance probe beside this repository opens files with MDAnalysis and ZnH5MD.
private let acceptance = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .appending(path: "../../../shared/tools/h5md_accept.py").standardizedFileURL
private let canAccept =
  FileManager.default.fileExists(atPath: acceptance.path)
  && (try? runTool([python, "-c", "import h5py, MDAnalysis, znh5md"]).status) == 0

@Test(
  .enabled(
    if: canAccept, "needs ../shared/tools/h5md_accept.py and a Python (BLOCH_PYTHON) with MDAnalysis, znh5md"),
  arguments: [[true, true, true], [true, true, false], [false, false, false]])
func trajectoriesOpenInMDAnalysisAndZnH5MD(isPeriodic: [Bool]) throws {
  let scratch = try Scratch()
  let path = scratch.path("a.h5")
  try writeSample(path, frames: 12, isPeriodic: isPeriodic, options: H5MDOptions(storesForces: true))
  let result = try runTool([python, acceptance.path, path])
  #expect(result.status == 0, "\(result.output)")
}
