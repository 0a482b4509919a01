// From a trajectory, or the configuration in a checkpoint, to files of other programs.
//
// The stress is that of the potential, sigma = (1/V) sum m v (x) v - p, from the pressure tensor p and the velocities of a frame.

import Analysis
import Deck
import Diagnostics
import Foundation
import HDF5
import Lattice
import Trajectory

/// What is written of a trajectory, and how.
public struct ExportOptions: Sendable {
  public enum Format: String, CaseIterable, Sendable { case xyz, dcd }
  /// Where an atom that has left the cell is: where it has gone, inside the cell, or with its molecule, whose centre is inside.
  public enum Positions: String, CaseIterable, Sendable { case unwrapped, wrapped, whole }
  public enum Field: String, CaseIterable, Sendable { case velocities, forces, stress, charges }
  public enum Stride: Sendable {
    /// Every n-th frame, beginning with the first.
    case frames(Int)
    /// Frames so far apart in fs, beginning with the first.
    case time(Double)
  }

  /// Nil for the one that the name of the file says: DCD for `.dcd`, else extended XYZ.
  public var format: Format?
  public var every = Stride.frames(1)
  /// Times of the run in fs between which frames are taken; nil for no bound.
  public var from: Double?
  public var to: Double?
  public var positions = Positions.unwrapped
  /// Nil for all that the trajectory has and the format holds.
  public var fields: Set<Field>?

  public init() {}
}

/// Writes the chosen frames of the trajectory `path` to a new file, or to the standard output where `output` is `-`; of a
/// checkpoint, its one configuration. The trajectory may be that of a run in progress; frames that it lacks are a warning.
/// - Returns: the number of frames written.
/// - Throws: `HDF5Error`, `TrajectoryError`, `UsageError` for what the trajectory does not have; no file is then left.
public func exportTrajectory(
  _ path: String, to output: String, _ options: ExportOptions = ExportOptions(),
  events: EventHandler = { _ in }
) throws -> Int {
  guard !FileSeal.isPresent(path) else { return try exportCheckpoint(path, to: output, options) }
  let reader = try H5MDReader(path)
  let total = reader.frameCount + reader.incompleteCount
  guard reader.frameCount > 0 else {
    throw TrajectoryError.mismatch(file: path, reason: "none of its \(total) frames is complete")
  }
  if reader.incompleteCount > 0 {
    try events(
      .warning(
        Diagnostic(
          severity: .warning, file: path,
          "the last \(reader.incompleteCount) of \(total) frames are incomplete and left out")))
  }
  let frames = try options.frames(of: reader)
  let fields = try options.fields(of: reader)
  let place = try options.placement(of: reader.frame(0).system, file: path)
  switch try options.format(of: output) {
  case .xyz:
    let writer = try ExtendedXYZWriter(creating: output)
    for index in frames {
      try writer.append(configuration(of: reader.frame(index), of: reader, fields, place))
    }
    try writer.close()
  case .dcd:
    let writer = try DCDWriter(
      creating: output, atomCount: reader.atomCount, header: header(of: frames, in: reader, events))
    for index in frames {
      var system = try reader.frame(index).system
      system.positions = place(system)
      try writer.append(system)
    }
    try writer.close()
  }
  return frames.count
}

/// One frame with what `fields` asks for.
private func configuration(
  of frame: H5MDFrame, of reader: H5MDReader, _ fields: Set<ExportOptions.Field>,
  _ place: (AtomicSystem) -> [Vector3]
) throws -> Configuration {
  var info = ["step": "\(frame.step)"]
  info["time_fs"] = frame.time.map { "\($0)" }
  for (name, value) in frame.observables { info[name] = "\(value)" }
  var system = frame.system
  system.positions = place(system)
  return Configuration(
    system: system, hasVelocities: fields.contains(.velocities),
    energy: frame.observables["potential_energy"],
    forces: fields.contains(.forces) ? frame.forces : nil,
    stress: fields.contains(.stress) ? frame.stress : nil,
    charges: fields.contains(.charges) ? frame.charges : nil, info: info,
    columns: reader.columns + (frame.forceSpreads.map { [.forceSpreads($0)] } ?? []))
}

extension H5MDFrame {
  fileprivate static let pressures = ["xx", "yy", "zz", "yz", "xz", "xy"].map { "pressure_\($0)" }

  /// Of the potential, in eV/Angstrom^3; nil where the trajectory has no pressure tensor.
  fileprivate var stress: Matrix3? {
    let pressure = Self.pressures.compactMap { observables[$0] }
    guard pressure.count == 6 else { return nil }
    // p of no potential is the kinetic part.
    return system.pressureTensor(potential: Matrix3(voigt: pressure) * (1 / Units.bar))
  }
}

/// Of the chosen frames; a DCD has no times, so that they must be equally far apart.
private func header(
  of frames: [Int], in reader: H5MDReader, _ events: EventHandler
) throws -> DCDWriter.Header {
  let steps = try frames.map(reader.step)
  let first = steps.first ?? 0
  let interval = steps.count > 1 ? steps[1] - first : 1
  if zip(steps, steps.dropFirst()).contains(where: { $1 - $0 != interval }) {
    try events(
      .warning(
        Diagnostic(
          severity: .warning, file: reader.path,
          "the frames are not equally far apart, and a DCD knows no times: readers take each to be \(interval) steps after the "
            + "one before",
          help: "choose frames by time: --every \"100 fs\"")))
  }
  // Where a step is no time a reader still wants one: 1 fs.
  var timestep = 1.0
  if let last = frames.last, let step = steps.last, step > 0, let time = try reader.time(ofFrame: last) {
    timestep = time / Double(step)
  }
  let system = try reader.frame(0).system
  return DCDWriter.Header(
    frameCount: frames.count, firstStep: first, interval: interval, timestep: timestep,
    hasCell: system.cell.hasPeriodicAxis)
}

/// A checkpoint has no energy and no forces: they are computed anew when a run resumes.
private func exportCheckpoint(_ path: String, to output: String, _ options: ExportOptions) throws -> Int {
  let checkpoint = try Checkpoint.read(path)
  if let missing = options.fields?.subtracting([.velocities]).first {
    throw UsageError(message: "a checkpoint has no \(missing.rawValue)", help: "export the trajectory")
  }
  let timestep = (try? Deck(text: checkpoint.deck, file: path, folder: "/"))?.timestep
  var system = checkpoint.system
  system.positions = try options.placement(of: system, file: path)(system)
  switch try options.format(of: output) {
  case .xyz:
    var info = ["step": "\(checkpoint.step)"]
    info["time_fs"] = timestep.map { "\(Double(checkpoint.step) * $0)" }
    let writer = try ExtendedXYZWriter(creating: output)
    try writer.append(
      Configuration(
        system: system, hasVelocities: timestep != nil && options.fields?.contains(.velocities) ?? true,
        info: info))
    try writer.close()
  case .dcd:
    let writer = try DCDWriter(
      creating: output, atomCount: system.count,
      header: .init(
        frameCount: 1, firstStep: checkpoint.step, interval: 1, timestep: timestep ?? 1,
        hasCell: system.cell.hasPeriodicAxis))
    try writer.append(system)
    try writer.close()
  }
  return 1
}

// MARK: - Choices

extension ExportOptions {
  /// - Throws: `UsageError` for a name that promises another format.
  func format(of output: String) throws -> Format {
    if let format { return format }
    try requireWritable(output)
    return output.lowercased().hasSuffix(".dcd") ? .dcd : .xyz
  }

  /// Indices of the chosen frames.
  fileprivate func frames(of reader: H5MDReader) throws -> [Int] {
    var all = Array(0..<reader.frameCount)
    if from != nil || to != nil {
      try requireTimes(reader, "--from and --to")
      all = try all.filter { index in
        let time = try reader.time(ofFrame: index) ?? 0
        // To a millionth of a femtosecond, so that "2 ps" is the frame at 2 ps.
        return time >= (from ?? -.infinity) - 1e-6 && time <= (to ?? .infinity) + 1e-6
      }
    }
    guard let first = all.first, let last = all.last else {
      throw UsageError(
        message: "no frame lies between these times",
        help: String(
          format: "the trajectory goes from %g to %g fs", try reader.time(ofFrame: 0) ?? 0,
          try reader.time(ofFrame: reader.frameCount - 1) ?? 0))
    }
    switch every {
    case .frames(let stride):
      return all.enumerated().filter { $0.offset.isMultiple(of: stride) }.map(\.element)
    case .time(let interval):
      try requireTimes(reader, "a time between frames")
      let start = try reader.time(ofFrame: first) ?? 0
      let chosen = try all.filter { index in
        let count = (try reader.time(ofFrame: index) ?? 0) - start
        return abs(count - (count / interval).rounded() * interval) < 1e-6 * max(1, interval)
      }
      let span = (try reader.time(ofFrame: last) ?? 0) - start
      guard chosen.count == Int(min(span / interval + 1e-6, 1e9)) + 1 else {
        let spacing = all.count > 1 ? (try reader.time(ofFrame: all[1]) ?? 0) - start : 0
        throw UsageError(
          message: String(format: "there are no frames %g fs apart", interval),
          help: String(
            format: "the frames are %g fs apart: give a multiple of that, or a number of frames", spacing))
      }
      return chosen
    }
  }

  private func requireTimes(_ reader: H5MDReader, _ what: String) throws {
    guard !reader.hasTime else { return }
    throw UsageError(
      message: "\(what) cannot be had: no time passes from step to step here",
      help: "choose by number: --every 10")
  }

  /// What is written beside positions.
  fileprivate func fields(of reader: H5MDReader) throws -> Set<Field> {
    let names = Set(reader.observables.map(\.name))
    // Where no time passes nothing has a velocity.
    let knowsVelocities = reader.hasVelocities || !reader.hasTime
    var there: Set<Field> = []
    if reader.hasVelocities { there.insert(.velocities) }
    if reader.hasForces { there.insert(.forces) }
    if reader.hasCharges { there.insert(.charges) }
    if knowsVelocities, names.isSuperset(of: H5MDFrame.pressures) { there.insert(.stress) }
    guard let fields else { return there }
    if let missing = fields.subtracting(there).map(\.rawValue).min() {
      throw UsageError(
        message: "the trajectory has no \(missing)",
        help: "a run writes them with `trajectory: {\(missing): true}`"
          + (missing == "stress" ? ", and with velocities" : ""))
    }
    return fields
  }

  /// Where the atoms of a frame are put.
  /// - Parameter first: the first frame, whose bonds make molecules.
  fileprivate func placement(of first: AtomicSystem, file: String) throws -> (AtomicSystem) -> [Vector3] {
    switch positions {
    case .unwrapped: return { $0.positions }
    case .wrapped: return { system in system.positions.map { system.cell.wrap($0).position } }
    case .whole:
      let molecules = try numerically { try Molecules(of: first) }
      guard !molecules.isEndless else {
        throw UsageError(
          message: "\(file): bonds go on from cell to cell without an end, so that nothing is whole",
          help: "write the atoms inside the cell: --wrap")
      }
      return { molecules.wrapped($0) }
    }
  }
}

/// - Throws: `UsageError` for a file whose name promises what is not written.
func requireWritable(_ output: String) throws {
  guard let format = StructureFormat.unwritable(output) else { return }
  throw UsageError(
    message: "\(output): \(format) is not written",
    help: "name it .xyz (or .xyz.gz) for extended XYZ, .dcd for DCD; ASE makes other formats of extended XYZ")
}
