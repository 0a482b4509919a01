// From a trajectory, or the configuration in a checkpoint, to extended XYZ.

import Deck
import Diagnostics
import HDF5
import Trajectory

/// Writes frames 0, every, 2 every, ... of the trajectory `path` to a new extended XYZ file; of a checkpoint, its one
/// configuration. The trajectory may be that of a run in progress; frames that it lacks are a warning.
/// - Returns: the number of frames written.
/// - Throws: `HDF5Error`, `TrajectoryError`; no file is then left.
public func exportTrajectory(
  _ path: String, to output: String, every: Int, events: EventHandler = { _ in }
) throws -> Int {
  guard !FileSeal.isPresent(path) else { return try exportCheckpoint(path, to: output) }
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
  let writer = try ExtendedXYZWriter(creating: output)
  var count = 0
  for index in stride(from: 0, to: reader.frameCount, by: every) {
    let frame = try reader.frame(index)
    var info = ["step": "\(frame.step)", "time_fs": "\(frame.time)"]
    for (name, value) in frame.observables { info[name] = "\(value)" }
    try writer.append(
      Configuration(
        system: frame.system, hasVelocities: reader.hasVelocities,
        energy: frame.observables["potential_energy"],
        forces: frame.forces, charges: frame.charges, info: info))
    count += 1
  }
  try writer.close()
  return count
}

/// A checkpoint has no energy and no forces: they are computed anew when a run resumes.
private func exportCheckpoint(_ path: String, to output: String) throws -> Int {
  let checkpoint = try Checkpoint.read(path)
  var info = ["step": "\(checkpoint.step)"]
  if let timestep = try? Deck(text: checkpoint.deck, file: path, folder: "/").timestep {
    info["time_fs"] = "\(Double(checkpoint.step) * timestep)"
  }
  let writer = try ExtendedXYZWriter(creating: output)
  try writer.append(Configuration(system: checkpoint.system, hasVelocities: true, info: info))
  try writer.close()
  return 1
}
