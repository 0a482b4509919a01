// Writing trajectories so that a killed run leaves a readable file and a full disk an honest one.
//
// Frames are gathered in batches. For every batch: check the free space; lengthen all datasets; write values;
// flush; write steps; flush. A process that is killed between two flushes loses the frames since the last one
// and nothing else; those are computed again from the checkpoint, which holds the number of frames that
// count.

import Foundation
import HDF5
import Lattice

/// Writes an H5MD trajectory.
///
///     let writer = try H5MDWriter(creating: "water.h5", system: system, observables: [...], provenance: ...)
///     try writer.append(step: 100, time: 50, system: system, observables: [energy, temperature])
///     try writer.close()
///
/// Positions are stored unwrapped: they never jump at a cell face, so that displacements are right as they
/// stand.
public final class H5MDWriter {
  public let path: String
  /// Frames appended so far, those in memory included.
  public var frameCount: Int { writtenCount + pending.count }

  private let file: HDF5File
  private let options: H5MDOptions
  private let atomCount: Int
  private var tables: Tables
  private var writtenCount = 0
  private var pending: [Frame] = []
  private var hasFailed = false
  private var content = ContentDigest()
  private let identity: FileIdentity?

  /// The digest of the frames appended so far; a checkpoint keeps it.
  public var digest: String { content.hexadecimal }

  /// Creates a trajectory; an existing file is an error.
  ///
  /// - Parameter columns: of the structure, to be kept beside the atoms.
  /// - Throws: `HDF5Error`, `TrajectoryError`.
  public init(
    creating path: String, system: AtomicSystem, observables: [H5MDObservable],
    columns: [AtomColumn] = [], options: H5MDOptions = H5MDOptions(),
    provenance: Provenance
  ) throws {
    try Disk.requireSpace(system.count * 8, for: path)
    self.path = path
    self.options = options
    atomCount = system.count
    file = try HDF5File(creating: path)
    identity = FileIdentity(path)
    try H5MDWriter.writePreamble(to: file, system: system, columns: columns, provenance: provenance)
    tables = try Tables(creatingIn: file, atomCount: system.count, observables: observables, options: options)
    try file.flush()
  }

  /// Goes on with a trajectory after its first `frameCount` frames, which must have this digest. What follows them
  /// stays until `dropWhatFollows`.
  ///
  /// - Throws: `HDF5Error`; `TrajectoryError.mismatch` if the file holds fewer frames, others, or another system.
  public init(
    resuming path: String, system: AtomicSystem, observables: [H5MDObservable],
    options: H5MDOptions = H5MDOptions(), frameCount: Int, digest: String
  ) throws {
    self.path = path
    self.options = options
    atomCount = system.count
    file = try HDF5File(updating: path)
    identity = FileIdentity(path)
    tables = try Tables(openingIn: file, observables: observables, options: options)
    guard tables.position.rowShape == [system.count, 3] else {
      throw TrajectoryError.mismatch(
        file: path,
        reason: "holds positions of shape \(tables.position.rowShape), the run has \(system.count) atoms")
    }
    for table in tables.all {
      guard table.count >= frameCount else {
        throw TrajectoryError.mismatch(
          file: path,
          reason: "\(table.path) holds \(table.count) frames of the \(frameCount) that the checkpoint counts")
      }
    }
    for frames in tables.blocks(of: 0..<frameCount) {
      for frame in try tables.read(frames, from: path) { content.add(frame, isDouble: options.isDouble) }
    }
    guard content.hexadecimal == digest else {
      throw TrajectoryError.mismatch(
        file: path, reason: "its first \(frameCount) frames are not those that the checkpoint counts")
    }
    writtenCount = frameCount
  }

  /// Steps of the frames after those that count: written by a run that went on beyond its checkpoint. A killed run may
  /// leave frames without a step, which do not matter.
  public func stepsThatFollow() throws -> [Int64] {
    let count = try tables.step.storedCount()
    guard count > writtenCount else { return [] }
    return try tables.step.readIntegers(rows: writtenCount..<count).compactMap { $0 > 0 ? Int64($0) : nil }
  }

  /// Cuts the file back to the frames that count, also where datasets have become of unequal length in a run that was
  /// killed.
  ///
  /// - Throws: `HDF5Error`, `TrajectoryError.mismatch`.
  public func dropWhatFollows() throws {
    for table in tables.all {
      try table.truncate(toCount: writtenCount)
      guard try table.isWhole() else {
        throw TrajectoryError.mismatch(
          file: path, reason: "\(table.path) has lost frames; move the file away")
      }
    }
    try file.flush()
  }

  /// Appends a frame.
  ///
  /// - Parameters:
  ///   - step: number of the time step; larger than that of the frame before.
  ///   - time: in fs; nil where a step is no time. H5MD's readers ask for one: the number of the step stands in its place.
  ///   - forces: in eV/Angstrom; used only if the trajectory stores forces.
  ///   - charges: in e; used only if it stores charges.
  ///   - forceSpreads: in eV/Angstrom; used only if it stores them.
  ///   - observables: values in the order and units of the writer's observables.
  /// - Throws: `TrajectoryError`, `HDF5Error`.
  public func append(
    step: Int64, time: Double?, system: AtomicSystem, forces: [Vector3] = [], charges: [Double] = [],
    forceSpreads: [Double] = [], observables: [Double]
  ) throws {
    precondition(system.count == atomCount && observables.count == tables.observables.count)
    precondition(!options.storesForces || forces.count == atomCount)
    precondition(!options.storesCharges || charges.count == atomCount)
    precondition(!options.storesForceSpreads || forceSpreads.count == atomCount)
    let frame = Frame(
      step: step, time: (time ?? Double(step)) / H5MD.femtosecondsPerPicosecond,
      positions: flat(system.positions, times: 1),
      velocities: options.storesVelocities
        ? flat(system.velocities, times: H5MD.femtosecondsPerPicosecond) : [],
      forces: options.storesForces ? flat(forces, times: Units.kilojoulePerMole) : [],
      charges: options.storesCharges ? charges : [],
      forceSpreads: options.storesForceSpreads ? forceSpreads.map { $0 * Units.kilojoulePerMole } : [],
      species: system.atomicNumbers.map(UInt8.init),
      edges: H5MDWriter.edges(of: system.cell),
      observables: observables)
    content.add(frame, isDouble: options.isDouble)
    pending.append(frame)
    if pending.count >= options.framesPerBatch { try flush() }
  }

  /// Writes the frames in memory and hands every byte to the operating system.
  ///
  /// - Throws: `TrajectoryError.diskFull` before anything is touched, `notWritten` when a write failed.
  public func flush() throws {
    guard !pending.isEmpty else { return }
    guard !hasFailed else {
      throw TrajectoryError.mismatch(file: path, reason: "is not written to after an error")
    }
    let bytes = pending.count * tables.all.reduce(0) { $0 + $1.rowShape.reduce(8, *) }
    do {
      try Disk.requireSpace(bytes, for: path)
      try writeBatch()
    } catch let error as TrajectoryError {
      hasFailed = true
      throw error
    } catch {
      hasFailed = true
      let reason = (error as? HDF5Error)?.pathAndReason ?? "\(error)"
      throw TrajectoryError.notWritten(file: path, bytes: bytes, reason: reason)
    }
    writtenCount += pending.count
    pending.removeAll(keepingCapacity: true)
  }

  /// Flushes and waits until the disk holds every frame; called before a checkpoint counts on them.
  public func synchronize() throws {
    try flush()
    try identity?.requireStillAt(path)
    try Disk.synchronize(path)
  }

  /// Writes what is left, closes the file and waits until the disk holds it. After an error the frames that did not fit
  /// are given up.
  public func close() throws {
    if !hasFailed { try flush() }
    try file.close()
    try identity?.requireStillAt(path)
    try Disk.synchronize(path)
  }

  private func writeBatch() throws {
    for table in tables.all { try table.extend(toCount: writtenCount + pending.count) }
    for (i, frame) in pending.enumerated() {
      let row = writtenCount + i
      try tables.position.write(frame.positions, atRow: row)
      try tables.velocity?.write(frame.velocities, atRow: row)
      try tables.force?.write(frame.forces, atRow: row)
      try tables.charge?.write(frame.charges, atRow: row)
      try tables.forceSpread?.write(frame.forceSpreads, atRow: row)
      try tables.species.write(frame.species, atRow: row)
      try tables.edges.write(frame.edges, atRow: row)
    }
    for (k, table) in tables.observables.enumerated() {
      try table.write(pending.map { $0.observables[k] }, atRow: writtenCount)
    }
    try tables.time.write(pending.map(\.time), atRow: writtenCount)
    // A step that is not zero says that its frame is whole, so the rest must be on its way first.
    try file.flush()
    try tables.step.write(pending.map(\.step), atRow: writtenCount)
    try file.flush()
  }

  private func flat(_ vectors: [Vector3], times factor: Double) -> [Double] {
    vectors.flatMap { [$0.x * factor, $0.y * factor, $0.z * factor] }
  }

  /// Rows of A. ZnH5MD needs edges also of a free cell; zero vectors are what MDAnalysis and ASE take for no
  /// cell.
  private static func edges(of cell: Cell) -> [Double] {
    guard cell.hasPeriodicAxis else { return Array(repeating: 0, count: 9) }
    return (0..<3).flatMap { [cell.given[$0].x, cell.given[$0].y, cell.given[$0].z] }
  }
}
